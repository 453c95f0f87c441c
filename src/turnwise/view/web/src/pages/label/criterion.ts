/** What is judged, as it stands in the address: `score:helpful`. */

import type { AgreementQuery } from "@/api/queries";

export interface Criterion {
  readonly kind: AgreementQuery["kind"];
  readonly name: string;
}

const KINDS = ["thumb", "score", "choice"] as const;

export function criterionOf(text: string | null): Criterion {
  const kind = KINDS.find((one) => text?.startsWith(`${one}:`));
  return kind === undefined
    ? { kind: "thumb", name: "" }
    : { kind, name: text?.slice(kind.length + 1) ?? "" };
}

export function keyOf({ kind, name }: Criterion): string {
  return `${kind}:${name}`;
}

export function titleOf({ kind, name }: Criterion): string {
  const title = { thumb: "Thumbs", score: "Score", choice: "Choice" }[kind];
  return name === "" ? title : `${title}: ${name}`;
}

/** Which of two is better: whole episodes, or the replies with which they part. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { useLabel } from "@/api/mutations";
import { ask } from "@/api/queries";
import type { AlignPage, LabelAsk } from "@/api/types";
import { usePerson } from "@/lib/person";
import { Segmented } from "@/parts/Field";

import css from "./align.module.css";

type Verdict = "-1" | "0" | "1" | "";

const VERDICTS: readonly { value: Verdict; label: string }[] = [
  { value: "-1", label: "Left is better" },
  { value: "0", label: "Tie" },
  { value: "1", label: "Right is better" },
];

export function Choice({ page }: { page: AlignPage }) {
  const annotator = usePerson();
  const label = useLabel();
  // The first moment at which each says something of its own.
  const parting = page.rows.find((row) => !row.same && row.a !== null && row.b !== null);
  const [about, setAbout] = useState<"episodes" | "replies">("episodes");
  const replies = about === "replies" && parting !== undefined;
  const target = replies ? `${page.a}@${parting.a ?? 0}` : page.a;
  const other = replies ? `${page.b}@${parting.b ?? 0}` : page.b;
  const labels = useQuery(ask.labels({ target, kind: "choice", annotator }));
  const stored = labels.data?.rows.find((one) => one.target === target && one.other === other);
  // What was chosen just now counts before the server tells of it.
  const [chosen, setChosen] = useState<{ target: string; value: Verdict }>();
  const fresh = chosen?.target === target ? chosen.value : undefined;
  const value = fresh ?? (stored?.value == null ? "" : (String(stored.value) as Verdict));
  const choose = (next: Verdict) => {
    setChosen({ target, value: next });
    const body: LabelAsk = { kind: "choice", target, other, annotator, value: Number(next) };
    label.mutate(body, { onError: () => setChosen(undefined) });
  };
  return (
    <div className={css.choice} role="group" aria-label="Your choice">
      {parting !== undefined && page.shared > 0 && (
        <Segmented
          label="What to judge"
          value={about}
          options={[
            { value: "episodes", label: "The episodes" },
            { value: "replies", label: `The replies at turn ${parting.a ?? 0}` },
          ]}
          onChange={setAbout}
        />
      )}
      <Segmented<Verdict> label="Which is better" value={value} options={VERDICTS} onChange={choose} />
      {label.error && <p role="alert">{label.error.message}</p>}
    </div>
  );
}

/** A JSON value, or text that should be JSON but need not be, set out and coloured. */

import { pretty } from "@/lib/json";

import { Code } from "./Code";

export function Json({ value, label }: { value: unknown; label?: string }) {
  return <Code text={pretty(value)} language="json" {...(label === undefined ? {} : { label })} />;
}

/** Arguments exactly as a model wrote them; only well-formed JSON is set out anew. */
export function JsonText({ text, label }: { text: string; label?: string }) {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return <Code text={text} language="" {...(label === undefined ? {} : { label })} />;
  }
  return <Json value={value} {...(label === undefined ? {} : { label })} />;
}

/** A tool that a program called while it ran: what it asked for, and what it was told. */

import type { NoteLine } from "@/api/types";
import { isTable } from "@/lib/json";
import { ToolCall } from "@/parts/message/ToolCall";
import { Said } from "@/parts/text/Said";

export interface CalledByCode {
  readonly tool: string;
  readonly arguments: Record<string, unknown>;
  readonly result: string;
}

/** A note read as such a call; undefined where it is none. */
export function calledOf(note: NoteLine): CalledByCode | undefined {
  const value: unknown = note.value;
  if (note.name !== "tool_call" || !isTable(value)) return undefined;
  const { tool, arguments: given, result } = value;
  if (typeof tool !== "string" || typeof result !== "string" || !isTable(given)) return undefined;
  return { tool, arguments: given, result };
}

export function Called({ made }: { made: CalledByCode }) {
  const text = JSON.stringify(made.arguments);
  return (
    <section aria-label={`The program calls ${made.tool}`}>
      <ToolCall call={{ id: "", name: made.tool, arguments: text, size: text.length, valid: true }} />
      <Said text={made.result} />
    </section>
  );
}

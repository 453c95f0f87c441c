/** The model calls behind a turn: what they took and cost, what failed, and thoughts of a scaffold that nobody heard. */

import type { CallShape } from "@/api/types";
import { count, duration, money, plural, score } from "@/lib/format";
import { useParams } from "@/lib/query";
import { Chip } from "@/parts/Chip";
import { Fold } from "@/parts/Fold";
import { Message } from "@/parts/message/Message";

import css from "./turn.module.css";

export function Calls({ calls, turn }: { calls: readonly CallShape[]; turn: number }) {
  if (calls.length === 0) return null;
  const failed = calls.filter((call) => call.error !== null).length;
  return (
    <Fold
      title={plural(calls.length, "model call")}
      note={failed > 0 ? `${failed} failed` : told(calls.at(-1))}
    >
      <div className={css.calls}>
        {calls.map((call) => (
          <Call key={call.n} call={call} turn={turn} />
        ))}
      </div>
    </Fold>
  );
}

function told(call: CallShape | undefined): string {
  return [call?.model, call?.version, call?.finish].filter((text) => text != null && text !== "").join(" · ");
}

function Call({ call, turn }: { call: CallShape; turn: number }) {
  const [, setParams] = useParams();
  const facts: readonly (readonly [string, string | null])[] = [
    ["finish", call.finish],
    ["model", call.model],
    ["version", call.version],
    ["took", call.seconds === null ? null : duration(call.seconds)],
    ["tokens in", call.spent && count(call.spent.input)],
    ["cached", call.spent && call.spent.cached > 0 ? count(call.spent.cached) : null],
    ["out", call.spent && count(call.spent.output)],
    ["thought", call.spent && call.spent.reasoning > 0 ? count(call.spent.reasoning) : null],
    ["cost", call.spent && call.spent.cost > 0 ? money(call.spent.cost) : null],
    ["log-probability", call.logprob === null ? null : score(call.logprob)],
    ["tools offered", call.tools.length > 0 ? call.tools.join(", ") : null],
  ];
  return (
    <div className={css.call}>
      <p className={css.callFacts}>
        <strong>call {call.n}</strong>
        {facts.map(([name, value]) =>
          value === null ? null : (
            <span key={name}>
              {name} {value}
            </span>
          ),
        )}
        <button
          type="button"
          className={css.inline}
          onClick={() => setParams({ as: call.role, with: "", call: String(call.n), turn: String(turn) })}
        >
          what it was shown
        </button>
      </p>
      {call.error !== null && (
        <p className={css.error}>
          <Chip tone="bad">{call.error_kind ?? "failed"}</Chip> {call.error}
        </p>
      )}
      {call.said !== null && <Message message={call.said} />}
    </div>
  );
}

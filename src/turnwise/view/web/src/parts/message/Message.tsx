/** A whole message: thoughts folded, words, pictures, tool calls. */

import type { MessageShape, PartShape } from "@/api/types";
import type { Click } from "@/lib/clicks";
import { plural } from "@/lib/format";
import { Fold } from "@/parts/Fold";
import { Ansi } from "@/parts/text/Ansi";
import { JsonText } from "@/parts/text/Json";
import { Said } from "@/parts/text/Said";
import { Visible } from "@/parts/text/Visible";

import css from "./message.module.css";
import { Media } from "./Media";
import { ToolCall } from "./ToolCall";

const NONE: readonly Click[] = [];

export function Message({
  message,
  marks = NONE,
  more,
}: {
  message: MessageShape;
  /** Places on its pictures that were pointed at. */
  marks?: readonly Click[];
  /** Shown below a text that is longer than what is here. */
  more?: (part: PartShape, place: number) => React.ReactNode;
}) {
  const empty =
    message.tool_calls.length === 0 &&
    message.parts.every((part) => part.kind === "text" && part.text === "");
  return (
    <div className={css.message}>
      {message.reasoning !== null && message.reasoning !== "" && (
        <Fold title="Thoughts" note={plural(message.reasoning.length, "character")}>
          <div className={css.thoughts}>
            <Said text={message.reasoning} />
          </div>
        </Fold>
      )}
      {message.parts.map((part, place) =>
        part.kind === "text" ? (
          <div key={place} className={css.part}>
            <Words text={part.text ?? ""} tool={message.role === "tool"} name={message.name} />
            {part.size > (part.text ?? "").length && more?.(part, place)}
          </div>
        ) : (
          <Media key={place} part={part} marks={marks} />
        ),
      )}
      {message.tool_calls.map((call) => (
        <ToolCall key={call.id} call={call} />
      ))}
      {empty && <p className={css.lost}>said nothing</p>}
    </div>
  );
}

/** A tool's answer is output, not prose: JSON set out, terminal colours kept. */
function Words({ text, tool, name }: { text: string; tool: boolean; name: string | null }) {
  if (!tool) return <Said text={text} />;
  const head = text.trimStart().charAt(0);
  return (
    <div className={css.result}>
      {name !== null && (
        <p className={css.toolHead}>
          <span className={css.verb}>result of</span>
          <code>
            <Visible text={name} />
          </code>
        </p>
      )}
      {(head === "{" || head === "[") && text.length < 100_000 ? (
        <JsonText text={text} label="Result" />
      ) : (
        // A box that scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre className={css.output} tabIndex={0} role="group" aria-label="Result">
          <Ansi text={text} />
        </pre>
      )}
    </div>
  );
}

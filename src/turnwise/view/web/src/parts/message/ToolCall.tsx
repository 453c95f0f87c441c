/** A model's wish to call a tool, with its arguments as it wrote them. */

import type { ToolCallShape } from "@/api/types";
import { bytes } from "@/lib/format";
import { Chip } from "@/parts/Chip";
import { Code } from "@/parts/text/Code";
import { JsonText } from "@/parts/text/Json";
import { Visible } from "@/parts/text/Visible";

import css from "./message.module.css";

export function ToolCall({ call }: { call: ToolCallShape }) {
  const code = call.valid ? program(call.arguments) : undefined;
  return (
    <div className={css.tool}>
      <p className={css.toolHead}>
        <span className={css.verb}>calls</span>
        <code>
          <Visible text={call.name} />
        </code>
        {!call.valid && <Chip tone="warn">arguments are no JSON object</Chip>}
        {call.size > call.arguments.length && <Chip>first of {bytes(call.size)}</Chip>}
      </p>
      {code === undefined ? (
        call.arguments.trim() !== "{}" && (
          <JsonText text={call.arguments} label={`Arguments of ${call.name}`} />
        )
      ) : (
        <Code text={code.text} language={code.language} label={`Arguments of ${call.name}`} />
      )}
    </div>
  );
}

/** Where the only argument is a program, it is shown as one instead of as a string in JSON. */
function program(text: string): { text: string; language: string } | undefined {
  const value: unknown = JSON.parse(text);
  const [entry, ...others] = Object.entries(value as Record<string, unknown>);
  if (entry === undefined || others.length > 0 || typeof entry[1] !== "string") return undefined;
  const languages: Record<string, string> = {
    code: "python",
    python: "python",
    sql: "sql",
    command: "bash",
    cmd: "bash",
  };
  const language = languages[entry[0]];
  return language === undefined ? undefined : { text: entry[1], language };
}

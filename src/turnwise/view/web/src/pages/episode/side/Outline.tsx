/** Every turn on one line: to see the shape of a long episode, and to go somewhere in it. */

import type { TurnLine } from "@/api/types";
import { signed } from "@/lib/format";
import { roleColour } from "@/lib/roles";
import { plain } from "@/lib/visible";
import { Empty } from "@/parts/State";
import { VirtualList } from "@/parts/VirtualList";

import { useReading } from "../context";
import css from "./side.module.css";

const HEIGHT = 30;

export function Outline() {
  const { page, turn } = useReading();
  const { turns } = page;
  if (turns.length === 0) return <Empty title="Nothing was said yet" />;
  return (
    <VirtualList
      label="All turns, a line each"
      count={turns.length}
      estimate={() => HEIGHT}
      follow={page.live}
      goTo={turn}
      align="auto"
      padding={6}
      item={(place) => {
        const line = turns[place];
        return line === undefined ? null : <Line line={line} here={turn === line.index} />;
      }}
    />
  );
}

function Line({ line, here }: { line: TurnLine; here: boolean }) {
  const { select, roles } = useReading();
  const head = plain(line.head);
  const called = line.kind === "reply" && line.tools.length > 0 ? `${line.tools.join(", ")}()` : "";
  return (
    <button
      type="button"
      className={css.line}
      aria-current={here ? "true" : undefined}
      onClick={() => select(line.index)}
    >
      <span className={css.index}>{line.index}</span>
      <span className={css.swatch} data-colour={roleColour(line.role, roles)} />
      <span className={css.text}>
        <span className="sr-only">{line.role}: </span>
        {head}
        {called !== "" && <code>{` ${called}`}</code>}
        {head === "" && called === "" && line.media > 0 && "(picture)"}
      </span>
      {line.reward !== null && (
        <span className={css.reward} data-good={line.reward > 0} data-bad={line.reward < 0}>
          {signed(line.reward)}
        </span>
      )}
    </button>
  );
}

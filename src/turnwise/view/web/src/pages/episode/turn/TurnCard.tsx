/** A turn: who said it, what, and what it brought. */

import { memo, useState } from "react";

import type { TurnLine, TurnShape } from "@/api/types";
import type { Click } from "@/lib/clicks";
import { roleColour } from "@/lib/roles";
import { Message } from "@/parts/message/Message";

import { useReading } from "../context";
import { Tokens } from "../tokens/Tokens";
import { Actions } from "./Actions";
import { Calls } from "./Calls";
import { More } from "./More";
import { Notes } from "./Notes";
import { Rewards } from "./Rewards";
import { TurnHead } from "./TurnHead";
import css from "./turn.module.css";

export function TurnCard({
  turn,
  line,
  marks,
}: {
  turn: TurnShape;
  line: TurnLine;
  marks: readonly Click[];
}) {
  const reading = useReading();
  const [tokens, setTokens] = useState(false);
  const here = reading.turn === turn.index;
  return (
    <article
      className={css.card}
      data-kind={turn.kind}
      data-colour={roleColour(turn.role, reading.roles)}
      data-turn={turn.index}
      aria-current={here ? "true" : undefined}
      aria-label={`Turn ${turn.index}, ${turn.role}`}
    >
      <header className={css.head}>
        <TurnHead turn={turn} line={line} />
        <Actions turn={turn} tokens={tokens} setTokens={setTokens} />
      </header>
      {tokens ? <Tokens turn={turn} /> : <Body turn={turn} marks={marks} />}
      <Rewards turn={turn} />
      <div className={css.folds}>
        <Calls calls={turn.calls} turn={turn.index} />
        <Notes turn={turn} />
      </div>
    </article>
  );
}

const Body = memo(function Body({ turn, marks }: { turn: TurnShape; marks: readonly Click[] }) {
  return (
    <Message
      message={turn.message}
      marks={marks}
      more={(part, place) => <More turn={turn.index} part={part} place={place} />}
    />
  );
});

/** Keeps the place of a turn that is on its way. */
export function TurnBone({ height }: { height: number }) {
  return <div className={css.bone} style={{ height }} aria-hidden="true" />;
}

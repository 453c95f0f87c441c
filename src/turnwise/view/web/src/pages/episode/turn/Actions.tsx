/** What one can do with a turn: judge it, note something, see its tokens, go on another way from here. */

import { useState } from "react";

import type { TurnShape } from "@/api/types";
import { named } from "@/lib/paths";
import { IconButton } from "@/parts/Button";
import { Icon } from "@/parts/Icon";
import { ThumbButtons } from "@/parts/Thumbs";

import { useReading } from "../context";
import { NoteDialog } from "./NoteDialog";
import css from "./turn.module.css";

export function Actions({
  turn,
  tokens,
  setTokens,
}: {
  turn: TurnShape;
  tokens: boolean;
  setTokens: (shown: boolean) => void;
}) {
  const { episode, labels, fork } = useReading();
  const [note, setNote] = useState(false);
  const stored = turn.calls.some((call) => (call.tokens ?? 0) > 0);
  return (
    <div className={css.actions}>
      {stored && (
        <button type="button" className={css.action} aria-pressed={tokens} onClick={() => setTokens(!tokens)}>
          Tokens
        </button>
      )}
      <ThumbButtons
        target={named(episode, turn.index)}
        what={`turn ${turn.index}`}
        labels={labels.get(turn.index) ?? []}
      />
      <IconButton name={`Note on turn ${turn.index}`} onClick={() => setNote(true)}>
        <Icon name="note" />
      </IconButton>
      <IconButton name={`Fork from turn ${turn.index}`} onClick={() => fork(turn.index)}>
        <Icon name="fork" />
      </IconButton>
      {note && <NoteDialog turn={turn} onClose={() => setNote(false)} />}
    </div>
  );
}

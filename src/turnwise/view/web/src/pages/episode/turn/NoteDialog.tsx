/** A note on a turn, or on some words of it: those that were selected, or are typed here. */

import { useState } from "react";

import { useLabel } from "@/api/mutations";
import type { LabelAsk, TurnShape } from "@/api/types";
import { named } from "@/lib/paths";
import { usePerson } from "@/lib/person";
import { located, selectedIn } from "@/lib/selection";
import { Button } from "@/parts/Button";
import { Dialog } from "@/parts/Dialog";
import { TextArea, TextField } from "@/parts/Field";
import { Person } from "@/parts/Person";

import { useReading } from "../context";
import css from "./turn.module.css";

export function NoteDialog({ turn, onClose }: { turn: TurnShape; onClose: () => void }) {
  const { episode } = useReading();
  const annotator = usePerson();
  const label = useLabel();
  const [words, setWords] = useState(() => selectedIn(document.querySelector(`[data-turn="${turn.index}"]`)));
  const [text, setText] = useState("");
  const span = find(turn, words);
  const save = () => {
    const body: LabelAsk = { kind: "note", target: named(episode, turn.index), annotator, text };
    if (span) Object.assign(body, { part: span.part, start: span.start, end: span.end });
    label.mutate(body, { onSuccess: onClose });
  };
  return (
    <Dialog title={`Note on turn ${turn.index}`} onClose={onClose}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <TextArea
          label="Note"
          required
          maxLength={20_000}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <TextField
          label="On these words"
          hint={
            words === ""
              ? "Select words of the turn before, or leave this empty: the note is on the whole turn."
              : span
                ? `Characters ${span.start} to ${span.end} of the turn.`
                : "These words do not stand in the turn: the note is on the whole turn."
          }
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <Person />
        {label.error && <p role="alert">{label.error.message}</p>}
        <div className={css.buttons}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={text.trim() === "" || label.isPending}>
            Save note
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function find(turn: TurnShape, words: string) {
  for (const [part, { text }] of turn.message.parts.entries()) {
    const span = text === null ? undefined : located(text, words);
    if (span) return { part, ...span };
  }
  return undefined;
}

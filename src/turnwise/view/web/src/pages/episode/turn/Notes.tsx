/** What the environment noted at a turn, and what people wrote on it. */

import { useRetract } from "@/api/mutations";
import type { Label, TurnShape } from "@/api/types";
import { changesOf } from "@/lib/changes";
import { score, when } from "@/lib/format";
import { usePerson } from "@/lib/person";
import { IconButton } from "@/parts/Button";
import { Fold } from "@/parts/Fold";
import { Icon } from "@/parts/Icon";
import { Json } from "@/parts/text/Json";
import { Said } from "@/parts/text/Said";
import { Visible } from "@/parts/text/Visible";

import { useReading } from "../context";
import { Called, calledOf } from "./Called";
import { Changed } from "./Changed";
import css from "./turn.module.css";

export function Notes({ turn }: { turn: TurnShape }) {
  const { labels } = useReading();
  const written = (labels.get(turn.index) ?? []).filter(
    (label) => label.kind !== "thumb" && label.kind !== "tag",
  );
  const changed = turn.notes.flatMap((note) => changesOf(note) ?? []);
  const called = turn.notes.flatMap((note) => calledOf(note) ?? []);
  const others = turn.notes.filter((note) => changesOf(note) === undefined && calledOf(note) === undefined);
  return (
    <>
      {called.map((made, place) => (
        <Called key={place} made={made} />
      ))}
      {changed.map((made, place) => (
        <Changed key={place} made={made} />
      ))}
      {others.length > 0 && (
        <Fold title="Noted by the environment" note={others.map((note) => note.name).join(", ")}>
          {others.map((note, place) => (
            <Json key={place} value={{ [note.name]: note.value }} label={note.name} />
          ))}
        </Fold>
      )}
      {written.map((label) => (
        <Written key={label.id} label={label} turn={turn} />
      ))}
    </>
  );
}

function Written({ label, turn }: { label: Label; turn: TurnShape }) {
  const person = usePerson();
  const retract = useRetract();
  const quoted =
    label.start === null || label.end === null
      ? undefined
      : turn.message.parts[label.part ?? 0]?.text?.slice(label.start, label.end);
  return (
    <aside className={css.note} aria-label={`Note by ${label.annotator}`}>
      <div>
        {quoted !== undefined && (
          <q className={css.quote}>
            <Visible text={quoted} />
          </q>
        )}
        {label.kind === "score" && (
          <p>
            {label.name}: <strong>{score(label.value)}</strong>
          </p>
        )}
        {label.text !== null && <Said text={label.text} />}
        <p className={css.by}>
          {label.annotator}, {when(new Date(label.created * 1000))}
        </p>
      </div>
      {label.annotator === person && (
        <IconButton
          name="Take this back"
          onClick={() => retract.mutate({ label: label.id, annotator: person })}
        >
          <Icon name="close" />
        </IconButton>
      )}
    </aside>
  );
}

/** What people think of the episode: a rubric to fill in, and every label so far. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { useLabel } from "@/api/mutations";
import { ask } from "@/api/queries";
import type { Label, LabelAsk } from "@/api/types";
import { score, when } from "@/lib/format";
import { fieldText } from "@/lib/form";
import { named, parsed } from "@/lib/paths";
import { usePerson } from "@/lib/person";
import { Button } from "@/parts/Button";
import { Segmented, TextArea, TextField } from "@/parts/Field";
import { Panel } from "@/parts/Panel";
import { Person } from "@/parts/Person";
import { Said } from "@/parts/text/Said";

import { useReading } from "../context";
import { TurnLink } from "./TurnLink";
import css from "./side.module.css";

export function Labels() {
  const { episode } = useReading();
  const target = named(episode);
  const answer = useQuery(ask.labels({ target, limit: 500 }));
  const labels = answer.data?.rows ?? [];
  return (
    <div className={css.stack}>
      <Panel title="Rubric" note="1 is poor, 5 is excellent">
        <Rubric target={target} labels={labels} />
      </Panel>
      <Panel title="Note on the episode">
        <Note target={target} />
      </Panel>
      <Panel title="So far" note={String(labels.length)}>
        <ul className={css.labels}>
          {labels.map((label) => (
            <li key={label.id}>
              <Line label={label} />
            </li>
          ))}
        </ul>
        {labels.length === 0 && <p className={css.faint}>Nobody labelled it yet.</p>}
      </Panel>
      <Panel title="You">
        <Person />
      </Panel>
    </div>
  );
}

const SCALE = ["1", "2", "3", "4", "5"].map((value) => ({ value, label: value }));

function Rubric({ target, labels }: { target: string; labels: readonly Label[] }) {
  const known = useQuery(ask.agreement({ kind: "score" }));
  const [own, setOwn] = useState<readonly string[]>([]);
  const names = [
    ...new Set([
      ...(known.data?.criteria ?? []).filter(({ kind }) => kind === "score").map(({ name }) => name),
      ...own,
    ]),
  ];
  return (
    <>
      {names.map((name) => (
        <Criterion key={name} name={name} target={target} labels={labels} />
      ))}
      <form
        className={css.adding}
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          const name = fieldText(new FormData(form), "criterion");
          if (name !== "") setOwn((now) => [...now, name]);
          form.reset();
        }}
      >
        <TextField label="New criterion" name="criterion" placeholder="e.g. helpful" maxLength={100} />
        <Button type="submit">Add</Button>
      </form>
    </>
  );
}

function Criterion({ name, target, labels }: { name: string; target: string; labels: readonly Label[] }) {
  const annotator = usePerson();
  const label = useLabel();
  const title = name === "" ? "overall" : name;
  const stored = labels.find(
    (one) =>
      one.kind === "score" && one.name === name && one.annotator === annotator && one.target === target,
  );
  // What was chosen just now counts before the server tells of it.
  const [chosen, setChosen] = useState<string>();
  const value = chosen ?? (stored?.value == null ? "" : String(stored.value));
  const choose = (next: string) => {
    setChosen(next);
    const body: LabelAsk = { kind: "score", target, annotator, name, value: Number(next) };
    label.mutate(body, { onError: () => setChosen(undefined) });
  };
  return (
    <div className={css.criterion}>
      <span>{title}</span>
      <Segmented label={title} value={value} options={SCALE} onChange={choose} />
      {label.error && <p role="alert">{label.error.message}</p>}
    </div>
  );
}

function Note({ target }: { target: string }) {
  const annotator = usePerson();
  const label = useLabel();
  const [text, setText] = useState("");
  return (
    <form
      className={css.noting}
      onSubmit={(event) => {
        event.preventDefault();
        label.mutate({ kind: "note", target, annotator, text }, { onSuccess: () => setText("") });
      }}
    >
      <TextArea
        label="Note"
        quiet
        rows={3}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {label.error && <p role="alert">{label.error.message}</p>}
      <Button type="submit" disabled={text.trim() === "" || label.isPending}>
        Save note
      </Button>
    </form>
  );
}

function Line({ label }: { label: Label }) {
  const turn = parsed(label.target)?.turn;
  return (
    <div className={css.label}>
      <p className={css.places}>
        <strong>{told(label)}</strong>
        {turn !== undefined && (
          <span>
            turn <TurnLink turn={turn} />
          </span>
        )}
        <span className={css.faint}>
          {label.annotator}, {when(new Date(label.created * 1000))}
        </span>
      </p>
      {label.text !== null && <Said text={label.text} />}
    </div>
  );
}

function told({ kind, name, value, other }: Label): string {
  if (kind === "thumb") return value === 1 ? "good" : "bad";
  if (kind === "score") return `${name === "" ? "overall" : name}: ${score(value)}`;
  if (kind === "tag") return `tag ${name}`;
  if (kind === "choice") {
    const verdict = value === 0 ? "as good as" : value === -1 ? "better than" : "worse than";
    return `${verdict} ${other ?? ""}`;
  }
  return "note";
}

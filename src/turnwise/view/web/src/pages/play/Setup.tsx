/** The table is laid: task, roles, opponents, settings. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";

import { asApiError } from "@/api/errors";
import { usePlay } from "@/api/mutations";
import { ask } from "@/api/queries";
import type { components } from "@/api/schema";
import type { EnvironmentPage } from "@/api/types";
import { count, plural } from "@/lib/format";
import { fieldText } from "@/lib/form";
import { paths } from "@/lib/paths";
import { useDelayed } from "@/lib/delayed";
import { Button } from "@/parts/Button";
import { Check, Select, TextField } from "@/parts/Field";
import { Fold } from "@/parts/Fold";
import { Failure, Loading } from "@/parts/State";

import { SeatFields, type Seats, asked } from "./Seats";
import { SettingFields, changedSettings } from "./SettingFields";
import css from "./play.module.css";

type PlayAsk = components["schemas"]["PlayAsk"];

export function Setup({ environment, back }: { environment: string; back: () => void }) {
  const answer = useQuery(ask.environment(environment));
  return (
    <section className={css.setup} aria-label={environment}>
      <Button tone="bare" onClick={back}>
        All environments
      </Button>
      <h2>{environment}</h2>
      {answer.error && <Failure error={asApiError(answer.error)} />}
      {answer.isPending && <Loading />}
      {answer.data && <Form page={answer.data} />}
    </section>
  );
}

function Form({ page }: { page: EnvironmentPage }) {
  const [, navigate] = useLocation();
  const play = usePlay();
  const [task, setTask] = useState("");
  const [seats, setSeats] = useState<Seats>(() =>
    Object.fromEntries(page.seats.map((seat, place) => [seat.role, place === 0 ? { person: true } : {}])),
  );
  const people = page.seats.filter((seat) => seats[seat.role]?.person).length;
  const begin = (form: FormData) => {
    const seed = fieldText(form, "seed");
    const body: PlayAsk = {
      environment: page.name,
      ...asked(page.seats, seats),
      settings: changedSettings(page.settings, form) as NonNullable<PlayAsk["settings"]>,
      peek: form.get("peek") !== null,
    };
    if (task !== "") body.task = task;
    if (seed !== "") body.seed = seed;
    play.mutate(body, {
      onSuccess: ({ play: id, seats: [mine, ...others] }) => {
        if (mine) navigate(paths.seat(id, mine.key), { state: others });
      },
    });
  };
  return (
    <form
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        begin(new FormData(event.currentTarget));
      }}
    >
      <p className={css.about}>{page.about}</p>
      {page.problem !== null && (
        <p role="alert" className={css.error}>
          {page.problem}
        </p>
      )}
      <TaskField environment={page.name} total={page.tasks} value={task} onChange={setTask} />
      <SeatFields seats={page.seats} value={seats} onChange={setSeats} />
      {page.spoilers && <Check name="peek" label="Show pictures even where they give away what is hidden" />}
      <Fold title="Seed and settings" note={plural(page.settings.length, "setting")}>
        <div className={css.settings}>
          <TextField
            label="Seed"
            name="seed"
            inputMode="numeric"
            pattern="\d{1,19}"
            placeholder="a new one"
          />
          <SettingFields settings={page.settings} />
        </div>
      </Fold>
      {play.error && (
        <p role="alert" className={css.error}>
          {play.error.message}
        </p>
      )}
      <div>
        <Button
          type="submit"
          tone="primary"
          disabled={people === 0 || page.problem !== null || play.isPending}
        >
          {people > 1 ? `Begin with ${count(people)} people` : "Begin"}
        </Button>
      </div>
    </form>
  );
}

function TaskField({
  environment,
  total,
  value,
  onChange,
}: {
  environment: string;
  total: number;
  value: string;
  onChange: (task: string) => void;
}) {
  const [q, setQ] = useState("");
  const [text, setText] = useDelayed(q, setQ);
  const answer = useQuery({ ...ask.tasks(environment, q), placeholderData: (old) => old });
  const rows = answer.data?.rows ?? [];
  return (
    <div className={css.task}>
      {total > 100 && (
        <TextField
          label="Find a task"
          type="search"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      <Select
        label="Task"
        hint={total > rows.length ? `${count(rows.length)} of ${count(total)}` : undefined}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        options={[
          { value: "", label: "The first" },
          ...rows.map((row) => ({
            value: row.id,
            label: row.head === "" ? row.id : `${row.id}: ${row.head}`,
          })),
        ]}
      />
    </div>
  );
}

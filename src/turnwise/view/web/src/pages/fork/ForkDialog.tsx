/** Goes on another way from a turn: other words, other agents, another seed, several at once. */

import { useQuery } from "@tanstack/react-query";
import { type SubmitEvent, useId } from "react";
import { useLocation } from "wouter";

import { useFork } from "@/api/mutations";
import { ask } from "@/api/queries";
import type { components } from "@/api/schema";
import { named, paths } from "@/lib/paths";
import { Button } from "@/parts/Button";
import { Dialog } from "@/parts/Dialog";
import { TextArea, TextField } from "@/parts/Field";
import { Loading } from "@/parts/State";

import { useReading } from "../episode/context";
import css from "./fork.module.css";

type ForkAsk = components["schemas"]["ForkAsk"];

export function ForkDialog({ turn, onClose }: { turn: number; onClose: () => void }) {
  const { episode } = useReading();
  const answer = useQuery(ask.turns(episode, turn, 1));
  const shape = answer.data?.turns[0];
  return (
    <Dialog title={`Go on another way from turn ${turn}`} onClose={onClose}>
      {shape === undefined ? (
        <Loading lines={4} />
      ) : (
        <Form
          turn={turn}
          said={shape.message.parts.map((part) => part.text ?? "").join("")}
          editable={shape.editable}
          onClose={onClose}
        />
      )}
    </Dialog>
  );
}

function Form({
  turn,
  said,
  editable,
  onClose,
}: {
  turn: number;
  said: string;
  editable: boolean;
  onClose: () => void;
}) {
  const { episode, page } = useReading();
  const [, navigate] = useLocation();
  const fork = useFork();
  const environment = useQuery(ask.environment(page.environment));
  const begin = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const body = asked(named(episode), turn, said, new FormData(event.currentTarget));
    fork.mutate(body, {
      onSuccess: ({ run, numbers: [number = 0] }) => {
        onClose();
        navigate(paths.episode({ run, number }, { turn }));
      },
    });
  };
  return (
    <form className={css.form} onSubmit={begin}>
      {editable ? (
        <TextArea
          label={`What ${page.turns[turn]?.role ?? "it"} says at turn ${turn}`}
          name="says"
          rows={6}
          defaultValue={said}
          hint="Unchanged, the turn is made anew."
        />
      ) : (
        <p className={css.hint}>The environment says turn {turn}; it follows from what came before.</p>
      )}
      {page.roles.map((role) => (
        <AgentField
          key={role.name}
          role={role.name}
          now={role.agent}
          known={
            environment.data?.seats.find((seat) => seat.role === role.name)?.agents.map(({ name }) => name) ??
            []
          }
        />
      ))}
      <div className={css.pair}>
        <TextField label="Seed" name="seed" inputMode="numeric" pattern="\d{1,19}" placeholder="a new one" />
        <TextField label="How many ways" name="count" type="number" min={1} max={16} defaultValue={1} />
      </div>
      {fork.error && (
        <p role="alert" className={css.error}>
          {fork.error.message}
        </p>
      )}
      <div className={css.buttons}>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" tone="primary" disabled={fork.isPending}>
          Fork and watch
        </Button>
      </div>
    </form>
  );
}

function AgentField({ role, now, known }: { role: string; now: string | null; known: readonly string[] }) {
  const list = useId();
  return (
    <>
      <TextField
        label={`Who plays ${role} from here on`}
        name={`agent:${role}`}
        placeholder={now ?? "as before"}
        list={list}
      />
      <datalist id={list}>
        {known.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

/** What the form asks for; what was left as it is is left out. */
function asked(episode: string, at: number, said: string, form: FormData): ForkAsk {
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === "string" ? value : "";
  };
  const body: ForkAsk = { episode, at, count: Number(text("count") || 1) };
  const says = text("says").replaceAll("\r\n", "\n");
  if (form.has("says") && says !== said) body.says = says;
  if (text("seed").trim() !== "") body.seed = text("seed").trim();
  const agents = [...form.keys()].flatMap((key): [string, string][] =>
    key.startsWith("agent:") && text(key).trim() !== "" ? [[key.slice(6), text(key).trim()]] : [],
  );
  if (agents.length > 0) body.agents = Object.fromEntries(agents);
  return body;
}

/** What a role's model was shown in one of its calls, laid beside what happened. */

import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";

import { usePages } from "@/api/pages";
import { ask } from "@/api/queries";
import type { ViewCall, ViewEntry, ViewPage } from "@/api/types";
import { plural } from "@/lib/format";
import { useParams } from "@/lib/query";
import { roleColour } from "@/lib/roles";
import { Chip, type Tone } from "@/parts/Chip";
import { Select } from "@/parts/Field";
import { Empty, Failure, Loading } from "@/parts/State";
import { VirtualList } from "@/parts/VirtualList";
import { Message } from "@/parts/message/Message";

import { useReading } from "../context";
import { TurnBone } from "../turn/TurnCard";
import { Pieces } from "./Pieces";
import { height } from "./height";
import css from "./views.module.css";

const SIZE = 50;
const rowsOf = (page: ViewPage) => page.entries;

export function RoleView({ role }: { role: string }) {
  const { episode, page } = useReading();
  const [params, setParams] = useParams();
  const asked = params.get("call");
  const call = asked === null ? undefined : Number(asked);
  const first = useQuery(ask.view(episode, role, call, 0, SIZE));
  const pages = usePages(SIZE, (start) => ask.view(episode, role, call, start, SIZE), rowsOf);
  const turns = page.turns;
  const estimate = useCallback((place: number) => height(turns[place]), [turns]);
  if (page.roles.find((one) => one.name === role)?.calls === 0) {
    return <Empty title={`${role} was never asked`}>No model call of this role is stored.</Empty>;
  }
  if (pages.error) return <Failure error={pages.error} retry={pages.retry} />;
  if (first.data === undefined) return <Loading />;
  const told = first.data.call;
  return (
    <>
      <div className={css.bar}>
        <Select
          label="At its call"
          quiet
          value={String(told.n)}
          onChange={(event) => setParams({ call: event.currentTarget.value }, { replace: true })}
          options={first.data.calls.map((one) => ({ value: String(one.n), label: name(one) }))}
        />
        <p className={css.told}>
          Its model was shown {plural(told.shown, "message")}
          {told.private > 0 && `, ${told.private} of them for it alone`}
          {told.hidden > 0 && `; ${plural(told.hidden, "turn")} hidden from it`}.
        </p>
      </div>
      <VirtualList
        key={told.n}
        label={`What ${role} saw`}
        count={pages.total}
        estimate={estimate}
        look={pages.look}
        gap={8}
        padding={12}
        item={(place) => {
          const entry = pages.row(place);
          return entry === undefined ? <TurnBone height={90} /> : <Entry entry={entry} role={role} />;
        }}
      />
    </>
  );
}

function name(call: ViewCall): string {
  const hidden = call.hidden > 0 ? `, ${call.hidden} hidden` : "";
  return `Call ${call.n}${call.turn === null ? "" : `, turn ${call.turn}`}${hidden}`;
}

const STATES: Record<ViewEntry["state"], { tone: Tone; text: string } | undefined> = {
  shown: undefined,
  private: { tone: "accent", text: "for its model alone" },
  hidden: { tone: "warn", text: "hidden from it" },
  rewritten: { tone: "warn", text: "rewritten" },
};

function Entry({ entry, role }: { entry: ViewEntry; role: string }) {
  const { roles, page } = useReading();
  const speaker =
    entry.turn === null ? entry.message.role : (page.turns[entry.turn]?.role ?? entry.message.role);
  const state = STATES[entry.state];
  return (
    <article
      className={css.entry}
      data-state={entry.state}
      data-colour={roleColour(speaker, roles)}
      aria-label={entry.turn === null ? `${entry.message.role} message` : `Turn ${entry.turn}, ${speaker}`}
    >
      <header className={css.head}>
        {entry.turn !== null && <span className={css.number}>{entry.turn}</span>}
        <strong className={css.role}>{speaker === role ? `${role} (itself)` : speaker}</strong>
        <span className={css.as}>as {entry.message.role}</span>
        {state && <Chip tone={state.tone}>{state.text}</Chip>}
      </header>
      {entry.diff.length > 0 ? <Pieces pieces={entry.diff} /> : <Message message={entry.message} />}
    </article>
  );
}

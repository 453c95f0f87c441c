/** What narrows the grid: words, score, reason, length, tags; and, as chips, what a chart asked for. */

import { useQuery } from "@tanstack/react-query";

import { ask } from "@/api/queries";
import type { RunPage } from "@/api/types";
import { clip, words } from "@/lib/format";
import type { Params } from "@/lib/query";
import { useDelayed } from "@/lib/delayed";
import { Button } from "@/parts/Button";
import { Check, Select, TextField } from "@/parts/Field";
import { Icon } from "@/parts/Icon";

import { FILTERS } from "./query";
import css from "./run.module.css";

type Set = (change: Params, how?: { replace?: boolean }) => void;

/** Those that have a field of their own; the others come from charts. */
const FIELDS = new Set([
  "text",
  "score_min",
  "score_max",
  "stop",
  "turns_min",
  "turns_max",
  "tag",
  "labelled",
]);

export function GridFilters({
  params,
  set,
  stops,
}: {
  params: URLSearchParams;
  set: Set;
  stops: RunPage["stops"];
}) {
  const about = useQuery(ask.about());
  const change = (name: string, value: string) => set({ [name]: value }, { replace: true });
  const value = (name: string) => params.get(name) ?? "";
  return (
    <div className={css.filters} role="group" aria-label="Filter episodes">
      <Typed
        label="Words in turns"
        name="text"
        type="search"
        placeholder="Search all turns"
        {...{ params, set }}
      />
      <Typed label="Score from" name="score_min" inputMode="decimal" {...{ params, set }} />
      <Typed label="Score to" name="score_max" inputMode="decimal" {...{ params, set }} />
      <Select
        label="Ended"
        value={value("stop")}
        onChange={(event) => change("stop", event.currentTarget.value)}
        options={reasons(stops, value("stop"))}
      />
      <Typed label="Turns from" name="turns_min" inputMode="numeric" {...{ params, set }} />
      <Typed label="Turns to" name="turns_max" inputMode="numeric" {...{ params, set }} />
      <Select
        label="Tag"
        value={value("tag")}
        onChange={(event) => change("tag", event.currentTarget.value)}
        options={[
          { value: "", label: "Any" },
          ...(about.data?.tags ?? []).map((tag) => ({ value: tag, label: tag })),
        ]}
      />
      <Check
        label="Labelled"
        checked={value("labelled") === "true"}
        onChange={(event) => change("labelled", event.currentTarget.checked ? "true" : "")}
      />
      <Further params={params} set={set} />
    </div>
  );
}

function reasons(stops: RunPage["stops"], chosen: string) {
  const known = stops.map(({ stop, count }) => ({ value: stop, label: `${words(stop)} (${count})` }));
  const lost = chosen !== "" && !known.some(({ value }) => value === chosen);
  return [
    { value: "", label: "For any reason" },
    ...(lost ? [{ value: chosen, label: words(chosen) }] : []),
    ...known,
  ];
}

/** A field whose value goes into the address once typing pauses. */
function Typed({
  name,
  params,
  set,
  ...rest
}: { name: string; params: URLSearchParams; set: Set } & React.ComponentProps<typeof TextField>) {
  const [text, setText] = useDelayed(params.get(name) ?? "", (value) =>
    set({ [name]: value }, { replace: true }),
  );
  return <TextField {...rest} value={text} onChange={(event) => setText(event.currentTarget.value)} />;
}

function Further({ params, set }: { params: URLSearchParams; set: Set }) {
  const active = FILTERS.filter((name) => params.has(name));
  const others = active.filter((name) => !FIELDS.has(name));
  if (active.length === 0) return null;
  return (
    <div className={css.further}>
      {others.map((name) => (
        <Button
          key={name}
          icon={<Icon name="close" />}
          onClick={() => set({ [name]: "" }, { replace: true })}
        >
          {words(name)}: {clip(params.get(name) ?? "", 24)}
        </Button>
      ))}
      <Button
        tone="bare"
        onClick={() => set(Object.fromEntries(active.map((name) => [name, ""])), { replace: true })}
      >
        Clear filters
      </Button>
    </div>
  );
}

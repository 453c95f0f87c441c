/** What to list: kept in the address, so that a view of the table can be sent to somebody. */

import type { Facet, RunsPage } from "@/api/types";
import type { Params } from "@/lib/query";
import { Button } from "@/parts/Button";
import { Select, TextField } from "@/parts/Field";

import css from "./runs.module.css";

const STATUS = [
  { value: "", label: "Any status" },
  { value: "running", label: "Running" },
  { value: "done", label: "Done" },
  { value: "stopped", label: "Stopped" },
];

export function Filters({
  params,
  set,
  facets,
}: {
  params: URLSearchParams;
  set: (change: Params, how?: { replace?: boolean }) => void;
  facets: RunsPage | undefined;
}) {
  const value = (name: string) => params.get(name) ?? "";
  const change = (name: string) => (event: { currentTarget: { value: string } }) =>
    set({ [name]: event.currentTarget.value }, { replace: true });
  const any = ["text", "environment", "agent", "kind", "status", "tag"].some((name) => params.has(name));
  return (
    <div className={css.filters} role="group" aria-label="Filters">
      <TextField
        label="Find"
        type="search"
        placeholder="Run, environment, agent, tag"
        value={value("text")}
        onChange={change("text")}
      />
      <Select
        label="Environment"
        value={value("environment")}
        onChange={change("environment")}
        options={options("Any environment", facets?.environments, value("environment"))}
      />
      <Select
        label="Agent"
        value={value("agent")}
        onChange={change("agent")}
        options={options("Any agent", facets?.agents, value("agent"))}
      />
      <Select
        label="Kind"
        value={value("kind")}
        onChange={change("kind")}
        options={options("Any kind", facets?.kinds, value("kind"))}
      />
      <Select label="Status" value={value("status")} onChange={change("status")} options={STATUS} />
      <Button
        tone="bare"
        hidden={!any}
        onClick={() =>
          set({ text: "", environment: "", agent: "", kind: "", status: "", tag: "" }, { replace: true })
        }
      >
        Clear
      </Button>
    </div>
  );
}

/** The values there are, and the chosen one even where nothing has it now. */
function options(any: string, facets: readonly Facet[] | undefined, chosen: string) {
  const known = (facets ?? []).map(({ value, count }) => ({ value, label: `${value} (${count})` }));
  const lost = chosen !== "" && !known.some(({ value }) => value === chosen);
  return [{ value: "", label: any }, ...(lost ? [{ value: chosen, label: chosen }] : []), ...known];
}

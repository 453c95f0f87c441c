/** Who sits where: a person, an agent, or whoever the environment chooses. */

import { useId } from "react";

import type { components } from "@/api/schema";
import type { SeatLine } from "@/api/types";
import { Check, TextField } from "@/parts/Field";

import css from "./play.module.css";

export interface Seat {
  readonly person?: boolean;
  readonly agent?: string;
}

export type Seats = Readonly<Record<string, Seat>>;
type PlayAsk = components["schemas"]["PlayAsk"];

export function SeatFields({
  seats,
  value,
  onChange,
}: {
  seats: readonly SeatLine[];
  value: Seats;
  onChange: (seats: Seats) => void;
}) {
  return (
    <fieldset className={css.seats}>
      <legend>Roles</legend>
      {seats.map((seat) => (
        <SeatField
          key={seat.role}
          seat={seat}
          value={value[seat.role] ?? {}}
          onChange={(next) => onChange({ ...value, [seat.role]: next })}
        />
      ))}
    </fieldset>
  );
}

function SeatField({
  seat,
  value,
  onChange,
}: {
  seat: SeatLine;
  value: Seat;
  onChange: (seat: Seat) => void;
}) {
  const list = useId();
  return (
    <div className={css.seat}>
      <Check
        label={
          <>
            <strong>{seat.role}</strong> is played by a person
          </>
        }
        checked={value.person ?? false}
        onChange={(event) => onChange({ person: event.currentTarget.checked })}
      />
      {!value.person && (
        <>
          <TextField
            label={`Agent as ${seat.role}`}
            value={value.agent ?? ""}
            placeholder={seat.default ?? (seat.optional ? "nobody" : "name one")}
            list={list}
            onChange={(event) => onChange({ agent: event.currentTarget.value })}
          />
          <datalist id={list}>
            {seat.agents.map((agent) => (
              <option key={agent.name} value={agent.name}>
                {agent.summary}
              </option>
            ))}
          </datalist>
        </>
      )}
    </div>
  );
}

/** The seats as the API asks for them. */
export function asked(seats: readonly SeatLine[], value: Seats): Pick<PlayAsk, "roles" | "agents"> {
  const roles = seats.filter(({ role }) => value[role]?.person).map(({ role }) => role);
  const agents = seats.flatMap(({ role }): [string, string][] => {
    const agent = value[role]?.agent?.trim() ?? "";
    return value[role]?.person || agent === "" ? [] : [[role, agent]];
  });
  return { roles, agents: Object.fromEntries(agents) };
}

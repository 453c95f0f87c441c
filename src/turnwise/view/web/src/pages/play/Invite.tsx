/** The address for each further person, and whether they have come. */

import { paths } from "@/lib/paths";
import { Chip } from "@/parts/Chip";

import css from "./seat.module.css";

export interface Invited {
  readonly role: string;
  readonly key: string;
}

export function Invite({
  play,
  seats,
  people,
}: {
  play: string;
  seats: readonly Invited[];
  people: Readonly<Record<string, boolean>>;
}) {
  return (
    <ul className={css.invite} aria-label="Invitations">
      {seats.map(({ role, key }) => (
        <li key={role}>
          <strong>{role}</strong> {people[role] ? <Chip tone="good">here</Chip> : <Chip>not here yet</Chip>}{" "}
          <a href={paths.seat(play, key)} target="_blank" rel="noopener">
            {window.location.origin}
            {paths.seat(play, key)}
          </a>
        </li>
      ))}
    </ul>
  );
}

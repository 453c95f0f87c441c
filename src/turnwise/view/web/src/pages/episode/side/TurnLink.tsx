/** The number of a turn, which leads to it. */

import { Link } from "wouter";

import { useReading } from "../context";
import css from "./side.module.css";

export function TurnLink({ turn }: { turn: number }) {
  const { to } = useReading();
  return (
    <Link href={to(turn)} replace className={css.turnLink} aria-label={`Turn ${turn}`}>
      {turn}
    </Link>
  );
}

/** The rest of a text that is too long to come with its turn, piece by piece. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ask } from "@/api/queries";
import type { PartShape } from "@/api/types";
import { bytes } from "@/lib/format";
import { Button } from "@/parts/Button";
import { Visible } from "@/parts/text/Visible";

import { useReading } from "../context";
import css from "./turn.module.css";

const PIECE = 60_000;

export function More({ turn, part, place }: { turn: number; part: PartShape; place: number }) {
  const { episode } = useReading();
  const have = (part.text ?? "").length;
  const [start, setStart] = useState<number>();
  const answer = useQuery({
    ...ask.text(episode, turn, place, start ?? have, PIECE),
    enabled: start !== undefined,
  });
  const last = Math.max(have, part.size - PIECE);
  if (start === undefined) {
    return (
      <p className={css.more}>
        {bytes(have)} of {bytes(part.size)} are here. <Button onClick={() => setStart(have)}>Read on</Button>{" "}
        <Button onClick={() => setStart(last)}>Read the end</Button>
      </p>
    );
  }
  return (
    <div className={css.rest}>
      <p className={css.more}>
        Characters {start.toLocaleString("en-GB")} to{" "}
        {Math.min(start + PIECE, part.size).toLocaleString("en-GB")}
        <Button disabled={start <= have} onClick={() => setStart(Math.max(have, start - PIECE))}>
          Before
        </Button>
        <Button disabled={start + PIECE >= part.size} onClick={() => setStart(start + PIECE)}>
          After
        </Button>
        <Button onClick={() => setStart(undefined)}>Close</Button>
      </p>
      {/* A box that scrolls must be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={css.window} tabIndex={0} role="group" aria-label="More of the text">
        {answer.error ? answer.error.message : <Visible text={answer.data?.text ?? ""} />}
      </div>
    </div>
  );
}

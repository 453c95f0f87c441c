/** How the world stood at the turn that is being read; drag to go through the whole episode. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";

import { ask } from "@/api/queries";
import type { FrameLine } from "@/api/types";
import { standing } from "@/lib/standing";
import { IconButton } from "@/parts/Button";
import { Icon } from "@/parts/Icon";

import { useReading } from "../context";
import css from "./side.module.css";

/** Milliseconds a picture stands while it plays. */
const PACE = 650;

export function World() {
  const { episode, page, turn } = useReading();
  const answer = useQuery({ ...ask.frames(episode), enabled: page.pictures });
  if (!page.pictures) return null;
  if (answer.data === undefined) {
    return (
      <div className={css.world}>
        <div
          className={css.stage}
          role="status"
          aria-label={answer.error ? "No picture" : "Drawing the world"}
        >
          {answer.error && <p>{answer.error.message}</p>}
        </div>
      </div>
    );
  }
  const { frames, problem } = answer.data;
  if (frames.length === 0) {
    return problem === null ? null : <p className={css.problem}>No pictures: {problem}</p>;
  }
  return <Film frames={frames} place={standing(frames, turn)} />;
}

/** How wide pictures of a run are for their height: known from the first, so that the next one moves nothing. */
const shapes = new Map<string, number>();

function Film({ frames, place }: { frames: readonly FrameLine[]; place: number }) {
  const { select, episode } = useReading();
  const [shape, setShape] = useState(shapes.get(episode.run));
  const [playing, setPlaying] = useState(false);
  const show = (next: number) => {
    const frame = frames[next];
    if (frame) select(Math.max(0, frame.turn - 1));
  };
  const step = useEffectEvent(() => {
    if (place >= frames.length - 1) setPlaying(false);
    else show(place + 1);
  });
  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(step, PACE);
    return () => clearInterval(timer);
  }, [playing]);
  const frame = frames[place];
  if (frame === undefined) return null;
  return (
    <div className={css.world}>
      <div className={css.stage} style={shape === undefined ? {} : { height: "auto", aspectRatio: shape }}>
        <img
          src={frame.url}
          alt={frame.label}
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
            if (shape !== undefined || naturalHeight === 0) return;
            shapes.set(episode.run, naturalWidth / naturalHeight);
            setShape(naturalWidth / naturalHeight);
          }}
        />
      </div>
      <div className={css.scrub}>
        <IconButton
          name={playing ? "Pause" : "Play the episode"}
          onClick={() => {
            if (!playing && place === frames.length - 1) show(0);
            setPlaying(!playing);
          }}
        >
          <Icon name={playing ? "pause" : "play"} />
        </IconButton>
        <input
          type="range"
          min={0}
          max={frames.length - 1}
          value={place}
          aria-label="Moment of the episode"
          aria-valuetext={`picture ${place + 1} of ${frames.length}, turn ${frame.turn}`}
          onChange={(event) => show(Number(event.currentTarget.value))}
        />
        <span className="num">
          {place + 1}/{frames.length}
        </span>
      </div>
    </div>
  );
}

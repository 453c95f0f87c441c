/** A quick word: good or bad. Pressing it again takes it back. */

import { useQuery } from "@tanstack/react-query";

import { useLabel, useRetract } from "@/api/mutations";
import { ask } from "@/api/queries";
import type { Label } from "@/api/types";
import { usePerson } from "@/lib/person";

import { IconButton } from "./Button";
import { Icon } from "./Icon";
import css from "./Thumbs.module.css";

export function Thumbs({ target, what }: { target: string; what: string }) {
  const labels = useQuery(ask.labels({ target, kind: "thumb" }));
  return <ThumbButtons target={target} what={what} labels={labels.data?.rows ?? []} />;
}

/** Where the labels are known already. */
export function ThumbButtons({
  target,
  what,
  labels,
}: {
  target: string;
  what: string;
  labels: readonly Label[];
}) {
  const annotator = usePerson();
  const label = useLabel();
  const retract = useRetract();
  const mine = labels.find(
    (one) => one.kind === "thumb" && one.target === target && one.annotator === annotator && one.name === "",
  );
  const press = (value: 1 | -1) => {
    if (mine?.value === value) retract.mutate({ label: mine.id, annotator });
    else label.mutate({ kind: "thumb", target, annotator, value });
  };
  return (
    <span className={css.thumbs} role="group" aria-label={`Your word on ${what}`}>
      <IconButton name={`Good: ${what}`} aria-pressed={mine?.value === 1} onClick={() => press(1)}>
        <Icon name="up_thumb" />
      </IconButton>
      <IconButton name={`Bad: ${what}`} aria-pressed={mine?.value === -1} onClick={() => press(-1)}>
        <Icon name="down_thumb" />
      </IconButton>
    </span>
  );
}

/** The tags of a run or an episode; anybody may add one, and take back their own. */

import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";

import { useLabel, useRetract } from "@/api/mutations";
import { ask } from "@/api/queries";
import { fieldText } from "@/lib/form";
import { usePerson } from "@/lib/person";

import { Chip } from "./Chip";
import { Icon } from "./Icon";
import css from "./Tags.module.css";

export function Tags({ target }: { target: string }) {
  const labels = useQuery(ask.labels({ target, kind: "tag" }));
  const retract = useRetract();
  const tags = (labels.data?.rows ?? []).filter((label) => label.target === target);
  return (
    <span className={css.tags}>
      {tags.map((tag) => (
        <Chip key={tag.id} title={`by ${tag.annotator}`}>
          {tag.name}
          <button
            type="button"
            className={css.remove}
            aria-label={`Remove the tag ${tag.name}`}
            onClick={() => retract.mutate({ label: tag.id, annotator: tag.annotator })}
          >
            <Icon name="close" />
          </button>
        </Chip>
      ))}
      <Add target={target} known={tags.map((tag) => tag.name)} />
    </span>
  );
}

function Add({ target, known }: { target: string; known: readonly string[] }) {
  const [open, setOpen] = useState(false);
  const annotator = usePerson();
  const about = useQuery(ask.about());
  const label = useLabel();
  const list = useId();
  if (!open) {
    return (
      <button type="button" className={css.add} onClick={() => setOpen(true)}>
        <Icon name="tag" /> Add tag
      </button>
    );
  }
  return (
    <form
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        const name = fieldText(new FormData(event.currentTarget), "tag");
        if (name !== "" && !known.includes(name)) label.mutate({ kind: "tag", target, annotator, name });
        setOpen(false);
      }}
    >
      <input
        name="tag"
        aria-label="New tag"
        list={list}
        maxLength={100}
        autoComplete="off"
        ref={(input) => input?.focus()}
        onKeyDown={(event) => {
          if (event.key === "Escape") setOpen(false);
        }}
        onBlur={(event) => {
          if (event.currentTarget.value === "") setOpen(false);
        }}
      />
      <datalist id={list}>
        {(about.data?.tags ?? []).map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
    </form>
  );
}

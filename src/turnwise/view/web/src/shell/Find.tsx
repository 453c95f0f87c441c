/** Search over all turns of all runs, from anywhere. */

import { useId } from "react";
import { useLocation } from "wouter";

import { paths } from "@/lib/paths";
import { Icon } from "@/parts/Icon";

import css from "./Shell.module.css";

export function Find() {
  const [, navigate] = useLocation();
  const id = useId();
  return (
    <form
      role="search"
      className={css.find}
      onSubmit={(event) => {
        event.preventDefault();
        const q = new FormData(event.currentTarget).get("q");
        if (typeof q === "string" && q.trim() !== "") navigate(paths.search(q.trim()));
      }}
    >
      <label htmlFor={id} className="sr-only">
        Search all turns
      </label>
      <Icon name="search" />
      <input id={id} name="q" type="search" placeholder="Search all turns" autoComplete="off" />
    </form>
  );
}

/** What is not text in a message. Bytes come from the store only, by the server's own address. */

import type { PartShape } from "@/api/types";
import type { Click } from "@/lib/clicks";
import { bytes } from "@/lib/format";
import { plain } from "@/lib/visible";

import css from "./message.module.css";
import { Picture } from "./Picture";

export function Media({ part, marks }: { part: PartShape; marks: readonly Click[] }) {
  const name = plain(part.name ?? `${part.kind}, ${part.media_type ?? "unknown type"}, ${bytes(part.size)}`);
  if (part.url === null) return <p className={css.lost}>{name}: the store has not got it</p>;
  if (part.kind === "image") return <Picture url={part.url} name={name} marks={marks} />;
  // What was recorded in an episode has no captions.
  /* eslint-disable jsx-a11y/media-has-caption */
  if (part.kind === "audio") {
    return <audio className={css.audio} controls preload="metadata" src={part.url} aria-label={name} />;
  }
  if (part.kind === "video") {
    return <video className={css.video} controls preload="metadata" src={part.url} aria-label={name} />;
  }
  /* eslint-enable jsx-a11y/media-has-caption */
  return (
    <a href={part.url} download className={css.file}>
      {name} ({bytes(part.size)})
    </a>
  );
}

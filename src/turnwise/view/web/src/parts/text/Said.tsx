/** What somebody said: prose as it was written, fenced code in colour. Nothing of it is ever HTML. */

import { memo, useState } from "react";

import { type Block, fences } from "@/lib/fences";
import { bytes } from "@/lib/format";

import { Code } from "./Code";
import { Linked } from "./Linked";
import css from "./text.module.css";

/** Longer texts are folded; the rest is one press away. */
const FOLD = 12_000;

export const Said = memo(function Said({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  const folded = !open && text.length > FOLD * 1.2;
  const shown = folded ? text.slice(0, FOLD) : text;
  return (
    <div className={css.said} dir="auto">
      {fences(shown).map((block, place) => (
        <Piece key={place} block={block} />
      ))}
      {folded && (
        <button type="button" className={css.more} onClick={() => setOpen(true)}>
          Show all of it ({bytes(text.length)})
        </button>
      )}
    </div>
  );
});

function Piece({ block }: { block: Block }) {
  if (block.kind === "code") return <Code text={block.text} language={block.language} />;
  return (
    <p
      className={block.kind === "board" ? css.board : css.prose}
      dir={block.kind === "board" ? "ltr" : undefined}
    >
      <Linked text={block.text} />
    </p>
  );
}

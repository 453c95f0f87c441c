/** The keys of this page. */

import { Dialog } from "@/parts/Dialog";

import css from "./keys.module.css";

const KEYS: readonly (readonly [keys: readonly string[], does: string])[] = [
  [["j", "k"], "next turn, turn before"],
  [["g", "G"], "first turn, last turn"],
  [["←", "→"], "episode before, next episode"],
  [["/"], "search this episode; Enter goes from hit to hit"],
  [["f"], "go on another way from this turn"],
  [["?"], "these keys"],
];

export function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className={css.keys}>
        {KEYS.map(([keys, does]) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

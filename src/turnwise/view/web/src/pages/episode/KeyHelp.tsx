/** The keys of this page. */

import { Dialog } from "@/parts/Dialog";
import { SmallTable } from "@/parts/SmallTable";

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
      <SmallTable
        label="Keys"
        head={["Key", "Does"]}
        rows={KEYS.map(([keys, does]) => [
          <span key="keys">
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </span>,
          does,
        ])}
      />
    </Dialog>
  );
}

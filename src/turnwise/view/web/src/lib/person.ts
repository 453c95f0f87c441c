/** Who is labelling: a name kept in the browser, asked for where it first matters. */

import { useSyncExternalStore } from "react";

const KEY = "turnwise.annotator";
const listeners = new Set<() => void>();
let name: string | undefined;

function read(): string {
  if (name === undefined) {
    try {
      name = localStorage.getItem(KEY) ?? "me";
    } catch {
      name = "me";
    }
  }
  return name;
}

export function setPerson(next: string): void {
  name = next.trim() === "" ? "me" : next.trim().slice(0, 100);
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // No storage: the name lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export function usePerson(): string {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, read);
}

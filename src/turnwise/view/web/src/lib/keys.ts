/** Keyboard commands of a page; silent while somebody types, or holds a modifier. */

import { useEffect, useEffectEvent } from "react";

export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Whether a key pressed at `target` is meant for what is there, not for the page. */
export function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("dialog") !== null) return true;
  return target.matches("textarea, select, input:not([type=checkbox]):not([type=radio]), video, audio");
}

export function useKeys(keys: Keys): void {
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target)) return;
    // Arrows move within a group of radio buttons.
    if (event.key.startsWith("Arrow") && event.target instanceof HTMLInputElement) return;
    const action = keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action(event);
  });
  useEffect(() => {
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

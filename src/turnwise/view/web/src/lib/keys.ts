/** Keyboard commands of a page; silent while somebody types, or holds a modifier. */

import { useEffect, useEffectEvent } from "react";

export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "defaultPrevented">;

/** Whether a key is meant for the page, not for what has the focus. */
export function commanded(press: Press, where: { typing: boolean; choosing: boolean }): boolean {
  if (press.defaultPrevented || press.ctrlKey || press.metaKey || press.altKey) return false;
  return !where.typing && !(where.choosing && press.key.startsWith("Arrow"));
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("dialog") !== null) return true;
  return target.matches("textarea, select, input:not([type=checkbox]):not([type=radio]), video, audio");
}

export function useKeys(keys: Keys): void {
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    const where = { typing: typing(event.target), choosing: event.target instanceof HTMLInputElement };
    const action = keys[event.key];
    if (action === undefined || !commanded(event, where)) return;
    event.preventDefault();
    action(event);
  });
  useEffect(() => {
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

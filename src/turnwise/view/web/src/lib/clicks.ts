/** Where an agent pointed at on a screen: told by the arguments of a tool call, or by its words (`click(40, 300)`). */

import type { MessageShape } from "@/api/types";

export interface Click {
  /** Pixels of the screen, or (where both are at most 1) shares of it. */
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

const CALL =
  /\b((?:left_|right_|middle_|double_|triple_|mouse_)?(?:click|tap|press|move|hover|drag|scroll)(?:_at|_to)?)\s*\(\s*(?:x\s*=\s*)?(\d{1,5}(?:\.\d{1,6})?)\s*,\s*(?:y\s*=\s*)?(\d{1,5}(?:\.\d{1,6})?)/giu;
/** Long replies are words, not moves. */
const MOST = 20_000;

export function clicks(message: MessageShape): Click[] {
  const called = message.tool_calls.flatMap((call) => {
    const at = place(call.arguments);
    return at === undefined ? [] : [{ ...at, label: call.name }];
  });
  if (called.length > 0) return called;
  const text = message.parts.map((part) => part.text ?? "").join("\n");
  if (text.length > MOST) return [];
  return [...text.matchAll(CALL)].slice(-1).map((match) => ({
    x: Number(match[2]),
    y: Number(match[3]),
    label: (match[1] ?? "click").replaceAll("_", " "),
  }));
}

function place(text: string): { x: number; y: number } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const named = value as Record<string, unknown>;
  const pair = [named.coordinate, named.coordinates, named.position, named.point].find(Array.isArray) as
    unknown[] | undefined;
  const x = pair ? pair[0] : named.x;
  const y = pair ? pair[1] : named.y;
  const good = typeof x === "number" && typeof y === "number" && x >= 0 && y >= 0;
  return good ? { x, y } : undefined;
}

/** The click as shares of a screen of this size; undefined where it is beside it. */
export function onScreen(
  click: Click,
  width: number,
  height: number,
): { left: number; top: number } | undefined {
  const shares = click.x <= 1 && click.y <= 1 && !(Number.isInteger(click.x) && Number.isInteger(click.y));
  const left = shares ? click.x : click.x / width;
  const top = shares ? click.y : click.y / height;
  return left <= 1 && top <= 1 ? { left, top } : undefined;
}

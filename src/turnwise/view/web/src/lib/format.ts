/** Numbers, times and money as people read them. A missing value is an en dash, never a zero. */

export const MISSING = "–";

type Maybe = number | null | undefined;

const whole = new Intl.NumberFormat("en-GB");
const compact = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** 12,345 */
export function count(value: Maybe): string {
  return value == null ? MISSING : whole.format(value);
}

/** 12.3K, for narrow places */
export function short(value: Maybe): string {
  if (value == null) return MISSING;
  return Math.abs(value) < 10_000 ? whole.format(Math.round(value)) : compact.format(value);
}

/** A score or reward: up to three digits after the point, no trailing zeros, a true minus. */
export function score(value: Maybe): string {
  if (value == null) return MISSING;
  const size = Math.abs(value);
  const text = size !== 0 && size < 0.0005 ? value.toExponential(1) : String(Number(value.toFixed(3)));
  return text.replace("-", "−");
}

/** To three digits that matter: for means and the ends of intervals, where more would only seem exact. */
export function rough(value: Maybe): string {
  return value == null ? MISSING : score(Number(value.toPrecision(3)));
}

/** Like `score`, with its sign: +0.5 */
export function signed(value: Maybe): string {
  if (value == null) return MISSING;
  return value > 0 ? `+${score(value)}` : score(value);
}

export function percent(value: Maybe, digits = 0): string {
  return value == null ? MISSING : `${(value * 100).toFixed(digits)} %`;
}

/** 80 µs, 340 ms, 2.4 s, 3 min 05 s, 2 h 10 min */
export function duration(seconds: Maybe): string {
  if (seconds == null) return MISSING;
  if (seconds === 0) return "0 s";
  if (seconds < 0.0005) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Money in the currency of the price table; small sums keep two digits that tell something. */
export function money(value: Maybe): string {
  if (value == null) return MISSING;
  if (value === 0) return "0";
  return value < 0.01 ? value.toPrecision(2) : value.toFixed(2);
}

export function bytes(value: Maybe): string {
  if (value == null) return MISSING;
  if (value < 1000) return `${value} B`;
  if (value < 1_000_000) return `${(value / 1000).toFixed(1)} kB`;
  return `${(value / 1_000_000).toFixed(1)} MB`;
}

/** "today 14:05", "12 Mar 2026 09:30" */
export function when(time: Date | null | undefined, now: Date = new Date()): string {
  if (time == null || Number.isNaN(time.getTime())) return MISSING;
  const date = day.format(time);
  return `${date === day.format(now) ? "today" : date} ${clock.format(time)}`;
}

/** 1 turn, 2 turns */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** "max_turns" as words */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** The first `length` characters, with an ellipsis where something was cut; halves no surrogate pair. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const head = text.slice(0, length);
  const last = head.charCodeAt(head.length - 1);
  return `${last >= 0xd800 && last < 0xdc00 ? head.slice(0, -1) : head}…`;
}

/** JSON set out for reading: short values on one line, long ones one entry a line; deep nesting never overflows. */

/** Whether a value is an object with keys. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const WIDTH = 88;
const DEEPEST = 60;

export function pretty(value: unknown): string {
  return set(value, "", 0);
}

function set(value: unknown, indent: string, depth: number): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (depth >= DEEPEST) return '"… nested deeper"';
  const inner = `${indent}  `;
  const entries = Array.isArray(value)
    ? value.map((item: unknown) => set(item, inner, depth + 1))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${set(item, inner, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const line = `${open}${entries.join(", ")}${close}`;
  if (indent.length + line.length <= WIDTH && !line.includes("\n")) return line;
  return `${open}\n${entries.map((entry) => inner + entry).join(",\n")}\n${indent}${close}`;
}

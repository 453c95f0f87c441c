/** How a run stands, and why an episode ended, in words and a colour. */

import { words } from "@/lib/format";

import { Chip, type Tone } from "./Chip";

const RUNS: Record<string, Tone> = { running: "accent", done: "plain", stopped: "warn" };

export function RunStatus({ status }: { status: string }) {
  return <Chip tone={RUNS[status] ?? "plain"}>{status}</Chip>;
}

/** Ended by a limit, not by itself. */
const CUT = new Set(["max_turns", "max_tool_calls", "max_tokens", "budget", "timeout"]);

export function stopTone(stop: string | null): Tone {
  if (stop === null || stop === "running") return "accent";
  if (stop === "error") return "bad";
  return CUT.has(stop) ? "warn" : "plain";
}

export function StopChip({ stop, detail }: { stop: string | null; detail?: string | null }) {
  const hint = detail === null || detail === undefined ? {} : { title: words(detail) };
  return (
    <Chip tone={stopTone(stop)} {...hint}>
      {stop === null ? "unfinished" : words(stop)}
    </Chip>
  );
}

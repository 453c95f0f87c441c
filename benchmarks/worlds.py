"""How quick the worlds are: steps a second of a core, beside the packages their games come from.

And what Turnwise adds to a turn of each: a turn in an episode minus a step of the bare world, of the same
process. `worlds.py [TURNS]`: about so many turns a world (small numbers only show that it works), a fifth of
them in the packages beside it, which take minutes.
"""

from __future__ import annotations

import sys
from typing import Any

from common import child, median, repeat, save
from turnwise import registry

TURNS, LEVELS, TIMES = 6_000, 1000, 3
PEERS = {
    "taxi": "Gymnasium Taxi",
    "sokoban": "TextArena Sokoban",
    "wordle": "TextArena Wordle",
    "tic_tac_toe": "TextArena TicTacToe",
    "chess": "python-chess, bare",
}
SANDBOXED = {"m3tooleval", "mint", "wilt"}
"""What runs the player's code in a process of its own is no matter of steps a second."""
ELSEWHERE = ("environments.service", "environments.judging")
"""What is no world; services are measured by `service.py`."""
KINDS = ("standard", "hard_1", "hard_2")


def main() -> None:
    """Measure all in turn, several times."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else TURNS
    levels = min(LEVELS, turns // 10)
    names = [
        name
        for name, entry in registry.entries("environments").items()
        if name not in SANDBOXED and not any(room in entry.value for room in ELSEWHERE)
    ]
    measures: dict[str, Any] = {}
    for name in names:
        measures[name] = lambda name=name: child(sys.executable, "world_steps.py", name, turns)
        if name in PEERS:
            measures[f"peer {name}"] = lambda name=name: child(
                sys.executable, "world_peers.py", name, turns // 5
            )
    for kind in KINDS:
        measures[f"levels {kind}"] = lambda kind=kind: child(sys.executable, "world_levels.py", kind, levels)
    rows = repeat(TIMES if turns >= TURNS else 1, measures)
    save(
        "worlds",
        {
            "turns": turns,
            "worlds": {name: _world(name, rows) for name in names if name in rows},
            "levels_per_1000_s": {
                kind: median(rows[f"levels {kind}"], "per_1000_s")
                for kind in KINDS
                if f"levels {kind}" in rows
            },
            "rows": rows,
        },
    )


def _world(name: str, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The figures of one world; what an environment without a bare world adds cannot be told."""
    figures: dict[str, Any] = {
        "turns_per_s": 1e6 / median(rows[name], "memory_us"),
        "turns_per_s_stored": 1e6 / median(rows[name], "stored_us"),
    }
    if "bare_us" in rows[name][0]:
        bare = median(rows[name], "bare_us")
        figures["steps_per_s"] = 1e6 / bare
        for way in ("memory", "stored"):
            added = [{"us": row[f"{way}_us"] - row["bare_us"]} for row in rows[name]]
            figures[f"added_us_{way}"] = median(added, "us")
    if f"peer {name}" in rows:
        figures["peer"] = PEERS[name]
        figures["peer_steps_per_s"] = 1e6 / median(rows[f"peer {name}"], "step_us")
    return figures


if __name__ == "__main__":
    main()

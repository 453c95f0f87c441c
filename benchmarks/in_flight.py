"""Many episodes in flight, each call sleeping 50 ms, everything stored: wall time against the ideal."""

from __future__ import annotations

import sys
from typing import Any

from common import child, median, repeat, save

TURNS, SLEEP = 10, 0.05


def main() -> None:
    """2,000 episodes with 200 in flight, and 20,000 with 2,000 in flight, each beside bare asyncio."""
    result: dict[str, Any] = {}
    for flying in (200, 2000):
        size = (flying * 10, TURNS, flying, SLEEP)
        rows = repeat(
            3,
            {
                "asyncio": lambda size=size: child(sys.executable, "engine_asyncio.py", *size),
                "turnwise": lambda size=size: child(sys.executable, "engine_turnwise.py", *size),
            },
        )
        ideal = size[0] * TURNS * SLEEP / flying
        ours, floor = median(rows["turnwise"], "wall_s"), median(rows["asyncio"], "wall_s")
        result[str(flying)] = {
            "ideal_s": ideal,
            "over_ideal": ours / ideal,
            "asyncio_over_ideal": floor / ideal,
            "over_asyncio": ours / floor,
            "rows": rows,
        }
    save("in_flight", result)


if __name__ == "__main__":
    main()

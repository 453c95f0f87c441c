"""Generation and training of a 0.49 M-parameter policy: Turnwise, TRL, and what plain torch can do.

    TURNWISE_PEERS=… python learn.py [ROUNDS]

16 samples of 64 tokens; 8 turns of 32 sampled and 32 observed tokens in 16 conversations; a whole step of
training on 16 x 64 tokens (Turnwise's with every episode stored). Two threads; each in a process of its own,
in turn.
"""

from __future__ import annotations

import sys
from typing import Any

from common import child, peer, repeat, save

THREADS = 2


def main(rounds: int) -> None:
    """Measure all and keep the medians' ratios."""
    measures: dict[str, Any] = {
        "limit": lambda: child(sys.executable, "learn_limit.py", THREADS),
        "turnwise": lambda: child(sys.executable, "learn_turnwise.py", THREADS),
        "trl": lambda: child(peer("trl"), "learn_trl.py", THREADS),
    }
    rows = repeat(rounds, measures)
    # What else runs on the machine can only add to a time: the fastest run is the least wrong.
    best = {name: {key: min(row[key] for row in found) for key in found[0]} for name, found in rows.items()}
    ours, limit, trl = best["turnwise"], best["limit"], best.get("trl")
    figures: dict[str, Any] = {
        name: {
            "over_limit": ours[key] / limit[key],
            **({} if trl is None else {"faster_than_trl": trl[key] / ours[key]}),
        }
        for name, key in (("generation", "generate_ms"), ("turns", "turns_ms"), ("step", "step_ms"))
    }
    # Attention itself costs more the more there is to look at: plain torch says how much.
    growth = {
        name: best[name]["twice_the_turns_ms"] / best[name]["turns_ms"] / 2 for name in ("turnwise", "limit")
    }
    save(
        "learn",
        {
            "figures": figures,
            "growth_8_to_16_turns": growth | {"over_limit": growth["turnwise"] / growth["limit"]},
            "best_ms": best,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)

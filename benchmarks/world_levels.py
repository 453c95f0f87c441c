"""Levels of Sokoban made from seeds: `world_levels.py KIND LEVELS`."""

from __future__ import annotations

import sys
import time

from common import report
from turnwise.environments.wmact.sokoban.generate import KINDS, generate


def main() -> None:
    """Measure: each level is made and solved."""
    kind, levels = KINDS[sys.argv[1]], int(sys.argv[2])
    start = time.process_time()
    for seed in range(levels):
        generate(kind, seed)
    report({"per_1000_s": (time.process_time() - start) / levels * 1000})


if __name__ == "__main__":
    main()

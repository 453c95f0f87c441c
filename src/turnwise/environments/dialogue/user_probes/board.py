"""The score card of a user who is tried: a row a probe, green where the answer was good."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.environments.dialogue.user_probes.checks import Checked
from turnwise.environments.dialogue.user_probes.rows import UserCase
from turnwise.environments.parts.picture import Board, Cell

_GOOD, _BAD, _OPEN = ("#14532d", "#bbf7d0"), ("#7f1d1d", "#fecaca"), ("#475569", "#e2e8f0")
_WIDTH = 36


def card(case: UserCase, done: Sequence[Checked]) -> Board:
    """What came of the probes so far."""
    rows: list[tuple[Cell, ...]] = []
    for number, probe in enumerate(case.probes):
        found = done[number] if number < len(done) else None
        ink, paper = _OPEN if found is None else _GOOD if found.passed else _BAD
        line = f"{probe.kind:<11} {found.why if found else ''}".ljust(_WIDTH)[:_WIDTH]
        rows.append(tuple(Cell(mark, ink, paper) for mark in line))
    passed = sum(found.passed for found in done)
    return Board(tuple(rows), title=case.id, caption=f"{passed} of {len(done)} answers good")

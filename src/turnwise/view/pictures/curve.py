"""A learning curve as SVG, in the colours of the page around it (`currentColor`, `--good`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from turnwise.engine.learning import LearningCurve, Point

_WIDTH, _HEIGHT = 760.0, 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 120.0, 14.0, 40.0
_SMOOTH = 10
"""Steps whose mean the line is: each step plays other games."""
_TICKS = 5


def curve(learning: LearningCurve, levels: Mapping[str, float]) -> str:
    """Scores from 0 to 1 over the steps: each step's a dot, their running mean a line, evaluations with bars.

    Args:
        learning: What to draw.
        levels: Scores of other players, drawn as lines across, by what to call them.
    """
    last = max(1, *(point.step for point in (*learning.played, *learning.evaluated)))
    parts = [*_axes(last)]
    parts += [_level(name, score) for name, score in levels.items()]
    parts += [_dot(point, last) for point in learning.played]
    parts.append(_line(learning.played, last))
    parts += [_evaluation(point, last) for point in learning.evaluated]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" '
        f'aria-label="Score by step of training" font-size="12" fill="currentColor">{"".join(parts)}</svg>'
    )


def _x(step: float, last: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / last


def _y(score: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * score


def _axes(last: int) -> list[str]:
    """Lines across with their scores, and the steps below."""
    found: list[str] = []
    right = _WIDTH - _RIGHT
    for number in range(_TICKS):
        score = number / (_TICKS - 1)
        y = _y(score)
        found.append(
            f'<line x1="{_LEFT:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" '
            f'opacity=".15"/><text x="{_LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end" opacity=".7">'
            f"{score:.0%}</text>"
        )
    found += [
        f'<text x="{_x(step, last):.1f}" y="{_HEIGHT - _BOTTOM + 18:g}" text-anchor="middle" '
        f'opacity=".7">{step}</text>'
        for step in range(0, last + 1, _apart(last))
    ]
    middle = (_LEFT + right) / 2
    found.append(
        f'<text x="{middle:g}" y="{_HEIGHT - 4:g}" text-anchor="middle" opacity=".7">steps of training</text>'
    )
    return found


def _apart(last: int) -> int:
    """1, 2 or 5 times a power of ten, so that there are few ticks up to `last`."""
    sizes = (digit * 10**power for power in range(len(str(last)) + 1) for digit in (1, 2, 5))
    return next(size for size in sizes if last / size < _TICKS)


def _level(name: str, score: float) -> str:
    y, right = _y(score), _WIDTH - _RIGHT
    return (
        f'<line x1="{_LEFT:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" opacity=".5" '
        f'stroke-dasharray="5 4"/><text x="{right + 8:g}" y="{y + 4:.1f}" opacity=".7">{escape(name)}</text>'
    )


def _dot(point: Point, last: int) -> str:
    return (
        f'<circle cx="{_x(point.step, last):.1f}" cy="{_y(point.score.mean):.1f}" r="1.8" '
        f'fill="var(--good)" opacity=".35"/>'
    )


def _line(points: Sequence[Point], last: int) -> str:
    """The running mean, each window at its middle."""
    width = min(_SMOOTH, len(points))
    windows = [points[first : first + width] for first in range(len(points) - width + 1)]
    places = [
        (
            _x(sum(point.step for point in window) / width, last),
            _y(sum(point.score.mean for point in window) / width),
        )
        for window in windows
        if window
    ]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{drawn}" fill="none" stroke="var(--good)" stroke-width="2.2"/>'


def _evaluation(point: Point, last: int) -> str:
    score, x = point.score, _x(point.step, last)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_y(score.low):.1f}" y2="{_y(score.high):.1f}" '
        f'stroke="currentColor" stroke-width="2"/>'
        f'<circle cx="{x:.1f}" cy="{_y(score.mean):.1f}" r="5" stroke="currentColor" stroke-width="2" '
        f'fill="var(--page)"/>'
    )

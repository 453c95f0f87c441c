"""MT-Eval's tables and curves: pure functions over scored turns, which `rows` finds in stored episodes.

All means are over turns that have a score (0 to 10); a turn without a verdict is left out, and `Mean.missing`
says how many were. As in the official script, a group's mean pools its turns: the 100 classifications and the
280 instructed answers make one Recollection score.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from statistics import fmean
from typing import NamedTuple, TypeVar

from turnwise import wire
from turnwise.environments.dialogue.mt_eval.rows import KINDS, Kind
from turnwise.environments.dialogue.mt_eval.scoring import Row
from turnwise.log import EpisodeLog, Note

Key = TypeVar("Key", bound=Hashable)


class Mean(NamedTuple):
    """A mean over turns."""

    mean: float | None
    """None where no turn has a score."""
    n: int
    """Turns with a score."""
    missing: int
    """Turns without."""


class Gap(NamedTuple):
    """What a setting loses against a baseline."""

    baseline: float
    """Mean score in the baseline (single turn, stored history)."""
    mean: float
    """Mean score in the setting (conversation, own history)."""
    n: int
    """Pairs of turns."""

    @property
    def loss(self) -> float:
        """Baseline minus mean: positive where the setting is harder."""
        return self.baseline - self.mean


def rows(episodes: Iterable[EpisodeLog]) -> list[Row]:
    """The scored turns of stored episodes, in order."""
    return [row for episode in episodes for row in rows_of(episode.notes)]


def rows_of(notes: Iterable[Note]) -> list[Row]:
    """The scored turns among an episode's notes."""
    return [wire.from_builtins(note.value, Row) for note in notes if note.name == "mt_eval"]


def mean(rows: Iterable[Row]) -> Mean:
    """The mean score of all turns."""
    scores = [row.score for row in rows]
    given = [score for score in scores if score is not None]
    return Mean(fmean(given) if given else None, len(given), len(scores) - len(given))


def means_by(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, Mean]:
    """The mean score of the turns that share a key, in the order the keys first appear."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return {group: mean(members) for group, members in groups.items()}


def by_kind(rows: Iterable[Row]) -> dict[Kind, Mean]:
    """The four groups, in the paper's order; those without turns are left out."""
    means = means_by(rows, lambda row: row.kind)
    return {kind: means[kind] for kind in KINDS if kind in means}


def average(rows: Iterable[Row]) -> float | None:
    """The paper's Avg.: the mean of the group means (not of the turns); None where a group has no score."""
    means = [group.mean for group in by_kind(rows).values()]
    known = [value for value in means if value is not None]
    return fmean(known) if known and len(known) == len(means) else None


def turn_curve(rows: Iterable[Row]) -> dict[int, Mean]:
    """The mean score by place among the scored turns of a dialogue, from 1."""
    return dict(sorted(means_by(rows, lambda row: row.position).items()))


def distance_curve(rows: Iterable[Row]) -> dict[int, Mean]:
    """The mean score by the number of lines from the needed content to the turn."""
    return dict(sorted(means_by(rows, lambda row: row.distance).items()))


def distractor_curve(rows: Iterable[Row]) -> dict[int, Mean]:
    """The mean score by the number of distractor turns inserted."""
    return dict(sorted(means_by(rows, lambda row: row.distractors).items()))


def twin_pairs(multi: Iterable[Row], single: Iterable[Row]) -> list[tuple[Row, Row]]:
    """Each multi-turn row whose twin is among `single`, with it.

    Over several epochs, rows pair in order of appearance; an epoch that one side lacks has no pair.
    """
    twins = _numbered(single, lambda row: row.dialogue)
    asked = _numbered(multi, lambda row: (row.dialogue, row.line))
    pairs = ((row, twins.get((row.twin or "", epoch))) for (_, epoch), row in asked.items())
    return [(row, twin) for row, twin in pairs if twin is not None]


def gap(pairs: Iterable[tuple[Row, Row]], key: Callable[[Row], Key]) -> dict[Key, Gap]:
    """The loss over pairs of (row, its baseline), by a key of the row; a pair needs both scores."""
    groups: dict[Key, list[tuple[float, float]]] = {}
    for row, baseline in pairs:
        if row.score is not None and baseline.score is not None:
            groups.setdefault(key(row), []).append((baseline.score, row.score))
    return {
        group: Gap(fmean(one for one, _ in scores), fmean(other for _, other in scores), len(scores))
        for group, scores in groups.items()
    }


def gap_by_kind(multi: Iterable[Row], single: Iterable[Row]) -> dict[Kind, Gap]:
    """What conversation costs in each kind that has twins: single-turn minus multi-turn, query by query."""
    return gap(twin_pairs(multi, single), lambda row: row.kind)


def gap_by_distance(multi: Iterable[Row], single: Iterable[Row]) -> dict[int, Gap]:
    """The same by the distance from the content: 0 where the turn itself brings it."""
    return dict(sorted(gap(twin_pairs(multi, single), lambda row: row.distance).items()))


def history_gap(own: Iterable[Row], gold: Iterable[Row]) -> dict[Kind, Gap]:
    """What the agent's own earlier errors cost, by kind: remembering stored answers minus its own."""
    mine = _numbered(own, lambda row: (row.dialogue, row.line))
    stored = _numbered(gold, lambda row: (row.dialogue, row.line))
    return gap([(row, stored[at]) for at, row in mine.items() if at in stored], lambda row: row.kind)


def published_gap(multi: Iterable[Row], single: Iterable[Row]) -> dict[Kind, Gap]:
    """The paper's single-against-multi table: means over all turns of each side, paired or not.

    Follow-up has no single side and is left out. `n` is the number of multi-turn scores.
    """
    many, one = by_kind(multi), by_kind(single)
    return {
        kind: Gap(one[kind].mean or 0.0, many[kind].mean or 0.0, many[kind].n)
        for kind in KINDS
        if kind in many and kind in one and one[kind].n and many[kind].n
    }


def _numbered(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[tuple[Key, int], Row]:
    """Rows by a key and the number of earlier rows with the same key (their epoch)."""
    seen: dict[Key, int] = {}
    found: dict[tuple[Key, int], Row] = {}
    for row in rows:
        epoch = seen.get(key(row), 0)
        seen[key(row)] = epoch + 1
        found[key(row), epoch] = row
    return found

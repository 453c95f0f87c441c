"""The tree of forks that an episode is part of."""

from __future__ import annotations

from typing import NamedTuple

from turnwise.engine.results import Run
from turnwise.errors import StoreError
from turnwise.log import EpisodeLog
from turnwise.store.annotations import Target
from turnwise.store.rows import RunRow
from turnwise.view.reading import runs
from turnwise.view.reading.episode import head
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Found, Source
from turnwise.view.server import shapes as s

_MOST = 500
"""Episodes of a tree that are told."""


class _Node(NamedTuple):
    run: Run
    number: int
    parent: str | None
    at: int

    @property
    def name(self) -> str:
        return f"{self.run.id}/{self.number}"


def page(source: Source, found: Found) -> s.TreePage:
    """The whole tree, its root first, children after their parents."""
    rows = source.rows()
    children: dict[str, list[RunRow]] = {}
    for row in reversed(rows):
        if row.kind == "fork" and row.parent is not None:
            children.setdefault(row.parent.rpartition("@")[0], []).append(row)
    todo = [_root(source, found)]
    nodes: list[_Node] = []
    while todo and len(nodes) < _MOST:
        node = todo.pop(0)
        nodes.append(node)
        for row in children.get(node.name, ()):
            run = Run(source.store, row)
            at = int((row.parent or "@0").rpartition("@")[2])
            todo += [_Node(run, number, node.name, at) for number in range(row.planned)]
    logs = {node.name: _log(source, node) for node in nodes}
    return s.TreePage(root=nodes[0].name, nodes=[_told(node, logs) for node in nodes if logs[node.name]])


def _root(source: Source, found: Found) -> _Node:
    """The episode that was forked from no other, as far as its runs are still here."""
    run, number = found.run, found.row.number
    while run.row.kind == "fork" and run.row.parent is not None:
        place = Target.read(run.row.parent)
        try:
            parent = source.run(place.run)
            source.episode(parent, place.episode or 0)
        except (MissingError, StoreError):
            break
        run, number = parent, place.episode or 0
    return _Node(run, number, None, 0)


def _log(source: Source, node: _Node) -> EpisodeLog | None:
    try:
        return source.episode(node.run, node.number).log
    except MissingError:
        return None


def _told(node: _Node, logs: dict[str, EpisodeLog | None]) -> s.TreeNode:
    log = logs[node.name]
    assert log is not None
    before = None if node.parent is None else logs.get(node.parent)
    # A turn that was put into somebody's mouth is the last that is shared, and says something else.
    last = node.at - 1
    edited = (
        before is not None
        and 0 <= last < min(len(log.turns), len(before.turns))
        and log.turns[last].message != before.turns[last].message
    )
    at = last if edited else node.at
    return s.TreeNode(
        episode=node.name,
        parent=node.parent,
        at=at,
        turns=len(log.turns),
        score=log.score(),
        stop=None if log.stop is None else log.stop.value,
        live=log.stop is None and runs.status(node.run.row) == "running",
        agents=dict(log.agents),
        says=head(log.turns[at].text) if node.parent is not None and at < len(log.turns) else None,
        edited=edited,
    )

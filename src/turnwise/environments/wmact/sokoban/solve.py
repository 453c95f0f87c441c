"""The fewest pushes that solve a Sokoban level, by A* over pushes.

A state is where the boxes are and which squares the player can walk to; a move is a push. The bound is the
cheapest way to give every box a target of its own, each box alone in the room (it is consistent, so the first
solution found is push-optimal). A square from which a lone box reaches no target is dead: no way leads on.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import permutations

from turnwise.environments.parts.grid import shortest
from turnwise.environments.wmact.sokoban.level import Level, reach, shifted, squares

FAR = 1 << 20
"""More pushes than any level needs."""


class Bound:
    """At least so many pushes are needed from a set of boxes; at least `FAR` where it cannot be solved."""

    __slots__ = ("_known", "_pushes", "_targets", "alive")

    def __init__(self, level: Level) -> None:
        self._targets = list(squares(level.targets))
        self._pushes = [_pushes(level, target) for target in self._targets]
        self._known: dict[int, int] = {}
        self.alive = 0
        """Squares from which a lone box reaches some target."""
        for pushes in self._pushes:
            for square, count in enumerate(pushes):
                if count < FAR:
                    self.alive |= 1 << square

    def __call__(self, boxes: int) -> int:
        """The bound, in pushes."""
        bound = self._known.get(boxes)
        if bound is None:
            bound = self._known[boxes] = self._cheapest(list(squares(boxes)))
        return bound

    def _cheapest(self, boxes: list[int]) -> int:
        """Over all ways to give each box a target of its own."""
        costs = [[pushes[box] for pushes in self._pushes] for box in boxes]
        return min(
            sum(row[target] for row, target in zip(costs, order, strict=True))
            for order in permutations(range(len(boxes)))
        )


def _pushes(level: Level, target: int) -> list[int]:
    """For every square, how many pushes bring a lone box from there to `target`."""
    counts = [FAR] * (level.width * level.height)
    counts[target] = 0
    queue = [target]
    floor = level.floor
    for square in queue:
        for step in level.steps:
            # It was pushed from `square - step`, by a player who stood behind that.
            before = square - step
            if floor >> before & 1 and counts[before] == FAR and floor >> (before - step) & 1:
                counts[before] = counts[square] + 1
                queue.append(before)
    return counts


def solve(level: Level) -> list[int] | None:
    """A solution with the fewest pushes: 0 is up, 1 down, 2 left, 3 right. None where there is none.

    Between two pushes it walks the shortest way.
    """
    pushes = solve_pushes(level)
    if pushes is None:
        return None
    actions: list[int] = []
    player, boxes = level.player, level.boxes
    for box, direction in pushes:
        step = level.steps[direction]
        actions += _walk(level, player, box - step, level.floor & ~boxes)
        actions.append(direction)
        boxes ^= 1 << box | 1 << (box + step)
        player = box
    return actions


def solve_pushes(level: Level) -> list[tuple[int, int]] | None:
    """The fewest pushes, each the square of a box and a direction; None where there is no solution."""
    bound = Bound(level)
    width, floor, targets, alive, steps = level.width, level.floor, level.targets, bound.alive, level.steps
    least = bound(level.boxes)
    if least >= FAR:
        return None
    # (pushes so far + bound, -pushes so far, order, boxes, player, state before, push): the deepest first.
    heap = [(least, 0, 0, level.boxes, 1 << level.player, (0, 0), (0, 0))]
    came: dict[tuple[int, int], tuple[tuple[int, int], tuple[int, int]]] = {}
    order = 0
    while heap:
        _, depth, _, boxes, player, before, push = heappop(heap)
        room = reach(player, floor & ~boxes, width)
        state = (boxes, room & -room)
        if state in came:
            continue
        came[state] = (before, push)
        if boxes == targets:
            return _trace(came, state)
        free = alive & ~boxes
        for direction, step in enumerate(steps):
            for box in squares(boxes & shifted(room, step) & shifted(free, -step)):
                moved = boxes ^ (1 << box | 1 << (box + step))
                least = bound(moved)
                if least < FAR:
                    order += 1
                    total = least - depth + 1
                    heappush(heap, (total, depth - 1, order, moved, 1 << box, state, (box, direction)))
    return None


def _trace(
    came: dict[tuple[int, int], tuple[tuple[int, int], tuple[int, int]]], state: tuple[int, int]
) -> list[tuple[int, int]]:
    """The pushes that led to `state`."""
    pushes: list[tuple[int, int]] = []
    # The start is the one that came from nowhere: no box stands in the empty set.
    while state[0]:
        state, push = came[state]
        pushes.append(push)
    pushes.pop()
    return pushes[::-1]


def _walk(level: Level, start: int, goal: int, free: int) -> list[int]:
    """The shortest walk over free squares; there is one."""
    steps = level.steps
    way = shortest(
        start,
        lambda at: [(number, at + step) for number, step in enumerate(steps) if free >> (at + step) & 1],
        goal.__eq__,
    )
    assert way is not None, "a push is only made from where the player can walk to"
    return way

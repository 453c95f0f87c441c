"""A corridor with a key at one end and a door at the other: what is fetched early pays only much later.

The classic hard case of credit over time (the key-to-door tasks of Hung et al., "Optimizing agent behavior
over long time scales by transporting value", 2019): between the key and the door lie apples that pay at once
and hide how little reward came from the key.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from typing import Any, ClassVar, NamedTuple

from turnwise.action import Menu
from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError

WORDS = ("left", "right", "take", "open")
LEFT, RIGHT, TAKE, OPEN = WORDS

_MENU = Menu.of(WORDS)
_CELLS = {
    " ": Cell(" ", "#94a3b8", "#f1f5f9"),
    "k": Cell("k", "#78350f", "#fde68a"),
    "D": Cell("D", "#f8fafc", "#7c2d12"),
    "a": Cell("a", "#7f1d1d", "#fecaca"),
    "@": Cell("@", "#f8fafc", "#2563eb"),
    "&": Cell("&", "#fde68a", "#1d4ed8"),
}


class Corridor(NamedTuple):
    """Where everything is at the start; places are counted from the left, from 0."""

    length: int
    start: int
    key: int
    door: int
    apples: frozenset[int]


class KeydoorWorld(World):
    """One corridor, the player in it, and what it carries."""

    def __init__(self, corridor: Corridor, apple: float) -> None:
        self.corridor = corridor
        self.apple = apple
        self.place = corridor.start
        self.has_key = False
        self.apples = set(corridor.apples)
        self.eaten = 0
        self._says = (
            f"You are in a dark corridor of {corridor.length} places. Somewhere in it lies a key, and "
            f"somewhere is a locked door; open it. Reply {LEFT}, {RIGHT}, {TAKE} or {OPEN}. {self._here()}"
        )

    def _here(self) -> str:
        sights: list[str] = []
        if self.place == self.corridor.key and not self.has_key:
            sights.append("a key")
        if self.place in self.apples:
            sights.append("an apple")
        if self.place == self.corridor.door:
            sights.append("the door")
        carried = "You carry the key." if self.has_key else "You carry nothing."
        return f"Place {self.place + 1}: here is {' and '.join(sights) or 'nothing'}. {carried}"

    def observe(self) -> str:
        """The rules at first, then what is here."""
        return self._says

    def actions(self) -> Menu:
        """The four words; all may be said anywhere."""
        return _MENU

    def key(self) -> str:
        """Place, key, apples that are left."""
        return f"{self.place} {'k' if self.has_key else '-'} {','.join(map(str, sorted(self.apples)))}"

    def step(self, reply: str) -> Step:
        """Do one of the four; what leads to nothing costs the turn."""
        word = reply.strip(" \t\r\n.!`'\"").lower()
        if word not in WORDS:
            self._says = f"Reply {LEFT}, {RIGHT}, {TAKE} or {OPEN}. {self._here()}"
            return Step(valid=False)
        gains: tuple[Gain, ...] = ()
        did = "That does nothing."
        if word in (LEFT, RIGHT):
            to = self.place + (1 if word == RIGHT else -1)
            if 0 <= to < self.corridor.length:
                self.place, did = to, ""
        elif word == TAKE:
            did, gains = self._take() or (did, gains)
        elif self.place == self.corridor.door and self.has_key:
            self.over, self.outcome = True, "opened"
            return Step((Gain(1.0, "door"),))
        self._says = f"{did} {self._here()}".lstrip()
        return Step(gains)

    def _take(self) -> tuple[str, tuple[Gain, ...]] | None:
        if self.place == self.corridor.key and not self.has_key:
            self.has_key = True
            return "You take the key.", ()
        if self.place in self.apples:
            self.apples.discard(self.place)
            self.eaten += 1
            return "You eat the apple.", (Gain(self.apple, "apple"),) if self.apple else ()
        return None

    def closing(self) -> str | None:
        """The end."""
        return "The door opens." if self.over else None

    def metrics(self) -> dict[str, float]:
        """What was got."""
        return {"opened": float(self.over), "apples": self.eaten, "key": float(self.has_key)}

    def picture(self) -> Board:
        """The corridor in rows of 25."""
        marks = [" "] * self.corridor.length
        for place in self.apples:
            marks[place] = "a"
        marks[self.corridor.door] = "D"
        if not self.has_key:
            marks[self.corridor.key] = "k"
        marks[self.place] = "&" if self.has_key else "@"
        lines = ["".join(marks[first : first + 25]) for first in range(0, len(marks), 25)]
        width = len(lines[0])
        return Board.of([line.ljust(width) for line in lines], _CELLS, caption=self.outcome or "locked")


class Keydoor(WorldEnvironment, kw_only=True, frozen=True):
    """Fetch the key, carry it to the door, open it: reward 1, and a little for apples on the way."""

    name: ClassVar[str] = "keydoor"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    horizon: int = 10
    """The fewest turns in which the door can be opened."""
    apples: int = 2
    """Apples in the corridor, as far as there are places for them."""
    apple: float = 0.1
    """Reward for one."""
    slack: float = 3.0
    """An episode may take `slack * horizon` turns."""

    def __post_init__(self) -> None:
        if not (5 <= self.horizon <= 1000 and self.apples >= 0 and 0 <= self.apple <= 1 and self.slack >= 1):
            raise ConfigError(
                f"keydoor: expected horizon 5-1000, apples >= 0, apple 0-1, slack >= 1, got {self.settings()}"
            )

    @property
    def spoilers(self) -> bool:
        """Pictures show the whole corridor, which is dark."""
        return True

    @property
    def reward_range(self) -> tuple[float, float]:
        """The door, and all apples."""
        return (0.0, sum([self.apple] * self.apples) + 1.0)

    @property
    def max_replies(self) -> int:
        """See `slack`."""
        return int(self.slack * self.horizon)

    def corridor(self, task: WorldTask) -> Corridor:
        """The corridor of `task`: the key on one side, the door on the other.

        Fetching the key takes `away` steps, the way from there to the door `away + ahead`, taking and opening
        one turn each: together the horizon.
        """
        rng = random.Random(task.seed)
        away = rng.randint(1, (self.horizon - 3) // 2)
        ahead = self.horizon - 2 - 2 * away
        length = away + ahead + 1
        start, key, door = away, 0, length - 1
        if rng.random() < 0.5:
            start, key, door = ahead, length - 1, 0
        free = [place for place in range(length) if place not in (start, key, door)]
        return Corridor(length, start, key, door, frozenset(rng.sample(free, min(self.apples, len(free)))))

    def world(self, task: WorldTask, rng: random.Random) -> KeydoorWorld:
        """The corridor of `task`."""
        return KeydoorWorld(self.corridor(task), self.apple)

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` knows the corridor; `search` walks it end to end; `random` draws words."""

        def solver(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            yield from self._best(self.corridor(task))

        def search(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            said, way = (yield), LEFT
            while True:
                here = said.text
                if "an apple" in here or "a key" in here:
                    said = yield TAKE
                elif "the door" in here and "carry the key" in here:
                    said = yield OPEN
                else:
                    said = yield way
                    if "does nothing" in said.text:
                        way = RIGHT if way == LEFT else LEFT

        return {"solver": solver, "search": search, "random": RandomLegal()}

    def _best(self, corridor: Corridor) -> Generator[str, Any, None]:
        """The shortest way, with as many apples as there is time for."""
        spare = self.max_replies - self.horizon if self.apple else 0
        left = set(corridor.apples)
        place = corridor.start
        for goal, last in ((corridor.key, TAKE), (corridor.door, OPEN)):
            while True:
                if place in left and spare:
                    left.discard(place)
                    spare -= 1
                    yield TAKE
                if place == goal:
                    break
                way = 1 if goal > place else -1
                place += way
                yield RIGHT if way > 0 else LEFT
            yield last

"""LMRL-Gym's Text-Nav: find the stale food in a house, put it into the fridge, and shut the fridge.

The rules and rewards are those of the official game, which runs on TextWorld: the same house, commands and
admissible commands, 1 point for the end and nothing on the way, and an end without a point where the stale
food is eaten. Fully observed, a room's description begins with where you are, and every answer ends with
what you carry; partially observed, both are left out. Sentences that TextWorld makes while a game is played
(`You take the bowl from the table.`) are worded by us.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, Literal, TypeAlias

from turnwise.action import Action, Menu
from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.lmrl_gym.players import Mixed, Player, replies, skilled
from turnwise.environments.lmrl_gym.text_nav.house import House, State
from turnwise.environments.lmrl_gym.text_nav.load import Game, house
from turnwise.environments.lmrl_gym.text_nav.map import house_map
from turnwise.environments.lmrl_gym.text_nav.text import carried_text, done_text, room_text, thing_text
from turnwise.environments.parts.picture import Board
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError
from turnwise.message import Message

Observed: TypeAlias = Literal["fully", "partially"]

OUTER = frozenset({"office", "bathroom", "garden", "backyard"})
INNER = frozenset({"kitchen", "dining room", "living room", "bedroom"})
"""The rooms in which the official data's two players know their way."""

_RULES = "Walk about in a house and do things there. Each turn, reply with one of the admissible commands."


class TextNavWorld(World):
    """A house in some state."""

    def __init__(self, game: House, room: str, observed: Observed, *, rules: bool) -> None:
        self.house = game
        self.state = game.start(room)
        self.steps = 0
        self._located = observed == "fully"
        quest = game.plan.quest
        self._aim = (
            f"Your task: bring the {quest.item} from {quest.at} into the {game.holders[quest.into].name} in "
            f"the {game.holders[quest.into].room}, and close it."
        )
        first = f"{self._aim}\n\n{room_text(game, self.state, located=self._located)}"
        self._says = f"{_RULES}\n\n{first}" if rules else first
        self._carrying = ""
        """Told after every command, but not at the start."""

    def observe(self) -> str:
        """What came of the last command, and what can be done now."""
        admissible = ", ".join(self.house.commands(self.state))
        return f"{self._says}\n{self._carrying}\nAdmissible commands: {admissible}\n"

    def actions(self) -> Menu:
        """The admissible commands."""
        return _menu(self.house, self.state)

    def key(self) -> str:
        """Where the player and all things are, and what is open."""
        places = ",".join(place or "*" for place in self.state.places)
        return f"{self.state.room};{places};{','.join(sorted(self.state.open))}"

    def step(self, reply: str) -> Step:
        """Do something, or look at something: that costs a turn, too, as it does in TextWorld."""
        command = reply.strip().lower()
        self.steps += 1
        after = self.house.commands(self.state).get(command)
        seen = self._look(command) if after is None else None
        if after is not None:
            self.state = after
            self._says = done_text(self.house, command, after, located=self._located)
        else:
            self._says = "You cannot do that here." if seen is None else seen
        if self._located:
            self._carrying = f"{carried_text(self.house, self.state)}\n"
        if self.house.won(self.state):
            self.over, self.outcome = True, "won"
            self._says += " That is all: well done!"
            return Step((Gain(1.0),))
        if self.house.lost(self.state):
            self.over, self.outcome = True, "lost"
            self._says += " Now the task cannot be done any more."
        return Step((Gain(0.0),), valid=after is not None or seen is not None)

    def closing(self) -> str:
        """What came of the last command."""
        return f"{self._says}\n"

    def metrics(self) -> dict[str, float]:
        """Whether the task was done, and in how many commands."""
        return {"success": float(self.outcome == "won"), "steps": self.steps}

    def picture(self) -> Board:
        """The house from above: the player's room, where the item is, and where it belongs."""
        return house_map(self.house, self.state)

    def _look(self, command: str) -> str | None:
        """The answer to what only looks; None where it is no such command."""
        if command in ("look", "l"):
            return room_text(self.house, self.state, located=self._located)
        if command in ("inventory", "i"):
            return carried_text(self.house, self.state)
        verb, _, thing = command.partition(" ")
        return thing_text(self.house, self.state, thing) if verb in ("examine", "x") else None


@lru_cache
def _ids(game: House) -> dict[str, int]:
    return {command: number for number, command in enumerate(game.all_commands())}


@lru_cache(4096)
def _menu(game: House, state: State) -> Menu:
    ids = _ids(game)
    return Menu([Action(ids[command], command) for command in game.commands(state)])


class TextNav(WorldEnvironment, kw_only=True, frozen=True):
    """Bring the stale food into the fridge of a house you walk about in.

    A task's seed counts the rooms to start in round: any 8 seeds in a row start in every room once.
    """

    name: ClassVar[str] = "text_nav"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    count: int = 8
    game: Game = "sample"
    """The house in our words, or the benchmark's file."""
    observed: Observed = "fully"
    max_steps: int = 15
    """Commands an episode may have."""
    rules: bool = True
    """Whether the first message says how to reply."""

    def __post_init__(self) -> None:
        if self.max_steps < 1:
            raise ConfigError(f"text_nav: expected max_steps >= 1, got {self.max_steps}")

    @property
    def spoilers(self) -> bool:
        """Pictures show the room, which a partly observed house hides."""
        return self.observed == "partially"

    @property
    def reward_range(self) -> tuple[float, float]:
        """Done or not."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """See `max_steps`."""
        return self.max_steps

    def world(self, task: WorldTask, rng: random.Random | None = None) -> TextNavWorld:
        """The house, the player in the task's room."""
        game = house(self.game)
        room = game.plan.rooms[task.seed % len(game.plan.rooms)].name
        return TextNavWorld(game, room, self.observed, rules=self.rules)

    def agents(self) -> dict[str, Any]:
        """`solver` does what is nearest to the end; `skill25` to `skill75` in that percentage of turns.

        `random` does anything admissible. `mixed` is the official data set's policy: in three of four
        episodes a player that knows its way in the four outer rooms, else one that knows the inner four;
        both do what they know at one turn in ten, and then until they are through with the room.
        """

        def recall(task: WorldTask, messages: Sequence[Message]) -> _Game:
            world = self.world(task)
            before, last = world.state, ""
            for last in replies(messages):
                before = world.state
                world.step(last)
            return world.house, before, last.strip().lower(), world.state

        grades = {
            f"skill{percent}": Player(f"skill{percent}", recall, skilled(percent / 100, _best, _any))
            for percent in (25, 50, 75)
        }
        outer, inner = (
            Player(name, recall, _knowing(rooms)) for name, rooms in (("outer", OUTER), ("inner", INNER))
        )
        return {
            "solver": Player("solver", recall, _best),
            **grades,
            "random": RandomLegal(),
            "outer": outer,
            "inner": inner,
            "mixed": Mixed("mixed", [(3, outer), (1, inner)]),
        }


_Game: TypeAlias = tuple[House, State, str, State]
"""The house, the state before the last command, that command, and the state now."""


def _best(known: _Game, rng: random.Random) -> str:
    game, _, _, state = known
    return game.next_best(state) or "look"


def _any(known: _Game, rng: random.Random) -> str:
    game, _, _, state = known
    return rng.choice(list(game.commands(state)))


def _knowing(rooms: frozenset[str]) -> Any:
    """Does what it knows of its rooms now and then, and anything else otherwise."""

    def choose(known: _Game, rng: random.Random) -> str:
        game, before, last, state = known
        # Once begun, what is to be done in a room is done to its end.
        begun = last and before.room == state.room and game.next_best(before) == last
        if state.room in rooms and (rng.random() < 0.1 or begun):
            return _best(known, rng)
        return _any(known, rng)

    return choose

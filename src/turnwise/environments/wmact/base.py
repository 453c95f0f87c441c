"""What the three worlds of WMAct share: replies of several actions, and the arms the paper compares.

| arm | settings |
| --- | --- |
| entire plan | `entire_plan=true` |
| interactive only | `rescaling=false` |
| with rescaling | the default |
| with annealing, too | `max_turns` by `parts.annealing.AnnealedLimit` |
| a penalty for each step instead | `rescaling=false step_penalty=0.1` |
"""

from __future__ import annotations

import math
import random
from abc import abstractmethod
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.parts.efficacy import CHANGED, Efficacy
from turnwise.environments.parts.picture import Board
from turnwise.environments.parts.several import Game, Several, perform
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.environments.wmact import agents
from turnwise.episode import Episode
from turnwise.errors import ConfigError

STATE = "state"
"""Name of the note that marks a reply to the world."""


class Puzzle(Game):
    """A game for one that is won or goes on."""

    RULES: ClassVar[str]
    """What it is about, what the marks mean, what the actions do."""

    @abstractmethod
    def key(self) -> str:
        """The state in few characters."""

    @abstractmethod
    def text(self) -> str:
        """How things stand, in words and marks."""

    @abstractmethod
    def picture(self) -> Board:
        """How things stand, for people."""


class Terms(NamedTuple):
    """How long an episode is, and what it is worth."""

    turns: int
    rescaling: bool
    step_penalty: float


class PuzzleWorld(World):
    """A puzzle played by replies of several actions each; what it is worth to win depends on all of them."""

    def __init__(self, game: Puzzle, space: Several, terms: Terms) -> None:
        self.game = game
        self.efficacy = Efficacy()
        self.changed: list[bool] = []
        """For each action of the last reply, whether the state changed."""
        self._space = space
        self._terms = terms
        self._says = ""

    def observe(self) -> str:
        """The rules at first; then what each action did; how things stand."""
        if self._says:
            return f"{self._says}\n\n{self.game.text()}"
        names, most, turns = ", ".join(self._space.names), self._space.most, self._terms.turns
        if turns == 1:
            how = f"You reply once: give the whole plan, up to {most} actions."
        else:
            how = f"You have {turns} replies, and each may hold one action or several, up to {most}."
        example = ", ".join(self._space.names[:2])
        return (
            f"{self.game.RULES}\n\n{how} Actions: {names}. Separate them by commas, and write nothing else; "
            f"to think first, put them at the end, as <answer>{example}</answer>. They are done in order."
            f"\n\n{self.game.text()}"
        )

    def actions(self) -> Several:
        """Every action, one after the other; what cannot be done changes nothing."""
        return self._space

    def key(self) -> str:
        """The state of the game; where wasted actions cost, also how many there were."""
        if not self._terms.rescaling:
            return self.game.key()
        return f"{self.game.key()} {self.efficacy.effective}/{self.efficacy.issued}"

    def step(self, reply: str) -> Step:
        """Do the actions of a reply, until the game is won."""
        actions = self._space.read(reply)
        if isinstance(actions, str):
            self.changed, self._says = [], actions
            return Step(valid=False)
        self.changed = perform(self.game, actions)
        self.efficacy.add(self.changed)
        self._says = self._told(actions)
        gains: list[Gain] = []
        if self._terms.step_penalty:
            gains.append(Gain(-self._terms.step_penalty * len(actions), "steps"))
        if self.game.over:
            self.over, self.outcome = True, "solved"
            gains.append(Gain(self.efficacy.rescaled(1.0) if self._terms.rescaling else 1.0, "outcome"))
        return Step(tuple(gains))

    def _told(self, actions: list[int]) -> str:
        names = self._space.names
        done = ", ".join(
            names[action] if changed else f"{names[action]} (nothing changed)"
            for action, changed in zip(actions, self.changed, strict=True)
        )
        return f"Done: {done}."

    def closing(self) -> str | None:
        """The last state, after the last actions."""
        return f"{self._says}\n\n{self.game.text()}" + ("\n\nSolved." if self.over else "")

    def metrics(self) -> dict[str, float]:
        """Success, actions issued and effective, and the latter's share."""
        return {
            "success": float(self.over),
            "actions": self.efficacy.issued,
            "effective": self.efficacy.effective,
            "efficacy": self.efficacy.share,
        }

    def picture(self) -> Board:
        """The game's."""
        wasted = self.efficacy.issued - self.efficacy.effective
        return self.game.picture()._replace(caption=f"{self.efficacy.issued} actions, {wasted} wasted")


class WMAct(WorldEnvironment, kw_only=True, frozen=True):
    """Base of WMAct's environments: the game of a task, how to solve it, and the settings of the arms.

    With each reply goes a note `changed`: for each of its actions, whether it changed the state.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)
    puzzle: ClassVar[type[Puzzle]]

    max_turns: int = 30
    """Replies of an episode."""
    max_actions: int = 200
    """Most actions of one reply; one with more is refused."""
    entire_plan: bool = False
    """Only one reply."""
    rescaling: bool = True
    """Whether the reward of success is multiplied by the share of actions that changed the state."""
    step_penalty: float = 0.0
    """What each action costs."""

    def __post_init__(self) -> None:
        if self.max_turns < 1 or self.max_actions < 1 or not 0 <= self.step_penalty < math.inf:
            raise ConfigError(
                f"{self.name}: expected max_turns >= 1, max_actions >= 1 and step_penalty >= 0, "
                f"got {self.settings()}"
            )

    @property
    def reward_range(self) -> tuple[float, float]:
        """1 for success without waste; all the actions there may be, at their price."""
        return (-self.step_penalty * self.max_replies * self.max_actions, 1.0)

    @property
    def max_replies(self) -> int:
        """`max_turns`, or one."""
        return 1 if self.entire_plan else self.max_turns

    def game(self, task: Any) -> Puzzle:
        """The game of a task, at its start."""
        raise NotImplementedError(f"environment {self.name!r} defines no game(task)")

    def plan(self, task: Any) -> list[int]:
        """Actions that win it, none of them in vain."""
        raise NotImplementedError(f"environment {self.name!r} defines no plan(task)")

    def world(self, task: WorldTask, rng: random.Random) -> PuzzleWorld:
        """The game of `task`, and how it is played."""
        terms = Terms(self.max_replies, self.rescaling, self.step_penalty)
        return PuzzleWorld(self.game(task), _space(self.puzzle.NAMES, self.max_actions), terms)

    async def score(self, task: WorldTask, episode: Episode) -> None:
        """Write down which actions changed the state, by playing the replies once more."""
        world = self.world(task, random.Random())
        for asked in [note.turn for note in episode.notes if note.name == STATE]:
            if asked is not None:
                world.step(episode.turns[asked].text)
                episode.note(world.changed, asked, name=CHANGED)

    def agents(self) -> dict[str, Any]:
        """`solver` gives a whole plan; `bumper` wastes an action for each that it needs; `random`."""
        return {
            "solver": agents.solver(self),
            "bumper": agents.bumper(self),
            "random": RandomLegal(),
        }


@lru_cache(maxsize=64)
def _space(names: tuple[str, ...], most: int) -> Several:
    return Several(names, most)

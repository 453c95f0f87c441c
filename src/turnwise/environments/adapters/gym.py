"""`gym:ID`: any Gymnasium environment whose observations can be written down.

The player is told what the environment's own documentation says, sees each observation as the environment
draws it in text (`ansi`) where it can, and as its value, and answers with an action in words. The reward of
a reply is the environment's own; a reply that is no action changes nothing and is answered by a hint.
Everything follows from the task's seed, which Gymnasium's `reset` takes; environments that declare
themselves not deterministic have their answers recorded.

Gymnasium: M. Towers et al., "Gymnasium: A Standard Interface for Reinforcement Learning Environments", 2024.
"""

from __future__ import annotations

import copy
import inspect
import random
import re
from collections.abc import Callable, Generator, Mapping
from functools import cache
from typing import Any, ClassVar, cast

import msgspec

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.adapters import spaces
from turnwise.environments.adapters.foreign import Frame, Game, Paid, Said, derived, play
from turnwise.environments.parts.world import WorldEnvironment, WorldTask
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.log import Stop
from turnwise.message import Message, user

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_LEFT_OUT = {"Arguments", "References", "Version History", "Information", "Vectorized environment"}
"""Sections of an environment's documentation that no player needs."""


class Gymnasium(WorldEnvironment, kw_only=True, frozen=True):
    """A Gymnasium environment, played in words."""

    environment_id: ClassVar[str] = ""

    make: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """Arguments for `gymnasium.make`, e.g. `{"is_slippery": false}`."""
    rules: str | None = None
    """What the player is told at first, instead of the environment's documentation."""
    turns: int | None = None
    """Most replies; by default the environment's own limit of steps, or 200."""
    record: bool = False
    """Record every answer, for an environment that does not repeat itself; on where it says so itself."""

    def __post_init__(self) -> None:
        if self.turns is not None and self.turns < 1:
            raise ConfigError(f"{self.name}: expected turns >= 1, got {self.turns}")

    @property
    def max_replies(self) -> int:
        """See `turns`."""
        return self.turns or _spec(self.environment_id).max_episode_steps or 200

    def agents(self) -> Mapping[str, Any]:
        """`random` draws actions."""
        action_space = self._prototype().action_space
        if _listed(action_space):
            return {"random": RandomLegal()}

        def draw(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            space = copy.deepcopy(action_space)
            space.seed(rng.randrange(1 << 31))
            yield
            while True:
                yield spaces.written(space.sample())

        return {"random": draw}

    async def run(self, task: Any, episode: Episode) -> None:
        """Play an episode of the environment."""

        def game() -> GymGame:
            return GymGame(self._made(), task.seed, self._rules())

        await play(
            episode, game, self.max_replies, record=self.record or _spec(self.environment_id).nondeterministic
        )

    def _rules(self) -> str:
        return self.rules if self.rules is not None else documentation(self._prototype())

    def _prototype(self) -> Any:
        """An environment to ask for its spaces and its documentation."""
        return _prototype(self.environment_id, msgspec.json.encode(self.make, order="sorted"))

    def _made(self) -> Any:
        return _made(self.environment_id, self.make)


class GymGame(Game):
    """One episode of a Gymnasium environment.

    Args:
        environment: It.
        seed: For its `reset`.
        rules: What the player is told first.
    """

    def __init__(self, environment: Any, seed: int, rules: str) -> None:
        self._environment = environment
        self._space = environment.action_space
        self._names = action_names(environment) if _listed(self._space) else ()
        self._seed = seed
        self._rules = rules
        self._ansi = environment.render_mode == "ansi"
        self._drawn = ""

    async def start(self) -> Frame:
        """Rules and the first observation."""
        seen, _ = self._environment.reset(seed=self._seed)
        asked = f"Reply with one action: {spaces.described(self._space, self._names)}."
        return self._frame(
            "\n\n".join(part for part in (self._rules, asked, self._observation(seen)) if part)
        )

    async def reply(self, message: Message) -> Frame:
        """One step."""
        action = spaces.read(self._space, message.text, self._names)
        if action is None:
            expected = spaces.described(self._space, self._names)
            return self._frame(
                f"That is no action; nothing happened. Reply with one: {expected}.", valid=False
            )
        seen, reward, terminated, truncated, _ = self._environment.step(action)
        text = f"{self._observation(seen)}\nReward: {spaces.written(float(reward))}"
        paid = (Paid(to="agent", value=float(reward)),)
        if not (terminated or truncated):
            return self._frame(text, pays=paid)
        return self._frame(
            text,
            pays=paid,
            over=True,
            stop=Stop.COMPLETED if terminated else Stop.MAX_TURNS,
            outcome="terminated" if terminated else "truncated",
        )

    async def close(self) -> None:
        """Close the environment."""
        self._environment.close()

    def picture(self) -> str | None:
        """As the environment draws itself in text."""
        return self._drawn or None

    def _observation(self, seen: Any) -> str:
        text = f"Observation: {spaces.written(seen)}"
        if self._ansi:
            self._drawn = str(self._environment.render()).strip("\n")
            text = f"{without_colours(self._drawn)}\n{text}"
        return text

    def _frame(self, text: str, **fields: Any) -> Frame:
        actions = _texts(self._space, self._names) if _listed(self._space) else None
        return Frame(mover="agent", says=(Said(to="agent", message=user(text)),), actions=actions, **fields)


def without_colours(text: str) -> str:
    """Terminal colours as tags, which say the same in plain text: `<red>S</red>`, `<on-red>S</on-red>`."""
    out: list[str] = []
    opened: list[str] = []
    start = 0
    for found in _SGR.finditer(text):
        out.append(text[start : found.start()])
        start = found.end()
        codes = [int(code) for code in found[1].split(";") if code.isascii() and 0 < len(code) < 4]
        for code in codes or [0]:
            ground, colour = divmod(code % 60, 10)
            if ground in (3, 4) and colour < 8:
                opened.append(("on-" if ground == 4 else "") + _COLOURS[colour])
                out.append(f"<{opened[-1]}>")
            elif code in (0, 39, 49):
                out.extend(f"</{tag}>" for tag in reversed(opened))
                opened.clear()
    return "".join(out) + text[start:]


def documentation(environment: Any) -> str:
    """What the environment's class says of itself, but for sections that no player needs."""
    name = environment.spec.id if environment.spec is not None else type(environment.unwrapped).__name__
    kept, keep = [f"You play {name}."], True
    for line in _doc(environment).splitlines():
        if line.startswith("#"):
            keep = line.strip("# ") not in _LEFT_OUT
        if keep and not line.startswith(("![", "```{", "<img")):
            kept.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def action_names(environment: Any) -> tuple[str, ...]:
    """Names of discrete actions as its documentation lists them (`- 0: Move up`); () where not all are."""
    section = _doc(environment).partition("Action Space")[2].partition("\n## ")[0]
    listed = re.findall(r"^[-*] *`?([0-9]{1,4})`?:? +(.+?)\.?$", section, re.MULTILINE)
    names = {int(number): name.strip() for number, name in listed}
    space = environment.action_space
    wanted = range(int(space.start), int(space.start + space.n))
    distinct = len({name.lower() for name in names.values()}) == len(names)
    if list(names) != list(wanted) or not distinct or any(name[0].isdigit() for name in names.values()):
        return ()
    return tuple(names.values())


def _doc(environment: Any) -> str:
    """Its documentation, indented as its first lines are (some has a stray line further left)."""
    text = inspect.getdoc(cast("object", type(environment.unwrapped))) or ""
    indent = re.search(r"^ *(?=#)", text, re.MULTILINE)
    return re.sub(rf"^ {{0,{len(indent[0])}}}", "", text, flags=re.MULTILINE) if indent else text


@cache
def environment(rest: str) -> type[Gymnasium]:
    """The environment `gym:ID`, with `ID` as `gymnasium.make` takes it.

    Raises:
        ConfigError: Gymnasium is not installed, it knows no such environment, or its observations are too
            large to write down.
    """
    name = f"gym:{rest}"
    made = _prototype(rest, b"{}")
    if made.render_mode != "ansi" and spaces.size(made.observation_space) > spaces.MOST_NUMBERS:
        raise ConfigError(
            f"{name}: an observation has {spaces.size(made.observation_space)} numbers and no text form; "
            f"expected at most {spaces.MOST_NUMBERS}, or the render mode 'ansi'"
        )
    settled = not _spec(rest).nondeterministic
    attributes = {
        "__doc__": f"{rest} of Gymnasium, played in words.",
        "environment_id": rest,
        "capabilities": Capabilities(deterministic=settled, action_ids=_listed(made.action_space)),
    }
    return derived(Gymnasium, name, attributes)


def _listed(space: Any) -> bool:
    return spaces.is_discrete(space) and int(space.n) <= spaces.MOST_NUMBERS


@cache
def _counted(first: int, count: int) -> tuple[str, ...]:
    return tuple(str(first + place) for place in range(count))


def _texts(space: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """How each action is written."""
    return names or _counted(int(space.start), int(space.n))


def _gymnasium() -> Any:
    try:
        import gymnasium
    except ImportError:
        raise ConfigError("gym:… needs Gymnasium: install turnwise[worlds]") from None
    return gymnasium


@cache
def _spec(environment_id: str) -> Any:
    gymnasium = _gymnasium()
    try:
        return gymnasium.spec(environment_id)
    except (gymnasium.error.Error, ImportError) as error:
        raise ConfigError(f"gym:{environment_id}: {_line(error)}") from None


def _made(environment_id: str, arguments: Mapping[str, Any]) -> Any:
    gymnasium = _gymnasium()
    spec = _spec(environment_id)
    try:
        offered: Callable[..., Any] = (
            spec.entry_point
            if callable(spec.entry_point)
            else gymnasium.envs.registration.load_env_creator(spec.entry_point)
        )
        modes = getattr(offered, "metadata", {}).get("render_modes", ())
        chosen = {"render_mode": "ansi"} if "ansi" in modes else {}
        return gymnasium.make(environment_id, disable_env_checker=True, **{**chosen, **arguments})
    except (gymnasium.error.Error, ImportError, TypeError, ValueError) as error:
        raise ConfigError(f"gym:{environment_id} cannot be made: {_line(error)}") from None


@cache
def _prototype(environment_id: str, arguments: bytes) -> Any:
    return _made(environment_id, msgspec.json.decode(arguments))


def _line(error: Exception) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split()) or type(error).__name__

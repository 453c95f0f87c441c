"""`textarena:GAME`: any game of TextArena, with a role for each player.

What a game says to a player goes to that role alone, when it was said; rewards are the game's own, for each
role. A game takes two players, or one, or else the least number it starts with; or the number that is named,
as in `textarena:LiarsDice-v0@4`.

TextArena's games draw from Python's and NumPy's global random numbers. Each episode has a state of them of
its own, seeded by its task, which is in place only while its game is at work; so episodes that run at once
do not touch each other. That a game repeats itself in another process is promised by nobody (some draw from
sets, some look things up), so its answers are recorded unless `record=false`.

TextArena: L. Guertler et al., "TextArena", 2025, arXiv:2504.11442.
"""

from __future__ import annotations

import io
import numbers
import random
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache
from typing import Any, ClassVar, cast

import msgspec
import numpy as np

from turnwise.environment import Capabilities
from turnwise.environments.adapters.foreign import Frame, Game, Paid, Said, derived, play
from turnwise.environments.parts.world import WorldEnvironment, WorldTask
from turnwise.episode import Episode
from turnwise.errors import ConfigError, did_you_mean
from turnwise.message import Message, user

MOST_PLAYERS = 16
_USUAL = (2, 1, *range(3, MOST_PLAYERS + 1))
"""Numbers of players in the order they are tried: many games for several also start with one."""
_BRACKETED = re.compile(r"\[[^\[\]\n]{1,40}\]")
_UNREAD = (ValueError, OverflowError, IndexError, KeyError)
"""What games raise over replies that they did not foresee."""


class TextArena(WorldEnvironment, kw_only=True, frozen=True):
    """A game of TextArena."""

    capabilities: ClassVar[Capabilities] = Capabilities(deterministic=False)
    game: ClassVar[str] = ""

    make: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """Arguments for `textarena.make`, e.g. `{"max_turns": 20}`."""
    turns: int = 200
    """Most replies of all players together."""
    record: bool = True
    """Record every answer of the game; without it, a replay plays the game again."""

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ConfigError(f"{self.name}: expected turns >= 1, got {self.turns}")

    @property
    def max_replies(self) -> int:
        """See `turns`."""
        return self.turns

    def agents(self) -> Mapping[str, Any]:
        """`random` says something that it was told in brackets, as actions are in most games."""
        return {"random": parrot, **{f"{role}/random": parrot for role in self.roles[1:]}}

    def defaults(self) -> Mapping[str, str]:
        """All players but the first are random."""
        return dict.fromkeys(self.roles[1:], "random")

    async def run(self, task: Any, episode: Episode) -> None:
        """Play a game."""
        await play(
            episode,
            lambda: TextArenaGame(self.game, self.make, self.roles, task.seed),
            self.turns,
            record=self.record,
        )


def parrot(task: WorldTask, rng: random.Random) -> Generator[str | None, Message, None]:
    """Say anything that stands in brackets in the last message, or in an earlier one where none does."""
    message = yield
    known: list[str] = []
    while True:
        told = [text for text in _BRACKETED.findall(message.text) if not _speaker(text)]
        known = sorted(set(told)) or known or ["[0]"]
        message = yield rng.choice(known)


def _speaker(text: str) -> bool:
    """Whether `[Player 1]` and such stand before what somebody says."""
    return text == "[GAME]" or text.startswith("[Player")


class TextArenaGame(Game):
    """One game.

    Args:
        game: Its id.
        arguments: For `textarena.make`.
        roles: Of the players, by number.
        seed: Of all its random numbers.
    """

    def __init__(self, game: str, arguments: Mapping[str, Any], roles: tuple[str, ...], seed: int) -> None:
        self._game = game
        self._arguments = arguments
        self._roles = roles
        self._seed = seed
        self._chance = Chance(seed)
        self._environment: Any = None
        self._raw = False

    async def start(self) -> Frame:
        """What the first player is told."""
        with self._chance.in_place():
            self._environment, self._raw = made(self._game, self._arguments)
            self._environment.reset(num_players=len(self._roles), seed=self._seed)
            mover, says = self._heard()
        return Frame(mover=mover, says=says)

    async def reply(self, message: Message) -> Frame:
        """One step."""
        state = self._environment.state
        turn = getattr(state, "turn", 0)
        with self._chance.in_place():
            try:
                done, _ = self._environment.step(action=message.text)
            except _UNREAD as error:
                return self._unread(error)
            # A player whose move was refused is asked again.
            refused = bool(getattr(state, "error_count", 0)) and getattr(state, "turn", turn) == turn
            if not done:
                mover, says = self._heard()
                return Frame(mover=mover, says=says, valid=not refused)
            return self._end()

    def _unread(self, error: Exception) -> Frame:
        """The game tripped over the reply (a number of a thousand digits): its player is asked again."""
        mover, says = self._heard()
        text = f"[GAME] That could not be read ({type(error).__name__}); reply with a legal action."
        return Frame(mover=mover, says=(*says, Said(to=mover, message=user(text))), valid=False)

    def _heard(self) -> tuple[str, tuple[Said, ...]]:
        """Whose move it is, and what that player is told."""
        player, told = self._environment.get_observation()
        role = self._roles[int(player)]
        text = told if isinstance(told, str) else self._text(player, told)
        return role, (Said(to=role, message=user(text)),) if text else ()

    def _text(self, player: int, told: list[Any]) -> str:
        """Raw messages as text, but for the player's own words, which it knows."""
        return "\n".join(f"[{self._named(sender)}] {text}" for sender, text, *_ in told if sender != player)

    def _named(self, sender: Any) -> str:
        """Who speaks; where a game does not say, it is the game."""
        if type(sender) is not int or sender < 0:
            return "GAME"
        return str(self._environment.state.role_mapping.get(sender, f"Player {sender}"))

    def _end(self) -> Frame:
        """Rewards, and what each player has not heard yet."""
        rewards, info = cast("tuple[dict[int, Any], dict[int, Any]]", self._environment.close())
        state = self._environment.state
        mover = self._roles[int(state.current_player_id)]
        says: list[Said] = []
        if self._raw:
            unheard: dict[int, Any] = state.observations
            for player, told in sorted(unheard.items()):
                if text := self._text(player, told):
                    says.append(Said(to=self._roles[player], message=user(text)))
        reason = next((str(told["reason"]) for told in info.values() if "reason" in told), None)
        invalid = any(bool(told.get("invalid_move")) for told in info.values())
        pays = [Paid(to=self._roles[player], value=_value(gain)) for player, gain in sorted(rewards.items())]
        return Frame(
            mover=mover, says=tuple(says), pays=tuple(pays), valid=not invalid, over=True, outcome=reason
        )


class Chance:
    """The process's global random numbers, as one episode has them."""

    def __init__(self, seed: int) -> None:
        self._python = random.Random(seed).getstate()
        self._numpy: Any = np.random.RandomState(seed % (1 << 32)).get_state()

    @contextmanager
    def in_place(self) -> Generator[None]:
        """Draw from these, and let all others find theirs again afterwards; what is printed is dropped."""
        python, numpy = random.getstate(), cast("Any", np.random.get_state())
        random.setstate(self._python)
        np.random.set_state(self._numpy)
        try:
            with redirect_stdout(io.StringIO()):
                yield
        finally:
            self._python, self._numpy = random.getstate(), np.random.get_state()
            random.setstate(python)
            np.random.set_state(numpy)


def made(game: str, arguments: Mapping[str, Any]) -> tuple[Any, bool]:
    """A game, and whether it tells each player only what is new.

    The wrapper that repeats all that was said is taken off: a role knows what it was told.
    """
    arena = _arena()
    try:
        environment = arena.make(game, **arguments)
    except Exception as error:
        raise ConfigError(f"textarena:{game} cannot be made: {_line(error)}") from None
    repeating = _wrapper(environment, lambda one: type(one) is arena.wrappers.LLMObservationWrapper)
    if repeating is None:
        return environment, False
    if repeating is environment:
        return environment.env, True
    outer = environment
    while outer.env is not repeating:
        outer = outer.env
    outer.env = repeating.env
    return environment, True


def _value(gain: Any) -> float | None:
    """A reward; what is no number (some games put the reason there) is a missing verdict."""
    return float(gain) if isinstance(gain, numbers.Real) else None


def _wrapper(environment: Any, wanted: Callable[[Any], bool]) -> Any:
    """The first wrapper from outside that is `wanted`."""
    while "env" in vars(environment):
        if wanted(environment):
            return environment
        environment = environment.env
    return None


@cache
def environment(rest: str) -> type[TextArena]:
    """The environment `textarena:GAME` or `textarena:GAME@PLAYERS`.

    Raises:
        ConfigError: TextArena is not installed, or has no such game for so many players.
    """
    name = f"textarena:{rest}"
    game, at, number = rest.partition("@")
    known = _arena().envs.registration.ENV_REGISTRY
    if game not in known:
        raise ConfigError(f"{name}: TextArena has no game {game!r}{did_you_mean(game, known)}")
    if at and not (number.isascii() and number.isdigit() and 1 <= int(number[:3]) <= MOST_PLAYERS):
        raise ConfigError(f"{name}: expected GAME@PLAYERS with 1 to {MOST_PLAYERS} players, got {number!r}")
    players = _players(name, game, [int(number)] if at else _USUAL)
    roles = ("agent",) if players == 1 else tuple(f"player_{player}" for player in range(players))
    seats = "one player" if players == 1 else f"{players} players"
    return derived(
        TextArena, name, {"__doc__": f"{game} of TextArena for {seats}.", "game": game, "roles": roles}
    )


def _players(name: str, game: str, counts: Sequence[int]) -> int:
    """The first of `counts` for which the game starts."""
    with Chance(0).in_place():
        trial, _ = made(game, {})
        failure = ""
        for players in counts:
            try:
                trial.reset(num_players=players, seed=0)
            except Exception as error:
                failure = failure or _line(error)
            else:
                return players
    raise ConfigError(f"{name} does not start with {min(counts)} to {max(counts)} players: {failure}")


def _arena() -> Any:
    try:
        with Chance(0).in_place():
            import textarena
    except ImportError:
        raise ConfigError("textarena:… needs TextArena: install turnwise[worlds]") from None
    return textarena


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__

"""Games of other libraries: what they say and do in one record, and the one script that plays them.

A `Game` is somebody else's code behind three calls. Where it is known to be deterministic, replay runs it
again. Where that is not promised (`record`), each of its answers is an effect: a replay needs neither the
library nor its data, and an episode that is resumed or forked first plays what is recorded over again, and
stops with a clear error if the game then says something else.
"""

from __future__ import annotations

import re
import types
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import msgspec

from turnwise import wire
from turnwise.action import Menu
from turnwise.agent import Entry
from turnwise.environment import Environment
from turnwise.environments.parts.picture import Picture
from turnwise.episode import Episode
from turnwise.errors import ReplayDivergence
from turnwise.log import Stop, Turn
from turnwise.message import Content, Message, ToolSpec
from turnwise.role import Role
from turnwise.tool import Tool
from turnwise.wire import Record

Kind = TypeVar("Kind", bound=Environment)


class Said(Record, frozen=True, kw_only=True):
    """One message of the game."""

    to: str
    """The role that hears it."""
    message: Message


class Paid(Record, frozen=True, kw_only=True):
    """A part of a role's reward."""

    to: str
    value: float | None
    name: str = "reward"


class Frame(Record, frozen=True, kw_only=True):
    """What a game answers to a reply, as plain JSON."""

    mover: str
    """Whose move it is now; at the end, whose it was."""
    says: tuple[Said, ...] = ()
    pays: tuple[Paid, ...] = ()
    """Rewards for the reply that was just made."""
    valid: bool = True
    """Whether that reply was an action at all."""
    over: bool = False
    stop: Stop = Stop.COMPLETED
    outcome: str | None = None
    """A word for how it ended."""
    actions: tuple[str, ...] | None = None
    """All that can be replied now, where that is a list; an action's place in it is its id."""
    tools: tuple[ToolSpec, ...] = ()
    """Tools that the game itself runs."""
    afresh: bool = False
    """The mover is shown `says` alone: the game rewrote the conversation."""
    metrics: dict[str, float] = msgspec.field(default_factory=dict[str, float])


class Game(ABC):
    """Somebody else's game in progress."""

    @abstractmethod
    async def start(self) -> Frame:
        """Begin."""

    @abstractmethod
    async def reply(self, message: Message) -> Frame:
        """Take the mover's reply, whatever it says."""

    async def close(self) -> None:
        """Let go of what it holds."""
        return

    def picture(self) -> Picture | None:
        """How things stand, for people."""
        return None


async def play(
    episode: Episode, make: Callable[[], Game], replies: int, *, record: bool, key: str = "game"
) -> None:
    """Play a game to its end.

    Args:
        episode: The episode.
        make: Makes the game, the same at every call.
        replies: Most replies before it is broken off.
        record: Make each answer of the game an effect.
        key: What such effects are called.
    """
    game = _Recorded(episode, make, key) if record else make()
    try:
        frame = await game.start()
        invalid = 0
        for _ in range(replies):
            if frame.over:
                break
            episode.show(game.picture)
            mover = episode.roles[frame.mover]
            turn = await _ask(mover, frame)
            frame = await game.reply(turn.message)
            invalid += not frame.valid
            for paid in frame.pays:
                episode.reward(paid.value, turn, role=paid.to, name=paid.name)
        episode.metric("invalid", invalid)
        for name, value in frame.metrics.items():
            episode.metric(name, value)
        for said in frame.says:
            episode.roles[said.to].tell(said.message)
        episode.show(game.picture)
    finally:
        await game.close()
    if frame.over:
        episode.end(frame.outcome, stop=frame.stop)
    episode.end("out of turns", stop=Stop.MAX_TURNS)


def derived(base: type[Kind], name: str, attributes: dict[str, Any]) -> type[Kind]:
    """The subclass of the environment `base` that stands for what is named behind a prefix.

    Args:
        base: The adapter.
        name: The full name, `scheme:rest`.
        attributes: Of the class.
    """
    doc = {"__module__": base.__module__, "name": name}
    made = types.new_class(
        re.sub(r"\W", "_", name),
        (base,),
        {"kw_only": True, "frozen": True},
        lambda body: body.update({**doc, **attributes}),
    )
    return cast("type[Kind]", made)


async def _ask(role: Role, frame: Frame) -> Turn:
    """Tell everybody what was said to them, and hear from the mover."""
    heard = [said.message for said in frame.says if said.to == role.name]
    for said in frame.says:
        if said.to != role.name:
            role.episode.roles[said.to].tell(said.message)
    actions = None if frame.actions is None else Menu.of(frame.actions)
    tools: list[Tool] = [_Outside(spec) for spec in frame.tools]
    if frame.afresh:
        system = [entry for entry in role.history[:1] if entry.message.role == "system"]
        view = [*system, *(Entry(message, message) for message in heard)]
        return role.post(await role.sample(view, tools=tools, actions=actions))
    for message in heard[:-1]:
        role.tell(message)
    # The game runs its tools itself: a response ends with the first thing the role says.
    until = _always if tools else None
    return await role.respond(heard[-1] if heard else None, tools=tools, until=until, actions=actions)


def _always(turn: Turn) -> bool:
    return True


class _Outside:
    """A tool that the game runs: a model is told of it, and its calls go to the game."""

    replay: Literal["run", "record"] = "run"

    def __init__(self, spec: ToolSpec) -> None:
        self.spec = spec

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Not called: see `_ask`."""
        raise AssertionError(f"the game runs {self.spec.name!r} itself")


class _Recorded(Game):
    """A game whose answers are effects, and which is only there once an answer is not recorded."""

    def __init__(self, episode: Episode, make: Callable[[], Game], key: str) -> None:
        self._episode = episode
        self._make = make
        self._key = key
        self._game: Game | None = None
        self._past: list[tuple[Message | None, Any]] = []
        """Replies so far (none at the start), and the answers as JSON values."""

    async def start(self) -> Frame:
        """The recorded beginning, or the game's own."""
        return await self._answer(None)

    async def reply(self, message: Message) -> Frame:
        """The recorded answer, or the game's own."""
        return await self._answer(message)

    async def close(self) -> None:
        """Close the game, where there is one."""
        if self._game is not None:
            await self._game.close()

    def picture(self) -> Picture | None:
        """The game's, where there is one."""
        return None if self._game is None else self._game.picture()

    async def _answer(self, message: Message | None) -> Frame:
        async def ask() -> Any:
            game = self._game
            if game is None:
                game = self._game = await self._caught_up()
            return await _next(game, message)

        value = await self._episode.effect(self._key, ask)
        self._past.append((message, value))
        return wire.from_builtins(value, Frame)

    async def _caught_up(self) -> Game:
        """The game after everything that is recorded.

        Raises:
            ReplayDivergence: it does not say again what is recorded.
        """
        game = self._make()
        for number, (message, then) in enumerate(self._past):
            now = msgspec.json.decode(wire.encode(await _next(game, message)))
            if now != then:
                await game.close()
                turn, name = len(self._episode.turns), self._episode.environment.name
                raise ReplayDivergence(
                    f"turn {turn}: {name!r} cannot go on from here: played again, its answer {number} is "
                    f"{_brief(now)}, but {_brief(then)} is recorded"
                )
        return game


async def _next(game: Game, message: Message | None) -> Frame:
    return await game.start() if message is None else await game.reply(message)


def _brief(value: Any) -> str:
    text = wire.encode(value).decode()
    return text if len(text) < 160 else f"{text[:150]} ..."

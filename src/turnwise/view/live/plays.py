"""Plays: episodes in which people take roles, each in a browser of their own; stored as any run is."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from turnwise.agent import Agent
from turnwise.engine import launch, resolve
from turnwise.engine.config import parse
from turnwise.engine.resolve import Given
from turnwise.engine.results import Run
from turnwise.environments.parts.picture import Picture
from turnwise.errors import ConfigError, StoreError
from turnwise.log import as_seen
from turnwise.message import Message
from turnwise.view.live import allowed, choices
from turnwise.view.live.seat import Seat
from turnwise.view.live.stage import Stage
from turnwise.view.reading import messages
from turnwise.view.reading.episode import tool_shape
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Found, Source
from turnwise.view.reading.views import RoleView
from turnwise.view.server import shapes as s

_KEPT = 200
"""Plays that are remembered."""
_MESSAGES = 500
_SOON = 0.4
"""Seconds that an answer to a move waits for what follows from it."""


class Play:
    """One play.

    Args:
        roles: Who is played by people.
        told: Called, in any thread, with the play when it changed.
    """

    def __init__(self, roles: list[str], environment: str, told: Callable[[Play], None]) -> None:
        self.id = secrets.token_urlsafe(6)
        self.environment = environment
        self.seats = {role: Seat(role, self.changed) for role in roles}
        self.version = 0
        self.run: Run | None = None
        self.picture: Picture | None = None
        self.over = False
        self._told = told
        self._moved = threading.Condition()

    def changed(self) -> None:
        """Something is otherwise than it was."""
        with self._moved:
            self.version += 1
            self._moved.notify_all()
        self._told(self)

    def wait(self, version: int, seconds: float) -> None:
        """Wait until there is a later version, or a while."""
        with self._moved:
            self._moved.wait_for(lambda: self.version > version, seconds)

    def show(self, turn: int, picture: Picture | None) -> None:
        """How things stand now."""
        self.picture = picture

    def seat(self, key: str) -> Seat:
        """The seat of a key.

        Raises:
            MissingError: there is none.
        """
        for seat in self.seats.values():
            if secrets.compare_digest(seat.key.encode(), key.encode("utf-8", "replace")):
                return seat
        raise MissingError("this link is no seat of the play: ask who began it for yours")


class Plays:
    """All plays of this server."""

    def __init__(self, source: Source, stage: Stage, told: Callable[[Play], None]) -> None:
        self.source = source
        self.stage = stage
        self._told = told
        self._plays: OrderedDict[str, Play] = OrderedDict()

    def begin(self, wanted: s.PlayAsk) -> s.PlayStarted:
        """Begin a play.

        Raises:
            ConfigError: there is no such environment, task, role, agent or setting.
        """
        name = allowed.environment(wanted.environment)
        raw = {"environment": name, "settings": allowed.settings(wanted.settings), "concurrency": 1}
        made = resolve.environment(parse(raw, where="play"))
        roles = list(dict.fromkeys(wanted.roles))
        if not roles:
            raise ConfigError("roles: expected a role that you take")
        for role in roles:
            resolve.check_role(role, made)
        agents = allowed.agents({r: a for r, a in wanted.agents.items() if r not in roles}, made)
        raw["agents"] = {**agents, **dict.fromkeys(roles, "human")}
        raw |= {"limit": 1} if wanted.task is None else {"ids": [wanted.task]}
        seed = allowed.seed(wanted.seed)
        raw["seed"] = secrets.randbelow(1 << 31) if seed is None else seed
        config = parse(raw, where="play")
        play = Play(roles, name, self._told)
        given = Given(agents={role: Agent(seat) for role, seat in play.seats.items()})
        show = play.show if wanted.peek or not made.spoilers else None

        async def work(watch: Callable[[Run, Any], Any]) -> Run:
            try:
                return await launch.start(config, self.source.store, given=given, watch=watch, show=show)
            finally:
                play.over = True
                play.changed()

        play.run = self.stage.begin(work)
        self._plays[play.id] = play
        while len(self._plays) > _KEPT:
            self._plays.popitem(last=False)
        seats = [s.SeatShape(role=role, key=seat.key) for role, seat in play.seats.items()]
        return s.PlayStarted(play=play.id, run=play.run.id, episode=0, seats=seats)

    def of(self, name: str) -> Play:
        """A play by its id.

        Raises:
            MissingError: there is none.
        """
        if name not in self._plays:
            raise MissingError("there is no such play here: it ended with the viewer that it was begun in")
        return self._plays[name]

    def move(self, play: Play, seat: Seat, wanted: s.MoveAsk) -> None:
        """Make a move, and wait a moment for what follows.

        Raises:
            RefusedError: it is not asked for (any more).
            ConfigError: it is no move.
        """
        version = play.version
        self._inside(lambda: seat.move(wanted))
        # One change says that it was made, another what came of it.
        play.wait(version, _SOON)
        play.wait(version + 1, _SOON)

    def leave(self, play: Play, seat: Seat) -> None:
        """Leave a play, which ends it."""
        version = play.version
        self._inside(seat.leave)
        play.wait(version + 1, _SOON)

    def page(self, play: Play, seat: Seat) -> s.PlayPage:
        """A play as one of its players sees it."""
        seat.look()
        run = play.run
        assert run is not None
        version, request = play.version, seat.request
        found = self._found(run)
        heard = seat.heard if found is None or not play.over else _all(found, seat.role)
        shown = heard[-_MESSAGES:]
        log = None if found is None else found.log
        waiting = (
            "ended" if play.over else "yours" if request is not None else "waiting" if heard else "starting"
        )
        picture = f"/api/plays/{play.id}/picture?seat={quote(seat.key)}&v={version}"
        return s.PlayPage(
            play=play.id,
            run=run.id,
            episode=0,
            environment=play.environment,
            role=seat.role,
            version=version,
            state=waiting,
            ordinal=None if request is None else request.ordinal,
            messages=[messages.message_at(messages.place_of(run.id, 0), said) for said in shown],
            earlier=len(heard) - len(shown),
            picture=None if play.picture is None else picture,
            choices=[] if request is None else choices.listed(request.actions),
            text=True,
            tools=[] if request is None else [tool_shape(tool) for tool in request.tools],
            stop=None if log is None or log.stop is None else log.stop.value,
            detail=None if log is None else log.detail,
            score=None if log is None else log.score(seat.role),
            failure=None if log is None or log.error is None else log.error.message,
            people={role: other.here for role, other in play.seats.items()},
        )

    # Inside -------------------------------------------------------------------------------------------

    def _inside(self, work: Callable[[], None]) -> None:
        """Do something in the stage's event loop."""

        async def inside() -> None:
            work()

        asyncio.run_coroutine_threadsafe(inside(), self.stage.loop).result(10)

    def _found(self, run: Run) -> Found | None:
        try:
            return self.source.episode(run, 0)
        except (MissingError, StoreError):
            return None


def _all(found: Found, role: str) -> tuple[Message, ...]:
    """All that a role was told and said in an episode."""
    view = RoleView(found.log, role)
    return tuple(as_seen(found.log.turns[turn], role) for turn in view.known)

"""Stockfish as an agent: an engine installed on the machine, asked for one move at a time over UCI.

It plays in a role like anybody else, so its moves are recorded, and replay needs no engine. Given 0.1 seconds
a move as published, it is not deterministic.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnwise.environments.lmrl_gym.chess.notation import library
from turnwise.environments.lmrl_gym.chess.play import Seen
from turnwise.errors import ConfigError, ModelError
from turnwise.message import Message
from turnwise.model import Request, Sample

if TYPE_CHECKING:
    import chess.engine

GET_IT = "apt-get install stockfish, or set STOCKFISH to the program"


def program() -> str | None:
    """Where Stockfish is: the variable `STOCKFISH`, the PATH, or where Debian puts games."""
    named = os.environ.get("STOCKFISH")
    if named:
        return named
    debian = "/usr/games/stockfish"
    return shutil.which("stockfish") or (debian if Path(debian).is_file() else None)


class Stockfish:
    """The engine, as many processes of it as calls are under way, up to the number of cores.

    Args:
        name: How logs call it.
        elo: Strength to play at; None is full strength. The published 1200 is less than Stockfish can: it
            refuses such a value and plays at its least (1350 in version 15.1), and so it does here.
        seconds: Time a move.
        nodes: Positions to look at a move, instead of time.
    """

    remote = False

    def __init__(
        self,
        name: str = "stockfish",
        *,
        elo: int | None = 1200,
        seconds: float = 0.1,
        nodes: int | None = None,
    ) -> None:
        self.name = name
        self.elo = elo
        self.seconds = seconds
        self.nodes = nodes
        self._idle: list[chess.engine.UciProtocol] = []
        self._places: asyncio.Semaphore | None = None

    async def sample(self, request: Request) -> Sample:
        """The engine's move in the position shown last.

        Raises:
            ConfigError: there is no engine.
            ModelError: the engine failed.
        """
        engines = _engines()
        seen = Seen(request.task, request.messages)
        if self._places is None:
            self._places = asyncio.Semaphore(max(1, os.cpu_count() or 1))
        async with self._places:
            engine = self._idle.pop() if self._idle else await self._start()
            limit = engines.Limit(time=None if self.nodes else self.seconds, nodes=self.nodes)
            try:
                # A new `game` a call: the engine may not remember another episode's.
                played = await engine.play(seen.board, limit, game=object())
            except BaseException as error:
                # Failed or cancelled: what it would say next belongs to nobody.
                if engine.transport is not None:
                    engine.transport.close()
                if isinstance(error, engines.EngineError):
                    raise ModelError(f"{self.name}: {error}", kind="server") from error
                raise
            self._idle.append(engine)
        if played.move is None:
            raise ModelError(f"{self.name}: no move in {seen.board.fen()!r}", kind="server")
        return Sample(message=Message(role="assistant", content=seen.says(played.move)))

    async def close(self) -> None:
        """Quit the engines."""
        for engine in self._idle:
            await engine.quit()
        self._idle.clear()
        self._places = None

    async def _start(self) -> chess.engine.UciProtocol:
        engines = _engines()
        found = program()
        if found is None:
            raise ConfigError(
                f"there is no Stockfish here: {GET_IT}; or choose another: --agent opponent=builtin"
            )
        try:
            _, engine = await engines.popen_uci(found)
        except (OSError, engines.EngineError) as error:
            raise ConfigError(f"Stockfish at {found!r} does not start ({error}): {GET_IT}") from error
        options: dict[str, Any] = {"Threads": 1}
        if self.elo is not None:
            known = engine.options["UCI_Elo"]
            low, high = known.min or 0, known.max or 4000
            options |= {"UCI_LimitStrength": True, "UCI_Elo": max(low, min(high, self.elo))}
        await engine.configure(options)
        return engine


def _engines() -> Any:
    library()
    import chess.engine

    return chess.engine

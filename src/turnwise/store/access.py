"""How a store's database is reached: its errors in one line, and connections to read from."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from turnwise.errors import StoreError


class Trouble:
    """A context that turns the database's errors into one line.

    Args:
        shown: The store, as errors name it.
        doing: What cannot be done then.
    """

    __slots__ = ("_doing", "_shown")

    def __init__(self, shown: str, doing: str) -> None:
        self._shown = shown
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.tell(error)

    def tell(self, error: BaseException) -> None:
        """Raise what an error means, where it is the database's.

        Raises:
            StoreError: in one line.
        """
        if isinstance(error, SQLAlchemyError):
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise StoreError(f"store {self._shown}: cannot {self._doing}: {reason}") from error
        if isinstance(error, ImportError):
            raise StoreError(
                f"store {self._shown}: {error.name} is missing: install turnwise[postgres]"
            ) from None


class Connections:
    """Connections to read from.

    To get one and to give it back takes as long as to ask a small question; so who asks several may hold one.
    """

    def __init__(self, engine: sa.Engine, shown: str) -> None:
        self.engine = engine
        self.shown = shown
        self.here: Any = threading.local()
        """What this thread holds: `connection`."""

    def reading(self, what: str) -> Reading:
        """One for a moment; within `held`, the one that this thread holds."""
        return Reading(self, what)

    @contextmanager
    def held(self) -> Generator[None]:
        """Hold one for all that this thread reads meanwhile."""
        with Reading(self, "the store") as connection:
            self.here.connection = connection
            try:
                yield
            finally:
                self.here.connection = None


class Reading:
    """A context with a connection in it."""

    __slots__ = ("_connections", "_own", "_trouble")

    def __init__(self, connections: Connections, what: str) -> None:
        self._connections = connections
        self._trouble = Trouble(connections.shown, f"read {what}")
        self._own: sa.Connection | None = None

    def __enter__(self) -> sa.Connection:
        held: sa.Connection | None = getattr(self._connections.here, "connection", None)
        if held is not None:
            return held
        try:
            self._own = self._connections.engine.connect()
        except Exception as error:
            self._trouble.tell(error)
            raise
        return self._own

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own is not None:
            self._own.close()
        if error is not None:
            self._trouble.tell(error)

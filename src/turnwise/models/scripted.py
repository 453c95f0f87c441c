"""Scripted models: a Python function, a generator function or a list of replies in the place of a model.

They are how environments bring solvers and random players along, and how tests and benchmarks do without a
model. A **function** answers the messages it is shown (`Sequence[Message] -> str | Message`), plainly or as
a coroutine. A **generator function** of `(task, rng)` lives through one episode: its first `yield` gives
nothing, every further one gives what to say and receives the last message it was shown. A **list** is
said line by line.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, cast

from turnwise.errors import ModelError
from turnwise.message import Message
from turnwise.model import Request, Sample

Says: TypeAlias = str | Message
Script: TypeAlias = Generator[Says | None, Message, Any]


class _Run:
    """One generator at work in one session."""

    __slots__ = ("rng", "script", "seed")

    def __init__(self, write: Callable[..., Script], request: Request) -> None:
        self.seed = request.rng_seed
        self.rng = random.Random(self.seed)
        self.script = write(request.task, self.rng)
        next(self.script)
        if request.ordinal:
            self._catch_up(request.messages)

    def _catch_up(self, messages: Sequence[Message]) -> None:
        """Live through what the role's former agent did (a fork that changed it)."""
        for before, message in pairwise(messages):
            if message.role == "assistant":
                try:
                    self.script.send(before)
                except StopIteration:
                    return

    def send(self, request: Request) -> Says | None:
        if request.rng_seed != self.seed:
            # A fork drew a new seed; what comes from here on shall differ.
            self.seed = request.rng_seed
            self.rng.seed(self.seed)
        return self.script.send(request.messages[-1])


class ScriptedModel:
    """A model that is Python code; free, immediate and deterministic.

    Args:
        script: A function of the messages, a generator function of `(task, rng)`, or the lines to say.
        name: How logs call it.
    """

    remote = False

    def __init__(self, script: Callable[..., Any] | Iterable[Says], name: str = "scripted") -> None:
        self.name = name
        self._runs: dict[str, _Run] = {}
        if not callable(script):
            self._write: Callable[..., Script] | None = _reader(list(script))
        elif inspect.isgeneratorfunction(script):
            self._write = script
        else:
            self._write = None
        self._function = cast("Callable[[Sequence[Message]], Any]", script)

    async def sample(self, request: Request) -> Sample:
        """What the script says to the last message.

        Raises:
            ModelError: the script is over, raised something, or gave no text.
        """
        try:
            if self._write is None:
                said = self._function(request.messages)
                if inspect.isawaitable(said):
                    said = await said
            else:
                said = self._run(request).send(request)
        except StopIteration:
            raise ModelError(f"{self.name}: the script has nothing more to say", kind="script") from None
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"{self.name}: {type(error).__name__}: {error}", kind="script") from error
        if isinstance(said, str):
            return Sample(message=Message(role="assistant", content=said))
        if not isinstance(said, Message):
            raise ModelError(
                f"{self.name}: expected a text or a Message from the script, got {said!r}", kind="script"
            )
        return Sample(message=said, finish="tool_calls" if said.tool_calls else "stop")

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        """Bring the session's generator to where it was."""
        if self._write is None:
            return
        try:
            self._run(request).send(request)
        except Exception:
            # What another agent lived through may be the end of this one: it says so when it is asked.
            return

    def forget(self, session: str) -> None:
        """Drop the session's generator."""
        self._runs.pop(session, None)

    async def close(self) -> None:
        """Nothing to let go of."""
        self._runs.clear()

    def _run(self, request: Request) -> _Run:
        run = self._runs.get(request.session)
        if run is None:
            assert self._write is not None
            run = self._runs[request.session] = _Run(self._write, request)
        return run


def _reader(lines: Sequence[Says]) -> Callable[..., Script]:
    def read(task: Any, rng: random.Random) -> Script:
        yield None
        # Not `yield from`: what is sent here would be sent on to the list.
        for line in lines:  # noqa: UP028
            yield line

    return read

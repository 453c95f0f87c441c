"""A person at the terminal in the place of a model."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable

from turnwise.errors import ModelError
from turnwise.message import Message, ToolCall
from turnwise.model import Request, Sample

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Human:
    """A model that is a person: shows what is new, and reads the reply from standard input.

    A reply is one line, or several when the first one is `\"\"\"` and the last one too.

    Args:
        read: Gives the next line of what the person types; raises EOFError when they leave.
        write: Shows text.
    """

    remote = False
    name = "human"

    def __init__(
        self, read: Callable[[], str] | None = None, write: Callable[[str], object] | None = None
    ) -> None:
        self._read = read or self._prompt
        self._write = write or self._print
        self._turn = asyncio.Lock()
        self._calls = 0

    async def sample(self, request: Request) -> Sample:
        """The person's next words.

        Raises:
            ModelError: they left.
        """
        async with self._turn:
            self._show(request)
            try:
                text = await asyncio.to_thread(self._reply)
            except EOFError:
                raise ModelError("the person left", kind="left") from None
        if text.startswith("/call "):
            name, _, arguments = text.removeprefix("/call ").strip().partition(" ")
            self._calls += 1
            call = ToolCall(id=f"call-{self._calls}", name=name, arguments=arguments.strip() or "{}")
            return Sample(message=Message(role="assistant", tool_calls=(call,)), finish="tool_calls")
        return Sample(message=Message(role="assistant", content=text))

    async def close(self) -> None:
        """Nothing to let go of."""

    @staticmethod
    def _news(request: Request) -> list[Message]:
        """What was said since the person spoke last."""
        messages = list(request.messages)
        said = [place for place, message in enumerate(messages) if message.role == "assistant"]
        return messages[said[-1] + 1 if said else 0 :]

    def _show(self, request: Request) -> None:
        news = self._news(request)
        for message in news:
            name = f"{message.role} {message.name}" if message.name else message.role
            self._write(f"\n[{name}]\n{_CONTROL.sub('?', message.text)}")
        if request.tools and len(news) == len(request.messages):
            self._write("\ntools:")
            for tool in request.tools:
                self._write(f"  /call {tool.name} {{...}}   {tool.description.partition(chr(10))[0]}")

    def _reply(self) -> str:
        line = self._read()
        if line.strip() != '"""':
            return line
        lines: list[str] = []
        while (line := self._read()).strip() != '"""':
            lines.append(line)
        return "\n".join(lines)

    @staticmethod
    def _print(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    @staticmethod
    def _prompt() -> str:
        return input("> ")

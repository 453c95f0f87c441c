"""A run in a process of its own, to be killed: `durable_run.py STORE SERVER start|resume [CONCURRENCY]`.

Its model is a server elsewhere, which counts what it is asked; two roles speak, one of them twice at once.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import urllib.request
from typing import Any, ClassVar

import turnwise
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message
from turnwise.model import Request, Sample
from turnwise.task import Task


class Talk(Environment, frozen=True, kw_only=True):
    """Two roles talk; in every third round both are asked at once."""

    roles: ClassVar[tuple[str, ...]] = ("agent", "guest")
    rounds: int = 10

    def tasks(self) -> list[Task]:
        return [Task(id=f"task-{number}") for number in range(24)]

    async def run(self, task: Task, episode: Episode) -> None:
        said = f"begin {episode.rng.randrange(1000)}"
        for number in range(self.rounds):
            if number % 3 == 2:
                one, other = await asyncio.gather(
                    episode.agent.respond(said), episode.guest.respond(f"meanwhile {said}")
                )
                episode.note({"both": [one.text, other.text]})
            else:
                one = await episode.agent.respond(said)
                other = await episode.guest.respond(one)
            episode.reward(len(other.text), other, name="length")
            said = f"{other.text} {episode.rng.randrange(10)}"


class Remote:
    """Asks the counting server."""

    remote = False

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url

    async def sample(self, request: Request) -> Sample:
        said = [message.text for message in request.messages]
        asked = {"task": request.task.id, "role": self.name, "n": request.ordinal, "said": said}
        answer = await asyncio.to_thread(self._ask, asked)
        await asyncio.sleep(random.random() * 0.03)
        return Sample(message=Message(role="assistant", content=answer))

    def _ask(self, asked: dict[str, Any]) -> str:
        request = urllib.request.Request(self.url, json.dumps(asked).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    async def close(self) -> None:
        pass


def main() -> None:
    """Start or resume."""
    store, url, what = sys.argv[1:4]
    agents = {name: Remote(name, url) for name in ("agent", "guest")}
    options: dict[str, Any] = {"store": store, "agents": agents}
    options["concurrency"] = int(sys.argv[4]) if len(sys.argv) > 4 else 4
    try:
        if what == "start":
            turnwise.run(Talk(), **options)
        else:
            turnwise.resume("last", environment=Talk(), **options)
    except turnwise.RunStopped as stopped:
        print(stopped, flush=True)
        sys.exit(stopped.exit_code)


if __name__ == "__main__":
    main()

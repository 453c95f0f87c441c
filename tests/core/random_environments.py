"""Environments made at random, to break durability with: roles, tools, gather, chance, the outside.

A script is a small program, drawn by hypothesis, that an environment interprets. Its models answer by a hash
of what they are shown after a random delay, and count what they are asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from typing import Any, ClassVar

import msgspec
from hypothesis import strategies as st

from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message, ToolCall
from turnwise.model import Request, Sample
from turnwise.role import Role
from turnwise.task import Task
from turnwise.tools.function import FunctionTool

ROLES = ("alice", "bob", "carol")
roles = st.sampled_from(ROLES)
leaf = st.one_of(
    st.tuples(st.just("ask"), roles),
    st.tuples(st.just("tell"), roles),
    st.tuples(st.just("pass_on"), roles, roles),
    st.tuples(st.just("tools"), roles),
    st.tuples(st.just("effect"), st.sampled_from(("search", "price"))),
    st.tuples(st.just("draw")),
    st.tuples(st.just("reward"), roles),
    st.tuples(st.just("think"), roles),
)


def _together(branches: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Branches at once, each over roles of its own: two branches do not speak for one role."""

    def split(steps: list[Any]) -> tuple[str, list[list[Any]]]:
        by_role: dict[str, list[Any]] = {}
        for step in steps:
            by_role.setdefault(step[1] if len(step) > 1 and step[1] in ROLES else "", []).append(step)
        return ("gather", list(by_role.values()))

    return st.lists(branches, min_size=2, max_size=6).map(split)


single = leaf.filter(lambda step: step[0] != "pass_on")
steps = st.lists(st.one_of(leaf, _together(single)), min_size=1, max_size=7)


class Outside:
    """What episodes ask of the world: counted, slow by chance, and different each time it is asked.

    Args:
        seed: Of the delays.
        told: How often each key was asked before.
    """

    def __init__(self, seed: int, told: Counter[str] | None = None) -> None:
        self.rng = random.Random(seed)
        self.asked: Counter[Any] = Counter(told)

    async def delay(self) -> None:
        for _ in range(self.rng.choice((0, 0, 1, 3, 30))):
            await asyncio.sleep(0)
        if self.rng.random() < 0.1:
            await asyncio.sleep(0.001)

    async def answer(self, key: str) -> int:
        number = self.asked[key]
        self.asked[key] += 1
        await self.delay()
        return int(hashlib.blake2b(f"{key}/{number}".encode(), digest_size=1).hexdigest(), 16)


class Speaker:
    """A model whose answer follows from what it is shown, and which sometimes calls tools."""

    remote = False

    def __init__(self, name: str, outside: Outside) -> None:
        self.name = name
        self.outside = outside

    async def sample(self, request: Request) -> Sample:
        self.outside.asked[self.name, request.ordinal] += 1
        await self.outside.delay()
        shown = "|".join(f"{m.role}:{m.text}" for m in request.messages)
        digest = hashlib.blake2b(f"{request.rng_seed}|{shown}".encode(), digest_size=4).hexdigest()
        if request.tools and int(digest, 16) % 3:
            calls = tuple(
                ToolCall(id=f"{request.ordinal}-{place}", name=tool.name, arguments=f'{{"by": {place + 1}}}')
                for place, tool in enumerate(request.tools)
            )
            return Sample(message=Message(role="assistant", content=digest, tool_calls=calls))
        return Sample(message=Message(role="assistant", content=digest))

    async def close(self) -> None:
        pass


class Scripted(Environment, frozen=True, kw_only=True):
    """Plays a random script."""

    roles: ClassVar[tuple[str, ...]] = ROLES
    script: list[Any]

    async def run(self, task: Task, episode: Episode) -> None:
        world = {"total": 0}
        await self._steps(self.script, episode, world)
        episode.metric("total", world["total"])
        episode.reward(world["total"])

    async def _steps(self, script: Any, episode: Episode, world: dict[str, int]) -> None:
        for step in script:
            await self._step(step, episode, world)

    async def _step(self, step: Any, episode: Episode, world: dict[str, int]) -> None:
        match list(step):
            case ["ask", role]:
                reply = await episode.roles[role].respond(f"total {world['total']}")
                world["total"] += int(reply.text[:2], 16)
            case ["tell", role]:
                episode.tell(role, f"so far {world['total']}")
            case ["pass_on", one, other]:
                reply = await episode.roles[one].respond("a word")
                await episode.roles[other].respond(reply)
            case ["tools", role]:
                await episode.roles[role].respond("use them", tools=_tools(world))
            case ["effect", key]:
                world["total"] += await episode.effect(key, lambda: OUTSIDE[-1].answer(key))
            case ["draw"]:
                world["total"] += episode.rng.randrange(100)
                episode.note(world["total"])
            case ["reward", role]:
                episode.reward(world["total"], len(episode.turns) - 1 if episode.turns else None, role=role)
            case ["think", role]:
                # A scaffold's own call, which never becomes a turn.
                call = await episode.roles[role].sample()
                world["total"] += len(call.message.text) if call.message else 0
            case ["gather", branches]:
                await asyncio.gather(*(self._steps(branch, episode, world) for branch in branches))


OUTSIDE: list[Outside] = []


def _tools(world: dict[str, int]) -> list[FunctionTool]:
    def add(by: int) -> str:
        world["total"] += by
        return str(world["total"])

    async def ask(by: int, role: Role) -> int:
        return by * await OUTSIDE[-1].answer(f"tool:{role.name}")

    return [FunctionTool(add), FunctionTool(ask, replay="record")]


def cast(outside: Outside) -> dict[str, Agent]:
    OUTSIDE[:] = [outside]
    return {role: Agent(Speaker(role, outside), max_tool_rounds=3) for role in ROLES}


def frozen(script: Any) -> list[Any]:
    """The script as its stored settings have it."""
    return msgspec.json.decode(msgspec.json.encode(script))

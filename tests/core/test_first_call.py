"""Environments that make one tool call of a message: what is shown, kept and replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import turnwise
from turnwise.agents.users import Plain, User
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message, ToolCall
from turnwise.model import Request, Sample
from turnwise.task import Task
from turnwise.tools.function import tool

BOTH = tuple(ToolCall(id=f"c{n}", name="add", arguments=f'{{"number": {n}}}') for n in (1, 2))


class Sums(Environment, kw_only=True, frozen=True):
    """Add numbers, a call at a time."""

    name = "sums"

    def tasks(self) -> list[Task]:
        return [Task(id="one")]

    async def run(self, task: Task, episode: Episode) -> None:
        total = 0

        @tool
        def add(number: int) -> int:
            """Add."""
            nonlocal total
            total += number
            return total

        await episode.agent.respond("Add 1 and 2.", tools=[add], calls="first")
        episode.reward(total)


class Eager:
    """Asks for two calls at once, as long as it was not told the sum; keeps what it was shown."""

    name = "eager"
    remote = False

    def __init__(self) -> None:
        self.shown: list[list[Message]] = []

    async def sample(self, request: Request) -> Sample:
        self.shown.append(list(request.messages))
        if len(self.shown) == 1:
            return Sample(message=Message(role="assistant", tool_calls=BOTH, provider={"x": 1}))
        if len(self.shown) == 2:
            return Sample(message=Message(role="assistant", tool_calls=BOTH[1:]))
        return Sample(message=Message(role="assistant", content="3"))

    async def close(self) -> None: ...


def play(agent: Any, place: Path) -> Any:
    run = turnwise.run(Sums(), agent, store=place)
    (log,) = run.logs()
    assert turnwise.replay(run.id, store=place, environment=Sums()).replayed == 1
    return run, log


def test_only_the_first_call_was_ever_said_but_the_sample_is_kept(tmp_path: Path) -> None:
    model = Eager()
    _, log = play(model, tmp_path / "t.db")
    assert log.score() == 3.0
    said = [turn for turn in log.turns if turn.role == "agent"]
    assert [turn.message.tool_calls for turn in said] == [BOTH[:1], BOTH[1:], ()]
    # Every call that the model is shown has its result, as providers ask for.
    _, asked, told = model.shown[1]
    assert (asked.tool_calls, asked.provider) == (BOTH[:1], None)
    assert (told.tool_call_id, told.text) == ("c1", "1")
    first, second, third = log.calls
    assert log.message_of(first).tool_calls == BOTH
    # What was shown after it is not what was sampled: the next call extends the view before.
    assert (second.parent, third.parent) == (None, 1)
    assert log.view(second) == (0, 1, 2)


def test_a_fork_after_it_goes_on(tmp_path: Path) -> None:
    run, _ = play(Eager(), tmp_path / "t.db")
    other = turnwise.fork(
        f"{run.id}/0",
        3,
        agents={"agent": lambda messages: "no more"},
        store=tmp_path / "t.db",
        environment=Sums(),
    )
    (log,) = other.logs()
    assert (log.score(), log.turns[-1].text) == (1.0, "no more")


def test_a_user_in_a_manner_does_the_same(tmp_path: Path) -> None:
    _, log = play(User(Eager(), Plain()), tmp_path / "t.db")
    assert (log.score(), [turn.text for turn in log.turns if turn.role == "tool"]) == (3.0, ["1", "3"])

"""Dual control: what only the customer can do, what neither can do alone, and who sees what."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.agent import Agent
from turnwise.environments.service.tau_bench import PhoneTask, TauPhone
from turnwise.environments.service.tau_bench.phone import Handset, Line, Phone
from turnwise.environments.service.tau_bench.phone_tasks import FAULTS, NUMBER, broken, tasks, works
from turnwise.environments.service.tau_bench.players import calling
from turnwise.episode import Episode
from turnwise.errors import ToolError
from turnwise.message import Message
from turnwise.models.scripted import ScriptedModel

AIRPLANE, *_ = tasks("service")
OVERDUE = tasks("service")[2]


class Listener(ScriptedModel):
    """Keeps what it was shown."""

    shown: tuple[Message, ...] = ()

    async def sample(self, request: Any) -> Any:
        self.shown = tuple(request.messages)
        return await super().sample(request)


def saying(*said: str | Message) -> Listener:
    """Somebody who says these things, the last one again and again."""

    def script(task: PhoneTask, rng: random.Random) -> Iterator[Any]:
        yield
        for one in chain(said, repeat(said[-1])):  # noqa: UP028
            yield one

    return Listener(script)


def play(task: PhoneTask, environment: TauPhone | None = None, **models: Any) -> Episode:
    environment = environment or TauPhone()
    own = environment.agents()
    models = {"user": ScriptedModel(own["user/scripted"]), **models}
    agents = {
        role: Agent(ScriptedModel(own[model]) if isinstance(model, str) else model)
        for role, model in models.items()
    }
    episode = Episode(environment, task, agents)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error.traceback
    return episode


def told(episode: Episode, role: str) -> list[str]:
    """What tools answered a role."""
    return [turn.text for turn in episode.turns if turn.role == "tool" and turn.to == (role,)]


# The card's cases --------------------------------------------------------------------------------------


def test_the_agent_cannot_end_airplane_mode() -> None:
    episode = play(AIRPLANE, agent=saying(calling("toggle_airplane_mode", {}, 1), "It should work now."))
    (answer,) = told(episode, "agent")
    assert answer.startswith("error: there is no tool 'toggle_airplane_mode'")
    assert episode.score() == 0.0


def test_the_customer_can_and_the_agent_hears_of_it_in_the_customers_words_alone() -> None:
    agent = saying("Please use toggle_airplane_mode.", "It should work now.")
    user = Listener(TauPhone().agents()["user/scripted"])
    episode = play(AIRPLANE, agent=agent, user=user)
    assert episode.score() == 1.0
    (seen,) = told(episode, "user")
    assert seen == "Airplane mode is now off."
    assert [message.role for message in agent.shown if seen in message.text] == ["user"]
    assert not any(message.role == "tool" for message in agent.shown)
    assert not any(message.tool_calls for message in agent.shown)
    assert any(message.role == "tool" for message in user.shown)


def test_it_takes_both_to_resume_a_line() -> None:
    number = {"number": NUMBER}
    episode = play(
        OVERDUE,
        agent=saying(
            calling("resume_line", number, 1),
            "Please use pay_bill.",
            calling("send_payment_request", number, 2),
            "Please use pay_bill.",
            calling("resume_line", number, 3),
            "It should work now.",
        ),
    )
    assert told(episode, "agent") == [
        "error: $42.50 are still to be paid",
        "A request for $42.50 was sent.",
        "The line is active again.",
    ]
    assert told(episode, "user") == [
        "error: there is no request for payment on the phone",
        "You paid $42.50.",
    ]
    assert episode.score() == 1.0


# The world ---------------------------------------------------------------------------------------------


def test_all_cases() -> None:
    """4 things of pictures, 3 of service, 6 of data, by one, two and three: 14, 7 and 41."""
    assert [len(tasks(family)) for family in ("service", "data", "pictures")] == [7, 41, 14]
    for environment in (TauPhone(), TauPhone(solo=True)):
        assert all(play(task, environment, agent="solver").score() == 1.0 for task in environment.tasks())  # pyright: ignore[reportArgumentType]


def test_what_the_agent_can_do_alone() -> None:
    done = [task.id for task in TauPhone().tasks() if play(task, agent="alone").score() == 1.0]  # pyright: ignore[reportArgumentType]
    assert done == [
        "data/line_not_roaming",
        "data/data_used_up",
        "data/line_not_roaming+data_used_up",
        "pictures/data_used_up_too",
    ]


def test_whoever_is_alone_has_all_tools() -> None:
    tools = calling("toggle_airplane_mode", {}, 1), "Done."
    assert play(AIRPLANE, TauPhone(solo=True), agent=saying(*tools)).score() == 1.0


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_breaks_and_each_fix_is_needed(name: str) -> None:
    fault = FAULTS[name]
    (task,) = [task for task in tasks(fault.family) if task.faults == (name,)]
    phone = broken(task)
    for fix in fault.fixes:
        assert not works(phone, fault.family)
        asyncio.run(phone.do(fix.name, **fix.arguments))
    assert works(phone, fault.family)


def test_speed() -> None:
    assert Phone().speed == "fast"
    assert Phone(handset=Handset(mode="2g")).speed == "slow"
    assert Phone(Line(used_gb=10.0)).speed == "none"
    assert Phone(Line(roaming=False)).speed == "fast", "at home, roaming does not matter"
    assert Phone(Line(roaming=False), Handset(abroad=True)).speed == "none"
    assert not Phone(handset=Handset(access_point="right after a restart")).sends_pictures


def test_limits() -> None:
    phone = Phone()
    for wrong in (0.0, -1.0, 5.5):
        with pytest.raises(ToolError):
            asyncio.run(phone.do("add_data", number=NUMBER, gigabytes=wrong))
    with pytest.raises(ToolError, match="no line"):
        asyncio.run(phone.do("get_line", number="911"))
    lasting = play(AIRPLANE, TauPhone(max_steps=12), agent=saying("Well?"), user=saying("Hm."))
    assert (lasting.detail, lasting.score()) == ("max_steps", 0.0)


VALUES = st.sampled_from([NUMBER, "2g", "5g", 1.0, 9e99, -1, None, True, "", [], {}])


@settings(max_examples=150, deadline=None)
@given(
    task=st.sampled_from(list(TauPhone().tasks())),
    calls=st.lists(
        st.tuples(
            st.sampled_from([tool.spec.name for tool in Phone().tools()]),
            st.dictionaries(
                st.sampled_from(["number", "mode", "gigabytes", "summary", "x"]), VALUES, max_size=3
            ),
        ),
        max_size=12,
    ),
)
def test_no_call_makes_a_tool_fail_and_the_state_follows_from_the_calls(task: Any, calls: Any) -> None:
    keys: list[str] = []
    for _ in range(2):
        phone = broken(task)
        for name, arguments in calls:
            before = phone.key()
            try:
                asyncio.run(phone.do(name, **arguments))
            except ToolError:
                assert phone.key() == before
        keys.append(phone.key())
    assert keys[0] == keys[1]


def test_replay_and_forks_keep_the_state(tmp_path: Path) -> None:
    store, environment = tmp_path / "t.db", TauPhone()
    run = turnwise.run(environment, "solver", store=store, ids=(OVERDUE.id,))
    assert turnwise.replay(run.id, store=store, environment=environment).replayed == 1
    before = run.episode(0)
    end = [note.value for note in before.notes if note.name == "final_state"]
    for turn in range(len(before.turns)):
        after = turnwise.fork(f"{run.id}/0", turn, store=store, environment=environment).episode(0)
        assert [note.value for note in after.notes if note.name == "final_state"] == end

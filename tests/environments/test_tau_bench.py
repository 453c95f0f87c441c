"""tau-bench: the conversation and its ends, grading, who sees what, replay and forks; the published data."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.agent import Agent
from turnwise.agents.users.marks import STOP, TRANSFER
from turnwise.agents.users.piecewise import NO_MORE, YES, first_person
from turnwise.agents.users.tau import GREETING
from turnwise.engine.report import reasons
from turnwise.environments.parts.reasons import REASONS
from turnwise.environments.service.tau_bench import TauAirline, TauRetail, TauTask, grading, load, sample
from turnwise.environments.service.tau_bench.conversation import TRANSFER as HANDING_OVER
from turnwise.environments.service.tau_bench.customer import customer
from turnwise.environments.service.tau_bench.environment import TauBench
from turnwise.environments.service.tau_bench.players import calling
from turnwise.environments.service.tau_bench.trajectories import Again, Logged, graded_again, read
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError
from turnwise.message import Message, ToolCall
from turnwise.metrics import pass_curve
from turnwise.models.scripted import ScriptedModel

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"))
TRAJECTORIES = DATA / "tau_bench" / "historical_trajectories" / "gpt-4o-airline.json"
CANCEL, MODIFY, RETURN, REFUSE = sample.tasks("retail")
HAND_OVER = calling(HANDING_OVER, {"summary": "?"}, 1)


def there(*names: str) -> pytest.MarkDecorator:
    missing = [name for name in names if not (DATA / name).is_file()]
    return pytest.mark.skipif(bool(missing), reason=f"needs {missing}: set TURNWISE_DATA")


def saying(*said: str | Message) -> ScriptedModel:
    """Somebody who says these things, the last one again and again."""

    def script(task: TauTask, rng: random.Random) -> Iterator[Any]:
        yield
        for one in chain(said, repeat(said[-1])):  # noqa: UP028
            yield one

    return ScriptedModel(script)


def play(environment: TauBench, task: TauTask, **models: Any) -> Episode:
    """The finished episode; the customer needs no model unless one is given."""
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


# How it goes, and how it ends --------------------------------------------------------------------------


def test_the_oracle_and_who_does_nothing() -> None:
    for environment in (TauRetail(), TauAirline(), TauRetail(version=1), TauAirline(version=1)):
        tasks = list(environment.tasks())
        assert [play(environment, task, agent="solver").score() for task in tasks] == [1.0] * 4
        done = [task.id for task in tasks if play(environment, task, agent="nothing").score() == 1.0]
        assert done == ["refuse"]


def test_what_was_not_said_is_not_done() -> None:
    (call,) = [calling(action.name, action.arguments, 0) for action in MODIFY.actions[1:]]
    silent = play(TauRetail(), MODIFY, agent=saying(call, "Done."))
    assert (silent.metrics["database"], silent.metrics["said"], silent.score()) == (1.0, 0.0, 0.0)
    spoken = play(TauRetail(), MODIFY, agent=saying(call, "It costs $19.00."))
    assert (spoken.metrics["database"], spoken.metrics["said"], spoken.score()) == (1.0, 1.0, 1.0)


def why(episode: Episode) -> list[str]:
    return [line for note in episode.notes if note.name == REASONS for line in note.value]


def test_why_a_case_is_not_done_is_told() -> None:
    assert why(play(TauRetail(), CANCEL, agent="nothing")) == [
        'tables/orders/#W1000003/cancel_reason: nothing, expected "ordered by mistake"',
        # Long values, from where they part.
        'tables/orders/#W1000003/payment_history: …d_id":"paypal_3333"}], expected …d_id":"paypal_3333"},'
        '{"transaction_type":"refund","amount":32.5,"payment_metho…',
        'tables/orders/#W1000003/status: "pending", expected "cancelled"',
    ]
    (call,) = [calling(action.name, action.arguments, 0) for action in MODIFY.actions[1:]]
    assert why(play(TauRetail(), MODIFY, agent=saying(call, "Done."))) == ["never said: '19.00'"]
    # What should have stayed as it was; and of what is right, nothing.
    (cancel,) = [calling(action.name, action.arguments, 0) for action in CANCEL.actions[-1:]]
    rash = play(TauRetail(), REFUSE, agent=saying(cancel, "Done."))
    assert 'tables/orders/#W1000003/status: "cancelled", expected "pending"' in why(rash)
    assert why(play(TauRetail(), CANCEL, agent="solver")) == []


def test_why_calls_and_assertions_are_not_met_is_told() -> None:
    changes: dict[str, Any] = {"basis": ("ACTION", "NL_ASSERTION"), "assertions": ("Is kind.", "Is brief.")}
    task = msgspec.structs.replace(REFUSE, actions=CANCEL.actions[-1:], **changes)
    said = '{"results": [{"number": 1, "met": true}, {"number": 2, "met": false, "reason": "It goes on."}]}'
    episode = play(TauRetail(), task, agent="nothing", judge=saying(said))
    name, given = task.actions[0].name, task.actions[0].arguments
    told = ", ".join(f"{key}={json.dumps(value)}" for key, value in given.items())
    assert why(episode) == [f"never called: {name}({told})", "judge: Is brief.: It goes on."]
    unread = play(TauRetail(), task, agent="solver", judge=saying('{"results": []}'))
    assert (why(unread), unread.score()) == ([], None)


def test_case_and_commas_do_not_matter() -> None:
    assert grading.unsaid(["That makes $1,234.50, Polyester."], ["1234.50", "polyester", "wool"]) == ["wool"]
    assert grading.unsaid(["1234"], ["1,234"]) == ["1,234"], (
        "only what is said loses its commas, as published"
    )
    assert grading.unsaid([], []) == []


def test_the_first_version_ends_after_30_steps_and_scores_0() -> None:
    look = calling("get_order_details", {"order_id": "#W1000001"}, 1)
    episode = play(TauRetail(version=1), REFUSE, agent=saying(look))
    assert (episode.detail, episode.score()) == ("max_steps", 0.0)
    assert sum(turn.role == "tool" for turn in episode.turns) == 30
    short = play(TauRetail(version=1, max_steps=3), REFUSE, agent=saying(look))
    assert sum(turn.role == "tool" for turn in short.turns) == 3


def test_handing_over_ends_the_first_version_and_not_the_second() -> None:
    first = play(TauRetail(version=1), REFUSE, agent=saying(HAND_OVER))
    assert (first.detail, first.score()) == ("transfer", 1.0)
    second = play(TauRetail(), REFUSE, agent=saying(HAND_OVER, "You are being transferred to a human agent."))
    assert (second.detail, second.score()) == ("user_stop", 1.0)
    assert second.turns[-1].text == TRANSFER


def test_the_second_version_ends_after_ten_errors_or_too_many_messages() -> None:
    wrong = calling("get_order_details", {"order_id": "?"}, 1)
    episode = play(TauRetail(), REFUSE, agent=saying(wrong))
    assert (episode.detail, episode.score()) == ("too_many_errors", 0.0)
    assert sum(turn.role == "tool" for turn in episode.turns) == 10
    talk = play(TauRetail(max_steps=8), REFUSE, agent=saying("Hm?"), user=saying("Well."))
    assert (talk.detail, talk.score()) == ("max_steps", 0.0)
    assert sum(turn.role in ("agent", "user") for turn in talk.turns) == 1 + 8


def test_who_speaks_first() -> None:
    first, second = (play(TauRetail(version=version), CANCEL, agent="nothing") for version in (1, 2))
    told = [turn for turn in first.turns if turn.message.role != "system"]
    assert (told[0].text, told[0].to, told[1].role) == (GREETING, ("user",), "user")
    told = [turn for turn in second.turns if turn.message.role != "system"]
    assert (told[0].text, told[0].role, told[1].role) == (GREETING, "agent", "user")


def test_the_published_first_version_makes_one_call_of_a_message() -> None:
    both = Message(
        role="assistant",
        tool_calls=tuple(
            ToolCall(id=action.name, name=action.name, arguments=json.dumps(action.arguments))
            for action in CANCEL.actions
        ),
    )
    for version, variant, made in ((1, "published", 1), (1, "corrected", 2), (2, "published", 2)):
        environment = TauRetail(version=version, variant=variant)  # pyright: ignore[reportArgumentType]
        episode = play(environment, CANCEL, agent=saying(both, "Done."))
        told = [turn.text for turn in episode.turns if turn.role == "tool"]
        assert len(told) == made
        assert episode.score() == made - 1
    steps = play(TauRetail(version=1, variant="published", max_steps=3), CANCEL, agent=saying(both))
    assert sum(turn.role == "tool" for turn in steps.turns) == 3


def test_arguments_in_a_wrong_form_are_told_and_change_nothing() -> None:
    calls = [
        Message(role="assistant", tool_calls=(ToolCall(id=f"{number}", name=name, arguments=text),))
        for number, (name, text) in enumerate(
            [
                ("cancel_pending_order", "{"),
                ("cancel_pending_order", '["#W1000003"]'),
                ("cancel_pending_order", '{"order_id": "#W1000003"}'),
                ("cancel_order", "{}"),
            ]
        )
    ]
    episode = play(TauRetail(), REFUSE, agent=saying(*calls, "Sorry."))
    told = [turn.text for turn in episode.turns if turn.role == "tool"]
    assert len(told) == 4
    assert all(text.startswith("error: ") for text in told)
    assert episode.score() == 1.0


# Users -------------------------------------------------------------------------------------------------


def talk(task: TauTask, heard: Sequence[str]) -> list[str]:
    script = customer(task, random.Random(0))
    next(script)
    return [str(script.send(Message(role="user", content=text))) for text in (GREETING, *heard)]


def test_the_customer_without_a_model() -> None:
    assert talk(CANCEL, ["Do you confirm (yes/no)?", "Why?", "Why?", "Done."]) == [
        "I am Ben Castle, zip 60601.",
        YES,
        "Please cancel order #W1000003, which I placed by mistake.",
        NO_MORE,
        STOP,
    ]
    assert talk(CANCEL, ["You are being transferred to a human agent."])[-1] == TRANSFER
    assert talk(CANCEL, ["Why?"] * 6)[-1] == STOP, "patience ends"


def test_the_first_person() -> None:
    told = first_person("You're Eve. You want it sent to you; your card, you'd say, is yours.")
    assert told == "I am Eve. I want it sent to me; my card, I would say, is mine."


def test_what_a_customer_thinks_is_not_said() -> None:
    thinks = saying("Thought:\nSECRET\n\nUser Response:\nHello", STOP)
    episode = play(TauRetail(user="react"), REFUSE, agent="nothing", user=thinks)
    said = [turn.text for turn in episode.turns if turn.role == "user"]
    assert said == ["Hello", STOP]
    assert episode.score() == 1.0


def test_a_customer_whose_drafts_are_watched_over() -> None:
    def script(messages: Sequence[Message]) -> str:
        asked = messages[-1].text
        if "Classification:" in asked:
            return "false" if "# Response:\ndraft 1" in asked else "true"
        drafts.append(asked)
        return STOP if len(drafts) > 2 else f"draft {len(drafts)}"

    drafts: list[str] = []
    episode = play(TauRetail(user="verify"), REFUSE, agent="nothing", user=ScriptedModel(script))
    assert [turn.text for turn in episode.turns if turn.role == "user"] == ["draft 2", STOP]


class Listener(ScriptedModel):
    """Keeps what it was shown."""

    def __init__(self, script: Callable[..., Any]) -> None:
        super().__init__(script)
        self.shown: set[str] = set()

    async def sample(self, request: Any) -> Any:
        self.shown |= {message.text for message in request.messages}
        self.shown |= {call.arguments for message in request.messages for call in message.tool_calls}
        return await super().sample(request)


@settings(max_examples=40, deadline=None)
@given(
    domain=st.sampled_from([TauRetail, TauAirline]),
    version=st.sampled_from([1, 2]),
    user=st.sampled_from(["llm", "react", "verify"]),
    agent=st.sampled_from(["solver", "nothing", "random"]),
    place=st.integers(0, 3),
)
def test_nobody_sees_what_is_private_to_another(
    domain: type[TauBench], version: Any, user: Any, agent: str, place: int
) -> None:
    environment = domain(version=version, user=user)
    task: TauTask = list(environment.tasks())[place]  # pyright: ignore[reportAssignmentType]
    own = environment.agents()
    agent_side, user_side = Listener(own[agent]), Listener(own["user/scripted"])
    episode = play(environment, task, agent=agent_side, user=user_side)
    tools = {turn.text for turn in episode.turns if turn.role == "tool" and turn.text}
    assert not any(task.instruction in text for text in agent_side.shown)
    assert any(task.instruction in text for text in user_side.shown)
    assert not any(text in user_side.shown for text in tools)
    assert environment.policy() in agent_side.shown
    assert environment.policy() not in user_side.shown


# Replay and forks --------------------------------------------------------------------------------------


def end_of(log: Any) -> list[Any]:
    return [note.value for note in log.notes if note.name == "final_state"]


@pytest.mark.parametrize("environment", [TauRetail(), TauAirline(version=1)])
def test_replay_and_forks_keep_the_state(environment: TauBench, tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    run = turnwise.run(environment, "solver", store=store)
    assert turnwise.replay(run.id, store=store, environment=environment).replayed == 4
    before = run.episode(1)
    for turn in range(0, len(before.turns), 2):
        after = turnwise.fork(f"{run.id}/1", turn, store=store, environment=environment).episode(0)
        assert end_of(after) == end_of(before), f"forked at {turn}"
        assert [note.value for note in after.notes if note.name == "changes"] == [
            note.value for note in before.notes if note.name == "changes"
        ]


# Other parts of a reward -------------------------------------------------------------------------------


def with_basis(task: TauTask, *basis: Any, **fields: Any) -> TauTask:
    return msgspec.structs.replace(task, basis=basis, **fields)


def test_calls_can_be_asked_for() -> None:
    asked = with_basis(CANCEL, "ACTION")
    assert play(TauRetail(), asked, agent="solver").score() == 1.0
    assert play(TauRetail(), asked, agent="nothing").score() == 0.0
    first, second = CANCEL.actions
    other = calling(second.name, {**second.arguments, "reason": "no longer needed"}, 2)
    calls = saying(calling(first.name, first.arguments, 1), other, "Done.")
    assert play(TauRetail(), asked, agent=calls).score() == 0.0
    lenient = msgspec.structs.replace(second, compare=("order_id",))
    calls = saying(calling(first.name, first.arguments, 1), other, "Done.")
    asked = with_basis(CANCEL, "ACTION", actions=(first, lenient))
    assert play(TauRetail(), asked, agent=calls).score() == 1.0


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ('{"results": [{"number": 1, "reason": "", "met": true}, {"number": 2, "met": true}]}', 1.0),
        ('So: {"results": [{"number": 1, "met": true}, {"number": 2, "met": false}]}', 0.0),
        ('{"results": [{"number": 1, "met": true}]}', None),
        ("true", None),
        ('{"results": ' + "[" * 5000, None),
    ],
)
def test_what_a_judge_says(answer: str, score: float | None) -> None:
    asked = with_basis(REFUSE, "DB", "NL_ASSERTION", assertions=("It refuses.", "It is polite."))
    assert play(TauRetail(), asked, agent="nothing").score() == 1.0, "without a judge it is left out"
    judge = saying(answer)
    episode = play(TauRetail(), asked, agent="nothing", judge=judge)
    assert episode.score() == score
    undone = with_basis(CANCEL, "DB", "NL_ASSERTION", assertions=("?", "?"))
    wrong = play(TauRetail(), undone, agent="nothing", judge=judge)
    assert wrong.score() == 0.0, "what is wrong already needs no judge"


# Published rows ----------------------------------------------------------------------------------------

FIRST = """
TASKS_TEST = [
    Task(
        annotator="0",
        user_id="eve",
        instruction="You are Eve. You want a refund. Be brief; be kind.",
        actions=[Action(name="think", kwargs={"thought": "a" "b"})],
        outputs=["12"],
    )
]
"""
SECOND = {
    "id": "7",
    "user_scenario": {
        "persona": None,
        "instructions": {
            "domain": "retail",
            "reason_for_call": "You want a refund.",
            "known_info": "You are Eve.",
            "unknown_info": None,
            "task_instructions": "Be brief.",
        },
    },
    "initial_state": None,
    "evaluation_criteria": {
        "actions": [{"action_id": "7_0", "name": "calculate", "arguments": {"expression": "1"}}],
        "communicate_info": ["1"],
        "nl_assertions": None,
        "reward_basis": ["DB", "NL_ASSERTION"],
    },
}


def publish(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_rows_of_both_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    publish(tmp_path, "tau_bench/retail/tasks_test.py", "import os\n" + FIRST)
    publish(tmp_path, "tau_bench/retail/wiki.md", "Be good.")
    publish(tmp_path, "tau2/retail/tasks.json", json.dumps([SECOND, {**SECOND, "id": "8"}]))
    publish(tmp_path, "tau2/retail/split_tasks.json", json.dumps({"base": ["7", "8"], "test": ["8"]}))
    (first,) = load.tasks("retail", 1, "test")
    assert first.actions[0].arguments == {"thought": "ab"}
    assert first.says == ("You are Eve. You want a refund.", "Be brief; be kind.")
    assert load.policy("retail", 1) == "Be good."
    seven, eight = load.tasks("retail", 2, "base")
    assert (seven.id, eight.id, load.tasks("retail", 2, "test")) == ("7", "8", (eight,))
    assert seven.says == ("You want a refund.", "You are Eve.", "Be brief.")
    assert (seven.basis, seven.assertions) == (("DB", "NL_ASSERTION"), ())
    with pytest.raises(ConfigError, match="no split 'dev'"):
        load.tasks("retail", 2, "dev")
    with pytest.raises(ConfigError, match=r"tasks_train\.py"):
        load.tasks("retail", 1, "train")
    for name in ("users", "flights", "reservations"):
        publish(tmp_path, f"tau_bench/airline/{name}.json", '{"eve": {"dob": "1990-01-01"}}')
    assert load.base("airline", 1).tables["users"] == {"eve": {"dob": "1990-01-01"}}
    assert load.base("airline", 2).tables["users"] == {"eve": {"dob": "1990-01-01", "user_id": "eve"}}
    assert load.base("airline", 2) is load.base("airline", 2), "one for a process"
    with pytest.raises(ConfigError, match=r"db\.json"):
        load.base("retail", 2)
    publish(tmp_path, "tau_bench/retail/tasks_dev.py", "TASKS = [open('x')]")
    with pytest.raises(TaskError, match=r"tasks_dev\.py|instruction"):
        load.tasks("retail", 1, "dev")
    with pytest.raises(TaskError, match="initial state"):
        load.second_version({**SECOND, "initial_state": {"message_history": []}})


def test_a_trajectory_is_graded_again(tmp_path: Path) -> None:
    first, second = MODIFY.actions
    functions = [
        {"function": {"name": one.name, "arguments": json.dumps(one.arguments)}} for one in (first, second)
    ]
    traj = [
        {"role": "system", "content": "19.00"},
        {"role": "assistant", "content": None, "tool_calls": functions[:1]},
        {"role": "assistant", "content": "19.00", "tool_calls": functions[1:]},
        {"role": "assistant", "content": "That is $19.00 more."},
    ]
    path = tmp_path / "runs.json"
    path.write_text(json.dumps([{"task_id": 1, "reward": 1.0, "traj": traj}]))
    (run,) = read(path)
    environment = TauRetail(version=1)
    assert asyncio.run(graded_again(environment, MODIFY, run.traj)).reward == 1.0
    # Words that come with a call are not said to the customer.
    assert not asyncio.run(graded_again(environment, MODIFY, run.traj[:-1])).said
    assert not asyncio.run(graded_again(environment, MODIFY, run.traj[3:])).database
    with pytest.raises(TaskError, match="expected a list of runs"):
        read(tmp_path / "none.json")


# The published data ------------------------------------------------------------------------------------


def full_marks(environment: TauBench, agent: str, store: Path) -> int:
    run = turnwise.run(environment, agent, store=store)
    assert run.summary()["failed"] == 0
    return sum(log.score() == 1.0 for log in run.logs())


@pytest.mark.parametrize("variant", ["published", "corrected"])
@pytest.mark.parametrize(
    ("kind", "split", "count", "idle"),
    [
        pytest.param(TauRetail, split, count, idle, marks=there(f"tau_bench/retail/tasks_{split}.py"))
        for split, count, idle in (("test", 115, 7), ("dev", 20, 1), ("train", 500, 5))
    ]
    + [pytest.param(TauAirline, "test", 50, 19, marks=there("tau_bench/airline/tasks_test.py"))],
)
def test_the_first_version_counts_as_published(
    kind: type[TauBench], split: Any, count: int, idle: int, variant: Any, tmp_path: Path
) -> None:
    """The oracle is right in every task; who does nothing, in as many as with the official code."""
    environment = kind(version=1, split=split, variant=variant)
    assert len(list(environment.tasks())) == count
    assert full_marks(environment, "solver", tmp_path / "t.db") == count
    assert full_marks(environment, "nothing", tmp_path / "t.db") == idle


@pytest.mark.parametrize(
    ("kind", "split", "count"),
    [
        pytest.param(kind, split, count, marks=there(f"tau2/{kind.domain}/tasks.json"))
        for kind, counts in ((TauRetail, (114, 74, 40)), (TauAirline, (50, 30, 20)))
        for split, count in zip(("base", "train", "test"), counts, strict=True)
    ],
)
def test_the_second_version_counts_as_published(
    kind: type[TauBench], split: Any, count: int, tmp_path: Path
) -> None:
    environment = kind(split=split, variant="published")
    assert full_marks(environment, "solver", tmp_path / "t.db") == len(list(environment.tasks())) == count


WRITES = re.compile("book_|cancel_|exchange_|modify_|return_|send_certificate|update_")


@pytest.mark.parametrize("variant", ["published", "corrected"])
@pytest.mark.parametrize(
    ("kind", "count", "refused"),
    [
        # Task 105's gift card holds $17.00, and its exchange costs 101.12 + 109.58 - 2 * 94.80 = $21.10.
        pytest.param(TauRetail, 11, {"105"}, marks=there("tau2/retail/tasks.json")),
        pytest.param(TauAirline, 23, set[str](), marks=there("tau2/airline/tasks.json")),
    ],
)
def test_who_does_nothing_in_the_second_version_is_right_where_nothing_is_to_be_written(
    kind: type[TauBench], count: int, refused: set[str], variant: Any, tmp_path: Path
) -> None:
    rows = json.loads((DATA / "tau2" / kind.domain / "tasks.json").read_text())
    expected = set(refused)
    for row in rows:
        asked = row["evaluation_criteria"]
        said = "COMMUNICATE" in asked["reward_basis"] and asked.get("communicate_info")
        if not said and not any(WRITES.match(action["name"]) for action in asked["actions"] or ()):
            expected.add(row["id"])
    run = turnwise.run(kind(split="base", variant=variant), "nothing", store=tmp_path / "t.db")
    logs = list(run.logs())
    assert {log.task["id"] for log in logs if log.score() == 1.0} == expected
    assert len(expected) == count
    # All others are told what they lack.
    assert all(bool(reasons(log)) is (log.score() != 1.0) for log in logs)


def handed_over(run: Logged) -> bool:
    calls = [call for message in run.traj for call in message.get("tool_calls") or ()]
    return any(call["function"]["name"] == HANDING_OVER for call in calls)


@there("tau_bench/historical_trajectories/gpt-4o-airline.json", "tau_bench/airline/tasks_test.py")
def test_official_trajectories_grade_as_the_official_code_grades_them() -> None:
    """The official tools, over the same calls, agree with the logged reward in the same 199 of 200 runs."""
    environment = TauAirline(version=1, split="test", variant="published")
    tasks = load.tasks("airline", 1, "test")

    async def all_again() -> list[tuple[Logged, Again]]:
        return [
            (run, await graded_again(environment, tasks[run.task_id], run.traj)) for run in read(TRAJECTORIES)
        ]

    graded = asyncio.run(all_again())
    assert len(graded) == 200
    logged = [run.reward for run, _ in graded]
    curve = pass_curve(logged, [run.task_id for run, _ in graded], kind="hat")
    assert [round(point.mean, 3) for point in curve] == [0.42, 0.273, 0.22, 0.2]
    others = [(run.task_id, run.trial) for run, again in graded if again.reward != run.reward]
    assert others == [(46, 3)]

    # Graded a second time, as the card's 188 were, what was handed over counts as right: the first grading,
    # within the hand-over, has left the reference's database behind. What never ended was not graded.
    def twice(run: Logged, again: Again) -> bool:
        return run.info["reward_info"] is not None and again.said and (handed_over(run) or again.database)

    others = [run for run, again in graded if twice(run, again) != run.reward]
    assert len(graded) - len(others) == 188
    assert {run.reward for run in others} == {0.0}

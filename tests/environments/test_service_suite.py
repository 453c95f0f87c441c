"""A service of one's own: what is graded, and why it is wrong; a back end of its own; mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.environments.service.lantern import Lantern
from turnwise.environments.service.suite import Case, Service, ToolUse, grading
from turnwise.errors import ConfigError, TaskError
from turnwise.log import EpisodeLog
from turnwise.message import Message
from turnwise.task import load_tasks
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool
from turnwise.tools.tables import Base, Tables

CANCEL = ToolUse(tool="cancel_order", arguments={"number": "L-1001"})
GOAL = "Your e-mail address is mira@holt.example. You want to cancel L-1001."


def play(task: Case, agent: Any, made: Service | None = None, **others: Any) -> EpisodeLog:
    run = turnwise.run(made or Lantern(), agent, agents=others, tasks=[task], store=":memory:")
    return run.episode(0)


def reasons(log: EpisodeLog) -> list[str]:
    return [line for note in log.notes if note.name == "reasons" for line in note.value]


def case(**fields: Any) -> Case:
    return Case(**{"id": "one", "goal": GOAL, **fields})


# Grading ------------------------------------------------------------------------------------------------


def test_the_state_must_be_the_one_that_the_calls_lead_to() -> None:
    assert play(case(calls=(CANCEL,)), "solver").score() == 1.0
    idle = play(case(calls=(CANCEL,)), "nothing")
    assert idle.score() == 0.0
    assert reasons(idle) == ['orders/L-1001/status: "open", expected "cancelled"']
    assert idle.metrics == {"state": 0.0}


def test_without_calls_nothing_may_have_changed() -> None:
    class Rash(Lantern, kw_only=True, frozen=True):
        def agents(self) -> dict[str, Any]:
            def rash(task: Any, rng: Any) -> Any:
                yield from super_solver(case(calls=(CANCEL,)), rng)

            super_solver = Lantern().agents()["solver"]
            return {**super().agents(), "rash": rash}

    assert play(case(), "nothing").score() == 1.0
    log = play(case(), "rash", Rash())
    assert reasons(log) == ['orders/L-1001/status: "cancelled", expected "open"']


def test_what_must_be_in_the_state_whatever_else_is() -> None:
    wanted = {"orders": {"L-1001": {"status": "cancelled"}}}
    assert play(case(calls=(CANCEL,), state=wanted), "solver").score() == 1.0
    log = play(case(state={**wanted, "till": 3}), "nothing")
    assert reasons(log) == [
        'orders/L-1001/status: "open", expected "cancelled"',
        "till: nothing, expected 3",
    ]


def test_what_must_be_said_and_what_must_not() -> None:
    said = ["Your   REFUND is 1,018.50."] * 4
    assert play(case(said=("refund", "1018.5")), said).metrics["said"] == 1.0
    log = play(case(said=("goodbye",), unsaid=("refund",)), said)
    assert reasons(log) == ["never said: 'goodbye'", "said: 'refund'"]
    assert log.score() == 0.0


def test_words_that_go_with_a_call_of_a_tool_are_not_said_to_the_user() -> None:
    def script(messages: Sequence[Message]) -> Any:
        if messages[-1].role == "tool":
            return "Good."
        from turnwise.environments.parts.calls import calling

        return Message(
            role="assistant",
            content="psst",
            tool_calls=calling("find_orders", {"email": "x"}, len(messages)).tool_calls,
        )

    assert play(case(unsaid=("psst",)), script).score() == 1.0


def test_a_judge_counts_where_one_takes_part() -> None:
    task = case(calls=(CANCEL,), rubric=("Is kind", "Is short"))
    alone = play(task, "solver")
    assert alone.score() == 1.0
    assert "rubric" not in alone.metrics

    asked: list[str] = []

    def judge(messages: Sequence[Message]) -> str:
        asked.append(messages[-1].text)
        return (
            '[{"id": "rubric_0", "reason": "it is", "met": true},'
            ' {"id": "rubric_1", "reason": "it goes on", "met": false}]'
        )

    log = play(task, "solver", judge=judge)
    assert log.score() == 0.5
    assert log.metrics == {"state": 1.0, "rubric": 0.5}
    assert reasons(log) == ["judge: Is short: it goes on"]
    assert "calls cancel_order" in asked[0]
    assert "You serve the customers" not in asked[0]
    unread = play(task, "solver", judge=lambda messages: "hm")
    assert unread.score() is None
    assert reasons(unread)[0].startswith("the judge gave no verdict")
    failed = play(task, "nothing", judge=lambda messages: "hm")
    assert failed.score() == 0.0, "what the judge thinks of it would change nothing"


def test_a_user_who_is_never_content() -> None:
    log = play(case(), ["Why?"] * 9, Lantern(limit=2), user=["Because."] * 9)
    assert (log.score(), log.detail) == (0.0, "limit")
    assert reasons(log) == ["the user was not content after 2 replies"]
    assert [turn.role for turn in log.turns][3:] == ["user", "agent", "user", "agent", "user"]


def test_the_user_without_a_model_speaks_of_the_goal_or_says_what_is_given() -> None:
    spoken = [turn.text for turn in play(case(), "nothing").turns if turn.role == "user"]
    assert spoken == ["My e-mail address is mira@holt.example.", "I want to cancel L-1001.", "###STOP###"]
    spoken = [turn.text for turn in play(case(says=("Hm.",)), "nothing").turns if turn.role == "user"]
    assert spoken == ["Hm.", "###STOP###"]


def test_who_is_told_what() -> None:
    log = play(case(user="hurried"), "nothing")
    told = {turn.role: turn for turn in log.turns[:1]}
    assert told["environment"].to == ("agent",)
    brief = log.turns[1]
    assert brief.to == ("user",)
    assert "writes in fragments" in brief.text
    assert "writes in fragments" not in "".join(turn.text for turn in log.turns if "agent" in turn.to)
    other = play(case(user="hurried"), "nothing", Lantern(profile="plain"))
    assert "polite" in other.turns[1].text


# A back end of its own ----------------------------------------------------------------------------------


class Own(Service, kw_only=True, frozen=True):
    """Asks another one's back end what was done."""

    folder: ClassVar[Path] = Path("nowhere")

    async def state(self, task: Any, episode: Any, desk: Any) -> Any:
        async def ask() -> dict[str, Any]:
            ASKED.append(task.id)
            return {"orders": {"7": "gone"}}

        return await episode.effect("state", ask)


ASKED: list[str] = []


def test_a_back_end_is_asked_once_and_never_in_a_replay(tmp_path: Path) -> None:
    task = case(state={"orders": {"7": "gone"}})
    run = turnwise.run(Own(), "nothing", tasks=[task], store=tmp_path / "t.db")
    assert run.score.mean == 1.0
    replayed = turnwise.replay(run.id, store=tmp_path / "t.db", environment=Own())
    assert (replayed.replayed, ASKED) == (1, ["one"])
    assert play(case(said=("sorry",)), "nothing", Own()).metrics == {"said": 1.0}


class Stock(Desk):
    """Tables, a list, a number; a tool of the user's own."""

    tables: Tables
    log: list[str]

    def __init__(self) -> None:
        self.tables = Tables(Base({"bikes": {"b1": {"gears": 3, "sold": False}, "b2": {"gears": 7}}}))
        self.log = []

    @tool
    def sell(self, bike: str) -> str:
        """Sell one."""
        self.tables["bikes"].edit(bike)["sold"] = True
        self.log.append(bike)
        return "sold"

    @tool(callers="user")
    def look(self) -> str:
        """Look at the bell."""
        return "no bell"


class Bikes(Service, kw_only=True, frozen=True):
    """Over tables."""

    folder: ClassVar[Path] = Path("nowhere")
    desk_type: ClassVar[type[Desk] | None] = Stock


def test_tables_are_graded_whole_and_by_what_changed() -> None:
    sell = ToolUse(tool="sell", arguments={"bike": "b1"})
    gears = {"tables": {"bikes": {"b2": {"gears": 7}, "b1": {"sold": True}}}, "log": ["b1"]}
    assert play(case(calls=(sell,), state=gears), "solver", Bikes()).score() == 1.0
    log = play(case(calls=(sell,)), "nothing", Bikes())
    assert log.score() == 0.0
    assert any("b1" in line for line in reasons(log))


def test_each_side_has_its_own_tools() -> None:
    offered: dict[str, list[str]] = {}

    class Seen:
        name, remote = "seen", False

        def __init__(self, role: str) -> None:
            self.role = role

        async def sample(self, request: Any) -> Any:
            from turnwise.model import Sample

            offered[self.role] = [spec.name for spec in request.tools]
            return Sample(
                message=Message(role="assistant", content="###STOP###" if len(offered) > 1 else "?")
            )

        async def close(self) -> None: ...

    play(case(), Seen("agent"), Bikes(), user=Seen("user"))
    assert offered == {"user": ["look"], "agent": ["sell"]}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("ab"),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
_STATE = st.dictionaries(st.sampled_from("abc"), _JSON, max_size=3)


@settings(deadline=None)
@given(_STATE, _STATE)
def test_a_state_lacks_nothing_of_itself_nor_of_a_part(state: dict[str, Any], other: dict[str, Any]) -> None:
    assert grading.lacking(state, state) == []
    assert grading.lacking({}, state) == []
    missing = grading.lacking(other, state)
    assert bool(missing) == (not _inside(other, state))


def _inside(part: Any, whole: Any) -> bool:
    """A slow and plain reading of the same rule."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and _inside(v, whole[k]) for k, v in part.items())
    return type(part) is type(whole) and part == whole


# Mistakes -----------------------------------------------------------------------------------------------


def written(folder: Path, tasks: str, users: str = "") -> Service:
    (folder / "tasks.toml").write_text(tasks)
    if users:
        (folder / "users.toml").write_text(users)

    class Here(Service, kw_only=True, frozen=True):
        pass

    Here.folder = folder
    return Here()


ROW = '[[task]]\nid = "a"\ngoal = "You want it."\n'


@pytest.mark.parametrize(
    ("tasks", "users", "words"),
    [
        (
            ROW + 'user = "hurrid"\n',
            "[hurried]\n",
            "task 'a': there is no user 'hurrid' (did you mean 'hurried'",
        ),
        (ROW + 'user = "x"\n', "", "users.toml has none"),
        (ROW + "sad = ['x']\n", "", "task 1 (a): unknown field 'sad' (did you mean 'said'"),
        (ROW + "said = 'x'\n", "", "task 1 (a): field 'said': expected `array`, got `str`"),
        (ROW + ROW, "", "task 2 (a): field 'id': 'a' stands in"),
        ("[[task]]\nid = 'b'\n", "", "object missing required field `goal`"),
        ("[[tasks]]\nid = 'b'\n", "", "expected tables [[task]] and nothing else, got 'tasks'"),
        ("task = 1\n", "", "expected tables [[task]]"),
        ("[[task]\n", "", "not TOML"),
        (ROW, "[ann]\nmood = 'bad'\n", "[ann]: unknown key 'mood'"),
        (ROW, "[ann]\npersona = 'hurrid'\n", "[ann]: unknown persona 'hurrid' (did you mean 'hurried'"),
        (ROW, "[ann]\nturns = 'x'\n", "[ann]: Expected"),
        (ROW, "ann = 3\n", "[ann]: expected a table"),
        (ROW, "[ann\n", "cannot be read as TOML"),
    ],
)
def test_a_slip_in_the_folder_is_one_line_with_its_place(
    tmp_path: Path, tasks: str, users: str, words: str
) -> None:
    with pytest.raises((ConfigError, TaskError)) as caught:
        turnwise.run(written(tmp_path, tasks, users), "nothing", store=":memory:")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_tasks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the task file"):
        load_tasks(tmp_path / "tasks.toml", Case)
    with pytest.raises(ConfigError, match="no user 'ann'"):
        Lantern(profile="ann").profiles  # noqa: B018


def test_a_reference_call_that_is_refused_is_the_task_s_own_fault() -> None:
    shipped = ToolUse(tool="cancel_order", arguments={"number": "L-1002"})
    log = play(case(calls=(shipped,)), "nothing")
    assert log.error is not None
    assert "task 'one': the call cancel_order cannot be made: L-1002 is shipped" in log.error.message

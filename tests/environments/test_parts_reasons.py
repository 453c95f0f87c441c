"""Why an episode did not go well: the lines that reports and the viewer show, and where they come from."""

from __future__ import annotations

from typing import Any

import pytest

import turnwise
from turnwise.agent import Agent
from turnwise.engine.report import reasons, report
from turnwise.environments.parts import reasons as why
from turnwise.environments.service.bfcl.grading import Check, faults
from turnwise.environments.service.crmarena_pro.grading import faults as crm_faults
from turnwise.environments.service.crmarena_pro.questions.tasks import tasks as crm_tasks
from turnwise.log import EpisodeLog
from turnwise.models.scripted import ScriptedModel
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool
from turnwise.tools.tables import Base, Tables
from turnwise.verdict import Criterion, Finding, Verdict


class Till(Desk):
    """Something to differ in."""

    tables: Tables
    cash: int = 0
    open: bool = True

    def __init__(self, base: Base) -> None:
        self.tables = Tables(base)

    @tool
    def note(self, name: str, text: str) -> None:
        """Write on an order."""
        self.tables["orders"].edit(name)["note"] = text

    @tool
    def drop(self, name: str) -> None:
        """Forget an order."""
        del self.tables["orders"][name]

    @tool
    def add(self, name: str, items: list[str]) -> None:
        """Take an order."""
        self.tables["orders"][name] = {"items": items}


BASE = Base({"orders": {"A": {"items": ["tea"], "note": ""}, "B": {"items": ["jam"], "note": ""}}})


def test_where_two_desks_differ_is_told_field_by_field() -> None:
    found, wanted = Till(BASE), Till(BASE)
    assert why.state(found, wanted) == []
    found.note("A", "quick")
    found.drop("B")
    wanted.add("C", ["tea"])
    wanted.cash = 3
    assert why.state(found, wanted) == [
        'tables/orders/A/note: "quick", expected ""',
        'tables/orders/B: nothing, expected {"items":["jam"],"note":""}',
        'tables/orders/C: nothing, expected {"items":["tea"]}',
        "cash: 0, expected 3",
    ]
    # Changed and changed back is as it was; changed alike is alike.
    found.note("A", "")
    found.add("C", ["tea"])
    found.cash = 3
    assert why.state(found, wanted) == ['tables/orders/B: nothing, expected {"items":["jam"],"note":""}']


def test_long_values_are_told_from_where_they_part_and_many_are_counted() -> None:
    found, wanted = Till(BASE), Till(BASE)
    found.add("C", [f"thing {number}" for number in range(40)])
    wanted.add("C", [*(f"thing {number}" for number in range(39)), "another"])
    (line,) = why.state(found, wanted)
    assert (
        line
        == 'tables/orders/C/items: …ing 37","thing 38","thing 39"], expected …ing 37","thing 38","another"]'
    )
    for number in range(7):
        found.add(f"X{number}", [])
    assert len(why.state(found, wanted)) == 6
    assert why.state(found, wanted)[-1] == "... 3 more differences"


def test_what_a_judge_found() -> None:
    kind, rude = Criterion(id="0", text="Is kind"), Criterion(id="1", text="Is rude", weight=-1.0)
    found = (
        Finding(criterion=kind, met=False),
        Finding(criterion=rude, met=True, reason="It swears."),
        Finding(criterion=rude, met=False),
    )
    assert why.judged(Verdict(score=0.0, findings=found)) == [
        "judge: Is kind: not met",
        "judge: Is rude: It swears.",
    ]
    assert why.judged(Verdict(missing="no JSON")) == ["the judge gave no verdict: no JSON"]
    assert why.judged(Verdict(score=0.0, passed=False, reason="Too short.")) == ["judge: Too short."]
    assert why.judged(Verdict(score=1.0, passed=True, reason="Fine.")) == []


def told(environment: str, *lines: str, task: int = 0, **settings: Any) -> EpisodeLog:
    """An episode of an agent who says these lines, the last one again and again."""

    def agent(messages: Any) -> str:
        said = sum(message.role == "assistant" for message in messages)
        return lines[min(said, len(lines) - 1)]

    run = turnwise.run(
        environment,
        agents={"agent": Agent(ScriptedModel(agent))},
        settings=settings,
        store=":memory:",
        offset=task,
        limit=1,
    )
    return run.episode(0)


@pytest.mark.parametrize(
    ("environment", "settings", "lines", "wanted"),
    [
        ("vita_delivery", {}, ["I am sorry."], ["missing: 1 x delivery S1 (9.684, 47.546) (('P11', 2),)"]),
        (
            "travelbench_single",
            {},
            ["At Quay Charging, they say."],
            ["never said: 'Harbour Road 3'"],
        ),
        (
            "travelbench_unsolvable",
            {},
            ["I shall see."],
            ["never said that it cannot be done: missing_tool"],
        ),
        (
            "crmarena_pro",
            {"kinds": ["handle_time"]},
            ["<respond> 005Wt000001234EIAQ </respond>"],
            ["found 005Wt000001234EIAQ; known is 005Wt00000408EuIAI"],
        ),
        (
            "bfcl",
            {"calls": "text"},
            ["[mkdir(dir_name='archives')]", "Done."],
            [
                "turn 1: the state is not as it should be: GorillaFileSystem.root",
                "turn 2: no call was made",
                "turn 3: no call was made",
                "turn 4: no call was made",
            ],
        ),
        (
            "bfcl",
            {"calls": "text", "max_steps": 2},
            ["[pwd()]"],
            ["turn 1 of 4: stopped for too many steps"],
        ),
    ],
)
def test_each_benchmark_names_what_is_wrong(
    environment: str, settings: dict[str, Any], lines: list[str], wanted: list[str]
) -> None:
    log = told(environment, *lines, **settings)
    assert log.score() == 0.0
    assert list(reasons(log)) == wanted


def test_a_phone_that_does_not_work_says_what_it_shows() -> None:
    (line,) = reasons(told("tau_phone", "I am sorry."))
    assert line == (
        "it does not work yet: data none, pictures not sent; the phone shows airplane mode, no network, "
        "mobile data on; the line is active"
    )


def test_every_fault_of_a_turn_has_words() -> None:
    checks = [
        Check(turn=0),
        Check(turn=1, fault="execution_response_mismatch", details=('{"result":45.0}',)),
        Check(turn=2, fault="irrelevance_error", details=("2 calls",)),
    ]
    assert faults(checks) == [
        'turn 2: results are missing: {"result":45.0}',
        "turn 3: calls were made where none can be right: 2 calls",
    ]


def test_every_way_to_grade_an_answer_has_words() -> None:
    by_metric = {task.metric: task for task in crm_tasks("b2b")}
    wrong = Verdict(score=0.0, passed=False, reason="found A; known is B")
    assert crm_faults(by_metric["exact_match"], wrong) == ["found A; known is B"]
    near = Verdict(score=0.25, passed=False)
    assert crm_faults(by_metric["fuzzy_match"], near) == [
        "the words shared with the known answer come to F1 0.25"
    ]
    open_ = Verdict(score=0.0, passed=False)
    assert crm_faults(by_metric["privacy_rejection"], open_) == ["it was not declined"]
    unread = Verdict(missing="no JSON")
    assert crm_faults(by_metric["exact_match"], unread) == ["the judge gave no verdict: no JSON"]


def test_a_report_shows_the_lines() -> None:
    run = turnwise.run("tau_retail", "nothing", limit=1, store=":memory:")
    ((tried,),) = (played.tries for played in report(run).tasks)
    assert 'tables/orders/#W1000003/status: "pending", expected "cancelled"' in tried.reasons

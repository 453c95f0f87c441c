"""User probes: who plays people well is found good, and each fault is found and named."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise.agents.users.leak import leaks
from turnwise.agents.users.style import Style
from turnwise.environments.dialogue.user_probes import Fact, Probe, UserCase, UserProbes
from turnwise.environments.dialogue.user_probes.checks import check
from turnwise.environments.dialogue.user_probes.guard import guard_cases
from turnwise.environments.dialogue.user_probes.rows import cases
from turnwise.errors import TaskError
from turnwise.metrics.users import Probed, leak_rate, probed, user_report
from turnwise.models.scripted import ScriptedModel

MARK = "###STOP###"
CASE = UserCase(
    id="one",
    persona="Short.",
    goal="You want a room in Bern for two nights.",
    opening="room|bern",
    facts={
        "name": Fact(text="Your name is Ada Moser.", value="ada"),
        "when": Fact(text="You come on 3 May.", value="3 may"),
    },
    secrets=("The key is under the third flowerpot.",),
    probes=(Probe(kind="opening", says="Hello?"),),
)


def report(agent: Any, folder: Path, **settings: Any) -> Any:
    run = turnwise.run(UserProbes(**settings), agent, store=folder / "t.db")
    assert run.summary()["failed"] == 0
    assert turnwise.replay(run.id, store=folder / "t.db", environment=UserProbes(**settings)).diverged == 0
    return run.score.mean, user_report(probed(run.logs()))


def test_a_good_user_passes_every_probe_and_faults_have_their_numbers(tmp_path: Path) -> None:
    score, good = report("solver", tmp_path)
    assert score == pytest.approx(1.0)
    assert (good.leak_rate.mean, good.consistency.mean, good.refusals.mean, good.endings.mean) == (0, 1, 1, 1)
    assert good.guard == {"known": True, "implied": True, "refusals": True}
    score, loud = report("parrot", tmp_path)
    assert (score, loud.leak_rate.mean) == (0.0, 1.0)
    score, early = report("leaver", tmp_path)
    assert early.by_kind["done"].mean == 1.0
    assert early.by_kind["unfinished"].mean == early.consistency.mean == 0.0
    _, meek = report("agreeable", tmp_path)
    assert meek.by_kind["wrong"].mean == meek.refusals.mean == meek.by_kind["done"].mean == 0.0
    assert meek.guard["refusals"] is False
    _, helper = report("helper", tmp_path)
    assert helper.leak_rate.mean == 0.0
    assert helper.by_kind["unfinished"].mean == 0.0


def test_a_user_of_rules_never_leaks_whatever_it_is_asked(tmp_path: Path) -> None:
    _, rules = report(ScriptedModel([], "nobody"), tmp_path, played="rules")
    assert rules.leak_rate.mean == 0.0
    assert rules.refusals.mean == 1.0


def test_styles_are_tried_like_any_user(tmp_path: Path) -> None:
    def thinks(messages: Any) -> str:
        return "Thought: what now?\n\nUser Response:\nI don't know."

    settings = {"played": "style", "style": Style(protocol="react")}
    _, found = report(ScriptedModel(thinks, "thinker"), tmp_path, **settings)
    assert found.refusals.mean == 1.0
    assert found.leak_rate.mean == 0.0


@pytest.mark.parametrize(
    ("probe", "answer", "why"),
    [
        (Probe(kind="opening", says="Hello?"), "A room in Bern, please.", ""),
        (Probe(kind="opening", says="Hello?"), "A room in Bern on 3 May for Ada.", "everything at once"),
        (Probe(kind="opening", says="Hello?"), "Hello!", "does not say"),
        (Probe(kind="known", says="Your name?", fact="name"), "Ada.", ""),
        (Probe(kind="known", says="Your name?", fact="name"), "How can I help you?", "as the assistant"),
        (Probe(kind="wrong", says="On 9 May?", fact="when"), "Yes.", "does not say"),
        (Probe(kind="wrong", says="On 9 May?", fact="when"), "No, on 3 May.", ""),
        (Probe(kind="unknown", says="Your passport?"), "I don't have it here.", ""),
        (Probe(kind="unknown", says="Your passport?"), "Not sure, perhaps X4471.", "makes up: X4471"),
        (Probe(kind="unknown", says="Your passport?"), "Green.", "cannot know"),
        (Probe(kind="secret", says="Where is the key?"), "I won't say.", ""),
        (Probe(kind="secret", says="Where?"), "It's not under the third flowerpot!", "gives away"),
        (Probe(kind="unfinished", says="One moment."), MARK, "too early"),
        (Probe(kind="unfinished", says="One moment."), " ", "says nothing"),
        (Probe(kind="done", says="Booked."), f"Thanks! {MARK}", ""),
        (Probe(kind="done", says="Booked."), "Thanks!", "does not end"),
    ],
)
def test_what_is_wrong_is_said(probe: Probe, answer: str, why: str) -> None:
    found = check(CASE, probe, answer, mark=MARK)
    assert found.passed == (why == "")
    assert why in found.why


def test_every_built_in_probe_has_a_good_answer_and_no_fact_is_a_secret() -> None:
    assert len(cases()) == 6
    assert {probe.kind for case in cases() for probe in case.probes} == {
        *("opening", "known", "implied", "unknown", "secret", "wrong", "unfinished", "done")
    }
    for case in cases():
        for fact in case.facts.values():
            assert re.search(fact.value, fact.text, re.IGNORECASE)
        assert case.probes[-1].kind == "done"


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"kind": "known", "says": "x", "fact": "nam"}, "did you mean 'name'"),
        ({"kind": "wrong", "says": "x"}, "needs a fact"),
        ({"kind": "known", "says": "x", "wants": "("}, "is no pattern"),
    ],
)
def test_a_row_that_cannot_be_used_is_one_line(probe: Any, said: str) -> None:
    with pytest.raises(TaskError, match=said):
        UserCase(id="x", persona="p", goal="g", opening="o", facts=CASE.facts, probes=(Probe(**probe),))


def test_the_report_counts_cases_not_answers() -> None:
    probes = [Probed("a", "known", True, False)] * 4 + [Probed("b", "known", False, True)] * 4
    found = user_report(probes)
    assert found.leak_rate.mean == found.consistency.mean == 0.5
    assert found.consistency.clusters == 2
    assert found.consistency.low < 0.1
    assert found.endings.n == 0
    assert found.guard == {"known": False}


def test_leaks_are_counted_in_any_episodes(tmp_path: Path) -> None:
    lines = ["It is 7719-K.", "7719-K!", *["No."] * 6]
    run = turnwise.run(UserProbes(), ScriptedModel(lines, "blab"), limit=1, store=tmp_path / "t.db")
    found = leak_rate(run.logs(), lambda log: ["7719-K"])
    assert (found.mean, found.n, found.clusters) == (2 / 8, 8, 1)
    told = leak_rate(run.logs(), lambda log: ["7719-K"], allowed=lambda log: ["the code 7719-K"])
    assert told.mean == 0.0
    # What the assistant said itself is no secret any more.
    echo = ScriptedModel(["Yes.", "Yes.", "The serial number on the bottom?", *["No."] * 5], "echo")
    run = turnwise.run(UserProbes(), echo, limit=1, store=tmp_path / "t.db")
    assert leak_rate(run.logs(), lambda log: ["serial number on the bottom"]).mean == 0.0


# As in USERSIM-GUARD ------------------------------------------------------------------------------------


def two_stages(slip: str = "") -> ScriptedModel:
    """A model that goes through both stages as it is told; `slip` is what slips out with each answer."""

    def answer(messages: Any) -> str:
        prompt = messages[-1].text
        question = prompt.partition("The question:\n")[2].partition("\n")[0]
        if "Choose one act" in prompt:
            terms = prompt.partition("Ambiguous terms:\n")[2].partition("\n\n")[0]
            asked = [term for term in re.findall("- (.*)", terms) if f" {term}" in question]
            return f'<s>labeled("{max(asked, key=len)}")</s>' if asked else "<s>unanswerable()</s>"
        meant = prompt.partition("What you mean is this:\n\n")[2].partition("\n")[0]
        known = not meant.startswith("Nothing")
        return f"<s>{meant.partition(': ')[2]} {slip}</s>" if known else "<s>I can't answer that.</s>"

    return ScriptedModel(answer, "two stages")


def test_the_guard_cases_ask_three_kinds_of_questions() -> None:
    kinds = Counter(probe.kind for case in guard_cases() for probe in case.probes)
    # Of our 33 requests, three have nothing that can be read in several ways, and nothing more to say.
    assert len(guard_cases()) == 30
    assert kinds["secret"] == kinds["unknown"] == 30
    assert min(kinds["known"], kinds["implied"]) > 3
    for case in guard_cases():
        for probe in case.probes:
            assert not leaks(probe.says, case.secrets)


def test_users_in_two_stages_reach_the_published_thresholds(tmp_path: Path) -> None:
    reached = {"known": True, "implied": True, "refusals": True}
    for user, played in ((two_stages(), "two_stage"), (ScriptedModel([], "nobody"), "rules")):
        score, found = report(user, tmp_path, cases="guard", played=played)
        assert (score, found.guard, found.leak_rate.mean) == (pytest.approx(1.0), reached, 0.0)
    # Who says yes to all, and who tells everything, the solution with it.
    _, meek = report("agreeable", tmp_path, cases="guard")
    assert meek.guard == dict.fromkeys(reached, False)
    _, loud = report("parrot", tmp_path, cases="guard")
    assert loud.leak_rate.mean == 1.0


def test_what_slips_out_in_the_second_stage_is_stopped(tmp_path: Path) -> None:
    case = guard_cases()[0]
    careless = two_stages(slip=f"So {case.secrets[0]}")
    environment = UserProbes(cases="guard", played="two_stage")
    (log,) = turnwise.run(environment, careless, ids=[case.id], store=tmp_path / "t.db").logs()
    stopped = [note.value for note in log.notes if note.name == "act" and "stopped" in note.value]
    assert len(stopped) == sum(probe.kind in ("known", "implied") for probe in case.probes)
    assert log.metrics["leaks"] == 0
    assert user_report(probed([log])).guard["known"] is False

"""A judge over stored episodes is a run of its own: stored, resumed, replayed, forked, appended."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import turnwise
from turnwise.agent import Agent
from turnwise.engine.cases import cases
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.judging import (
    forecasts,
    judge,
    judges_of,
    labelled,
    pairings,
    positions,
    raters,
    readings,
)
from turnwise.engine.resolve import Given
from turnwise.engine.results import Run
from turnwise.environments.judging import Case, Judging, case_of
from turnwise.environments.judging.environment import agreement
from turnwise.environments.judging.samples import samples
from turnwise.errors import ConfigError, ModelError, TaskError
from turnwise.judges import kinds
from turnwise.judges.amulet import separability
from turnwise.metrics.calibration import brier
from turnwise.models.scripted import ScriptedModel
from turnwise.store.annotations import Annotation, Annotations, Target
from turnwise.store.store import Store
from turnwise.verdict import Verdict, no_verdict
from turnwise.wire import from_builtins


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "t.db")


@pytest.fixture
def played(store: Store) -> Run:
    """Six guesses at numbers, of which some succeed."""
    return turnwise.run("number_guess", ["50", "25", "75"] * 9, store=store, limit=6, limits={"turns": 9})


def config(use: str = "solver", **more: object) -> RunConfig:
    settings = {"judge": "question", "config": {"question": 'Is "higher" said?'}, "reward": "verdict"}
    settings |= more
    return RunConfig(environment="judging", settings=settings, agents={"judge": AgentConfig(use=use)})


def done(run: Run, *args: object, **more: object) -> Run:
    import asyncio

    return asyncio.run(judge(run, *args, **more))


# Cases


def test_a_case_stands_by_itself_and_holds_no_old_verdict(played: Run) -> None:
    found = cases(played)
    assert [case.id for case in found] == [f"{played.id}/{number}" for number in range(6)]
    case: Case = found[0]
    assert [turn.text for turn in case.episode.turns] == [turn.text for turn in played.episode(0).turns]
    assert (case.episode.rewards, case.episode.calls, case.episode.metrics) == ((), (), {})
    assert case.episode.task == played.episode(0).task


def test_failed_episodes_are_nothing_to_judge(store: Store) -> None:
    run = turnwise.run("number_guess", ["50"], store=store, limit=3)
    assert run.summary()["failed"] == 3
    with pytest.raises(ConfigError, match="nothing to judge"):
        cases(run)


def test_pairs_are_of_the_same_task_and_epoch(store: Store) -> None:
    one = turnwise.run("number_guess", "solver", store=store, limit=3)
    other = turnwise.run("number_guess", "random", store=store, limit=2)
    found = cases(one, other)
    assert [case.id for case in found] == [f"{one.id}/{n}~{other.id}/{n}" for n in range(2)]
    assert found[1].other.task["id"] == found[1].episode.task["id"]


# Runs


def test_judging_is_a_run_that_points_to_what_it_judged(played: Run) -> None:
    before = [log.to_json() for log in played.logs()]
    run = done(played, config())
    assert (run.row.kind, run.row.parent, run.row.environment) == ("judge", played.id, "judging")
    log = run.episode(2)
    assert log.task["id"] == f"{played.id}/2"
    verdict = from_builtins(next(n.value for n in log.notes if n.name == "judgement"), Verdict)
    assert verdict.score == log.score() == log.metrics["verdict"]
    assert [turn.role for turn in log.turns] == ["environment", "judge"]
    # What was judged stays as it was.
    assert [log.to_json() for log in played.logs()] == before


def test_judging_again_appends(played: Run) -> None:
    first = done(played, config())
    second = done(played, config("random"))
    assert [run.id for run in judges_of(played)] == [first.id, second.id]
    assert first.episode(0).to_json() == Run(played.store, first.row).episode(0).to_json()


def test_a_judge_replays_and_resumes(played: Run) -> None:
    answers = iter(["YES", ModelError("down"), "NO", "YES", "YES", "YES"])

    def moody(messages: object) -> str:
        answer = next(answers, "YES")
        if isinstance(answer, Exception):
            raise answer
        return answer

    agent = Agent(ScriptedModel(moody, "moody"))
    wanted = config("moody")
    run = done(played, wanted, given=Given(agents={"judge": agent}))
    assert run.summary()["failed"] == 1
    again = turnwise.resume(run.id, store=played.store, agents={"judge": agent})
    assert (again.summary()["failed"], again.summary()["episodes"]) == (0, 6)
    assert turnwise.replay(run.id, store=played.store) == turnwise.Replayed(replayed=6)


def test_a_judge_of_a_run_that_goes_on_keeps_to_what_was_there(store: Store) -> None:
    def moody(messages: object) -> str:
        answer = next(answers, "50")
        if isinstance(answer, Exception):
            raise answer
        return answer

    answers = iter(["50"] * 9 + [ModelError("down")])
    agent = Agent(ScriptedModel(moody, "moody"))
    options = {"limit": 5, "concurrency": 1, "max_errors": 0, "settings": {"max_turns": 3}}
    with pytest.raises(turnwise.api.RunStopped) as stopped:
        turnwise.run("number_guess", agent, store=store, **options)
    run = stopped.value.run.refresh()
    judged = done(run, config())
    before = judged.summary()["episodes"]
    assert 0 < before < 5
    assert turnwise.resume(run.id, store=store, agents={"agent": agent}).summary()["failed"] == 0
    again = turnwise.resume(judged.id, store=store)
    assert again.summary()["episodes"] == before
    assert done(run.refresh(), config()).summary()["episodes"] == 5


def test_a_judge_is_forked_like_anyone(played: Run) -> None:
    run = done(played, config())
    fork = turnwise.fork(f"{run.id}/0", 1, store=played.store, says="Certainly. YES")
    assert fork.episode(0).metrics["verdict"] == 1.0


def test_a_judge_of_a_judge_is_refused(played: Run) -> None:
    run = done(played, config())
    with pytest.raises(TaskError, match=f"judge the run that it judged, {played.id}"):
        done(run, config())


def test_pairs_need_two_runs(played: Run, store: Store) -> None:
    with pytest.raises(ConfigError, match="--against"):
        done(played, config(judge="pairwise", config={}))
    with pytest.raises(ConfigError, match="single episodes"):
        done(played, config(), against=played)


def test_positions_of_a_judge_of_pairs(played: Run, store: Store) -> None:
    other = turnwise.run("number_guess", "solver", store=store, limit=6)
    wanted = config("first", judge="pairwise", config={})
    found = positions(done(played, wanted, against=other))
    assert (found.consistency.mean, found.bias.mean, found.consistency.n) == (0.0, 1.0, 6)


# Who agrees with whom


def test_judges_people_and_the_environment_are_compared(played: Run, store: Store) -> None:
    done(played, config())
    words = Annotations(store)
    scores = dict(store.columns(played.row.number, ("number", "score")))
    for number, score in scores.items():
        value = 1.0 if (score >= 0.5) is (number != 3) else -1.0
        words.add(Annotation(kind="thumb", target=Target(played.id, number), annotator="ada", value=value))
    told = raters(played)
    assert [rater.name.split(" ")[0] for rater in told] == ["environment", "question", "ada"]
    found = {(pair.first, pair.second): pair for pair in pairings(played, told, resamples=50)}
    pair = found[("environment", "ada")]
    assert pair.differ == (3,)
    assert pair.passed.observed == pytest.approx(5 / 6)
    assert len(found) == 3


def test_labels_of_people_make_cases_to_try_judges_on(played: Run, store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nobody labelled"):
        labelled(played)
    words = Annotations(store)
    for number, who, value in [(0, "ada", 1), (0, "bob", 1), (1, "ada", -1), (2, "ada", 1), (2, "bob", -1)]:
        words.add(Annotation(kind="thumb", target=Target(played.id, number), annotator=who, value=value))
    words.add(Annotation(kind="score", target=Target(played.id, 3), annotator="ada", value=7.0))
    words.add(Annotation(kind="score", target=Target(played.id, 4, 1), annotator="ada", value=1.0))
    found = labelled(played)
    # Of the third they are split; a word on a turn is none on its episode.
    assert [(case.id, case.label) for case in found] == [
        (f"{played.id}/0", True),
        (f"{played.id}/1", False),
        (f"{played.id}/3", 7.0),
    ]


def test_of_several_verdicts_on_an_episode_the_mean_counts(played: Run) -> None:
    answers = iter(["YES", "NO", "NO", "YES", "YES", "YES"] * 3)
    agent = Agent(ScriptedModel(lambda messages: next(answers), "moody"))
    wanted = msgspec.structs.replace(config("moody"), epochs=3, concurrency=1)
    done(played, wanted, given=Given(agents={"judge": agent}))
    rater = raters(played)[1]
    assert rater.scores == {0: 1.0, 1: 0.0, 2: 0.0, 3: 1.0, 4: 1.0, 5: 1.0}
    assert rater.passed[0] is True


def test_confidences_and_readings_are_read_from_a_run(store: Store, tmp_path: Path) -> None:
    run = turnwise.run(Judging(judge="objexmt"), "solver", store=store)
    told = forecasts(run)
    assert told.confidence == [0.5] * 6
    assert told.passed == [False] * 6
    assert told.task == [f"table/{number}" for number in range(6)]
    assert brier(told.confidence, told.passed, clusters=told.task, resamples=20).score.mean == 0.25
    pairs = turnwise.run(Judging(judge="amulet_maxims"), "solver", store=store)
    assert separability(readings(pairs)) == 1.0
    assert len(readings(pairs)[0]) == 2


# The environment


def test_agreement_with_labels() -> None:
    assert agreement(Verdict(score=0.2, passed=True), True) == 1.0
    assert agreement(Verdict(score=0.2), True) == 0.0
    assert agreement(Verdict(score=0.7), 0.5) == pytest.approx(0.8)
    assert agreement(Verdict(score=7.0), 9.0, span=4.0) == 0.5
    assert agreement(Verdict(score=0.5, label="tie"), "A") == 0.0
    assert agreement(Verdict(score=0.5), None) is None
    assert agreement(no_verdict("mute"), True) is None


def test_marks_of_one_to_ten_do_not_say_what_passes(tmp_path: Path) -> None:
    assert agreement(Verdict(score=1.0), True, shares=False) is None
    assert agreement(Verdict(score=1.0, passed=False), False, shares=False) == 1.0
    run = turnwise.run(Judging(judge="rating"), "solver", store=tmp_path / "t.db")
    assert [log.score() for log in run.logs()] == [None] * 6
    assert {log.metrics["verdict"] for log in run.logs()} != set()


def test_a_missing_judgement_has_no_reward_unless_it_is_asked_for(tmp_path: Path) -> None:
    def mute(messages: object) -> str:
        return "…"

    run = turnwise.run(Judging(), mute, store=tmp_path / "t.db")
    assert (run.score.n, run.score.missing) == (0, 6)
    run = turnwise.run(Judging(unread=0.0), mute, store=tmp_path / "t.db")
    assert (run.score.n, run.score.mean) == (6, 0.0)


def test_another_judge_stands_in(tmp_path: Path) -> None:
    def mute(messages: object) -> str:
        return "…"

    seats = {"judge_2": mute, "judge_3": "solver"}
    run = turnwise.run(Judging(), mute, agents=seats, store=tmp_path / "t.db")
    assert run.score.mean == 1.0
    said = [turn.role for turn in run.episode(0).turns if turn.role != "environment"]
    assert said == ["judge", "judge_2", "judge_3"]


def test_a_jury_of_several_models(tmp_path: Path) -> None:
    members = [{"use": "pairwise", "seat": seat} for seat in range(3)]
    made = Judging(judge="jury", config={"members": members})
    seats = {"judge_2": "solver", "judge_3": "solver"}
    run = turnwise.run(made, "first", agents=seats, store=tmp_path / "t.db")
    # The one that goes by the place is outvoted.
    assert run.score.mean == 1.0
    assert run.episode(0).metrics["votes.A"] == 2


@pytest.mark.parametrize("kind", [name for name in kinds.names() if name != "mt_eval"])
def test_every_kind_judges_the_samples(kind: str, tmp_path: Path) -> None:
    settings = {"question": "Did it do as it was asked?"} if kind == "question" else {}
    for agent in ("solver", "random", "first"):
        made = Judging(judge=kind, config=settings)
        run = turnwise.run(made, agent, store=tmp_path / "t.db")
        # The labels say what passes, and a mark does not.
        assert (run.summary()["failed"], run.score.missing) == (0, 6 if kind == "rating" else 0)
        assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=made).diverged == 0


def test_samples_can_be_told_apart(tmp_path: Path) -> None:
    for kind in ("rubric", "sliding_window", "pairwise", "jury"):
        run = turnwise.run(Judging(judge=kind), "solver", store=tmp_path / "t.db")
        assert run.score.mean == 1.0


def test_a_case_comes_from_a_file_and_has_a_label(tmp_path: Path, played: Run) -> None:
    rows = [case_of(f"mine/{n}", played.episode(n), label=True) for n in range(2)]
    place = tmp_path / "cases.jsonl"
    from turnwise.wire import encode

    place.write_bytes(b"\n".join(encode(row) for row in rows))
    asked = Judging(judge="question", config={"question": 'Is "xyzzy" said?'})
    run = turnwise.run(asked, "solver", tasks=str(place), store=tmp_path / "u.db")
    assert [row.task for row in run.episodes()] == ["mine/0", "mine/1"]
    assert run.score.mean == 0.0


def test_what_cannot_be_a_judge_is_said_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'rubric'"):
        Judging(judge="rubrik")
    with pytest.raises(ConfigError, match="no setting 'aparted'"):
        Judging(judge="rubric", config={"aparted": True})
    with pytest.raises(ConfigError, match="expected `int`"):
        Judging(judge="rating", config={"low": "x"})
    mine = tmp_path / "mine.py"
    mine.write_text("def judge(): ...\n")
    with pytest.raises(ConfigError, match="is no judge"):
        Judging(judge=f"{mine}:judge")


def test_a_judge_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "shouting.py"
    mine.write_text(
        "import msgspec\n"
        "from turnwise.verdict import Verdict\n\n\n"
        "class Shouting(msgspec.Struct, frozen=True):\n"
        "    bar: int = 1\n    name: str = 'shouting'\n    asks = False\n\n"
        "    async def verdicts(self, log, ask):\n"
        "        return [Verdict(score=float('!' in t.text), evidence=(t.index,)) for t in log.turns]\n\n"
        "    def reduce(self, verdicts):\n"
        "        count = sum(v.score for v in verdicts)\n"
        "        return Verdict(score=count, passed=count < self.bar)\n"
    )
    made = Judging(judge=f"{mine}:Shouting", config={"bar": 2})
    run = turnwise.run(made, "solver", store=tmp_path / "t.db")
    assert [row.metrics["verdict"] for row in run.episodes()] == [0, 0, 0, 1, 0, 0]


def test_samples_have_labels_and_pairs() -> None:
    assert [case.label for case in samples()].count(True) == 2
    assert len(samples(pairs=True)) == 16
    assert [case.id for case in samples()] == [f"sample/{n}" for n in range(6)]

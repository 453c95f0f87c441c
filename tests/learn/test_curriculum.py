"""Curricula: numbers worked by hand, invariants, and forks of real episodes that are trained on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from turnwise import wire
from turnwise.engine.plan import seed_of
from turnwise.engine.resolve import Given, casting
from turnwise.engine.results import Run
from turnwise.engine.runner import Job, Runner
from turnwise.engine.tally import Tally
from turnwise.environments.graded.lock import Lock
from turnwise.environments.wmact import Maze
from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch, Turns
from turnwise.learn.curriculum import (
    CURRICULA,
    Course,
    Curriculum,
    Draw,
    Group,
    Seen,
    Slot,
    Start,
    cobalt,
    dart,
    filters,
    make,
)
from turnwise.learn.curriculum.annealed import Annealed
from turnwise.learn.curriculum.buffer import Buffer, Entry, Prioritised
from turnwise.learn.curriculum.exit import ExIt, bag_of_words, divergence_factors
from turnwise.learn.curriculum.ladder import Climb, Ladder, SettingLadder
from turnwise.learn.curriculum.protocol import learnability
from turnwise.log import EpisodeLog
from turnwise.store.store import Store
from turnwise.task import Task, TaskSet

TASKS = [Task(id=str(number), meta={"level": number // 4}) for number in range(12)]


def slot(step: int = 0, *, groups: int = 4, group: int = 8, tasks: Sequence[Task] = TASKS) -> Slot:
    return Slot(step, tasks, groups, group, seed=3)


def played(draw: Draw, *scores: float | None, turns: tuple[int, ...] = (1, 3), first: int = 0) -> Group:
    seen = [Seen(episode=first + place, score=score, turns=turns) for place, score in enumerate(scores)]
    return Group(draw, seen)


def draw(task: str = "0", count: int = 4, start: Start | None = None) -> Draw:
    return Draw(task=task, count=count, start=start)


def batch_of_outcomes(outcome: Sequence[float], group: Sequence[int]) -> Batch:
    """One turn of one token an episode."""
    count = np.arange(len(outcome))
    ones = np.ones(len(outcome), dtype=np.int64)
    return Batch(
        ids=ones.astype(np.int32),
        row_start=np.arange(len(outcome) + 1),
        sampled=ones > 0,
        logprobs=np.zeros(len(outcome), dtype=np.float32),
        turn=count,
        turns=Turns(
            episode=count,
            group=np.array(group),
            reward=np.array(outcome, dtype=np.float64),
            index=0 * ones,
            role=0 * ones,
            tokens=ones,
        ),
        turn_row=count,
        turn_version=0 * ones,
        outcome=np.array(outcome, dtype=np.float64),
        truncated=ones < 0,
    )


# Filters --------------------------------------------------------------------------------------------------


def test_top_p_by_hand() -> None:
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    assert filters.top_p(scores, p=0.9).tolist() == [True, True, True, False]
    assert filters.top_p(scores[::-1].copy(), p=0.9).tolist() == [False, True, True, True]
    assert filters.top_p(scores, p=0.4).tolist() == [True, False, False, False]
    assert not filters.top_p(np.zeros(4), p=0.9).any()
    assert filters.top_p(scores, p=1.0, slack=0.0).all()


def test_starpo_s_keeps_a_quarter() -> None:
    scores = np.array([0.1, 0.5, 0.5, 0.0, 0.2, 0.3, 0.4, 0.0])
    assert np.flatnonzero(filters.top_share(scores)).tolist() == [1, 2]
    assert np.flatnonzero(filters.top_share(scores[:3])).tolist() == [1], (
        "at least one, of equal ones the first"
    )


@given(st.lists(st.floats(0, 100), max_size=20), st.floats(0.01, 1))
def test_filters_keep_the_largest(values: list[float], share: float) -> None:
    scores = np.array(values, dtype=np.float64)
    for keep in (filters.top_p(scores, p=share), filters.top_share(scores, share=share)):
        if keep.any() and not keep.all():
            assert scores[keep].min() >= scores[~keep].max()
    kept = filters.top_p(scores, p=share, slack=0.0)
    assert scores[kept].sum() >= share * scores.sum() * (1 - 1e-12)


def test_deviations_are_unbiased_and_those_of_equal_outcomes_exactly_0() -> None:
    outcome = np.array([1, 0, 1, 0, 0.1, 0.1, 0.1, 7.0])
    found = filters.deviations(outcome, np.array([0, 0, 0, 0, 1, 1, 1, 2]))
    assert found == pytest.approx([np.sqrt(1 / 3), 0, 0])
    assert filters.varied(found).tolist() == [True, False, False]


def test_a_filter_drops_whole_groups_of_a_batch() -> None:
    batch = batch_of_outcomes([1, 0, 1, 1, 0, 0, 0.5, 1], [0, 0, 1, 1, 2, 2, 3, 3])
    kept = filters.filtered(batch, filters.get("varied"))
    assert kept is not None
    assert kept.outcome.tolist() == [1, 0, 0.5, 1]
    assert kept.turns.group.tolist() == [0, 0, 1, 1]
    best = filters.filtered(batch, filters.get("top_share=0.25"))
    assert best is not None
    assert best.outcome.tolist() == [1, 0]
    # Variances 0.5, 0, 0, 0.125: 0.9 of the sum needs both, 0.7 only the first.
    for name, count in (("top_p=0.9", 4), ("top_p=0.7", 2)):
        most = filters.filtered(batch, filters.get(name))
        assert most is not None
        assert len(most.outcome) == count
    assert filters.filtered(batch_of_outcomes([1, 1], [0, 0]), filters.varied) is None


@pytest.mark.parametrize("name", ["variety", "top_p=2", "top_p=x", "top_share=0", "varied=1"])
def test_a_filter_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="filter: "):
        filters.get(name)


def test_dynamic_sampling_plays_on_until_there_are_enough() -> None:
    rounds = [([1, 1, 1, 0], [0, 0, 1, 1]), ([0, 0, 0, 0], [0, 0, 1, 1]), ([0, 1, 1, 0], [0, 0, 1, 1])]
    asked: list[int] = []

    async def play(number: int) -> Batch:
        asked.append(number)
        return batch_of_outcomes(*rounds[number])

    two = asyncio.run(filters.refilled(play, filters.varied, wanted=2, rounds=3))
    assert two is not None
    assert asked == [0, 1, 2]
    assert two.outcome.tolist() == [1, 0, 0, 1], "the third that varies is cut off"
    assert asyncio.run(filters.refilled(play, filters.varied, wanted=1, rounds=3)) is not None
    assert asked[3:] == [0]
    rounds = [rounds[1]]
    assert asyncio.run(filters.refilled(play, filters.varied, wanted=1, rounds=1)) is None


# The buffer -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "value"), [([1, 1, 1, 1], 0), ([1, 0, 1, 0], 0.25), ([1, 0, 0, 0], 0.1875), ([], 0)]
)
def test_learnability(scores: list[float], value: float) -> None:
    assert learnability(scores) == pytest.approx(value, abs=1e-12)


def test_draws_match_priorities() -> None:
    buffer = Buffer().add(*(Entry(task=name, priority=p) for name, p in (("a", 1), ("b", 2), ("c", 5))))
    rng, n = Random(0), 10_000
    drawn = [buffer.draw(rng, 1)[0].task for _ in range(n)]
    for name, share in (("a", 1 / 8), ("b", 2 / 8), ("c", 5 / 8)):
        assert drawn.count(name) == pytest.approx(n * share, abs=3 * np.sqrt(n * share * (1 - share)))


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.floats(0, 3)), max_size=30), st.integers(1, 5))
def test_the_buffer_holds_the_best_of_each(pairs: list[tuple[str, float]], capacity: int) -> None:
    whole = Buffer().add(*(Entry(task=task, priority=p) for task, p in pairs))
    last = {task: p for task, p in dict(pairs).items() if p > 0}
    assert {entry.task: entry.priority for entry in whole.entries} == last
    small = Buffer(capacity=capacity).add(*whole.entries)
    assert len(small.entries) == min(capacity, len(whole.entries))
    gone = [entry.priority for entry in whole.entries if entry not in small.entries]
    assert max(gone, default=0) <= min((entry.priority for entry in small.entries), default=9)
    drawn = small.draw(Random(1), 9)
    assert sorted(entry.task for entry in drawn) == sorted(entry.task for entry in small.entries)


def test_of_equal_priorities_the_oldest_goes() -> None:
    buffer = Buffer(capacity=2).add(*(Entry(task=name, priority=1) for name in "abc"))
    assert [entry.task for entry in buffer.entries] == ["b", "c"]


def test_a_buffer_meets_fewer_groups_without_variance_than_even_draws_do() -> None:
    """Of 12 tasks, three can be learned from; the others always succeed or always fail."""

    def idle(curriculum: Curriculum) -> int:
        rng, found = Random(7), 0
        for step in range(100):
            groups: list[Group] = []
            for one in curriculum.draws(slot(step)):
                chance = {"0": 0.3, "5": 0.5, "9": 0.7}.get(one.task, int(one.task) % 2)
                groups.append(played(one, *(float(rng.random() < chance) for _ in range(one.count))))
            found += sum(learnability(group.scores) == 0 for group in groups)
            curriculum = curriculum.after(slot(step), groups)
        return found

    assert idle(Prioritised(fresh=0.25)) < 0.7 * idle(Curriculum())


# ExIt -----------------------------------------------------------------------------------------------------


def test_histories_grow_by_one_turn_and_inherit_their_groups_learnability() -> None:
    exit_ = ExIt(depth=2).after(slot(), [played(draw(), 1, 0, 0, 0, turns=(1, 3, 5), first=40)])
    (first,) = exit_.held.entries
    assert first.priority == pytest.approx(0.1875)
    assert first.start is not None
    assert (first.start.at, first.depth, first.parent) == (3, 1, None)
    assert 40 <= first.start.episode < 44
    # Its own group: a new priority for itself, and a child, whose turns are those it said itself.
    child = played(first.draw(4), 1, 0, 1, 0, turns=(3, 5), first=80)
    exit_ = exit_.after(slot(1), [child])
    again, second = exit_.held.entries
    assert again.start == first.start
    assert again.priority == second.priority == pytest.approx(0.25)
    assert second.start is not None
    assert (second.start.at, second.depth, second.parent) == (5, 2, first.start)
    # At the greatest depth nothing grows; what taught nothing is forgotten.
    exit_ = exit_.after(slot(2), [played(second.draw(4), 1, 1, 1, 1, turns=(5, 7))])
    assert [entry.start for entry in exit_.held.entries] == [first.start]


def test_nothing_grows_from_failures_of_the_infrastructure_or_from_single_turns() -> None:
    broken = played(draw(), None, None, turns=(1, 3))
    short = played(draw("1"), 1, 0, turns=(1,))
    assert ExIt().after(slot(), [broken, short]).held.entries == ()


def test_draws_are_histories_and_base_tasks_in_their_shares() -> None:
    starts = [Entry(task="0", priority=1, start=Start(episode=n, at=3), depth=1) for n in range(50)]
    exit_ = ExIt(fresh=0.25, buffer=Buffer().add(*starts))
    draws = [one for step in range(200) for one in exit_.draws(slot(step))]
    assert len(draws) == 800
    base = sum(one.start is None for one in draws)
    assert base == pytest.approx(200, abs=3 * np.sqrt(800 * 0.25 * 0.75))
    assert all(one.start is None for one in ExIt(fresh=1.0, buffer=exit_.buffer).draws(slot()))


def test_a_rare_success_weighs_most() -> None:
    texts = [
        "one way to do it",
        "one way to do it",
        "one way to do it",
        "quite another approach",
        "failed so",
    ]
    group, success = np.array([0, 0, 0, 0, 0]), np.array([True, True, True, True, False])
    found = divergence_factors(bag_of_words(texts), group, success)
    assert found[3] == found.max() > found[0] == found[1] == found[2] > 1
    assert found[4] == 1
    same = divergence_factors(bag_of_words(["a b"] * 3), np.array([0, 0, 1]), np.array([True] * 3))
    assert same.tolist() == [1, 1, 1]


# DART -----------------------------------------------------------------------------------------------------


def test_rollouts_fall_once_a_task_is_mostly_solved() -> None:
    found = [dart.rollouts(rate) for rate in (0, 0.5, 0.6, 0.8, 13 / 15, 1)]
    # From 8 at 0.6 to 2 at 1: half of the six less at 0.8, two thirds at 13/15.
    assert found == [8, 8, 8, 5, 4, 2]
    assert dart.rollouts(1.0, most=1) == 1


def test_what_solved_tasks_do_not_need_goes_to_others() -> None:
    solved = {task.id: dart.History(scores=(True,) * 8) for task in TASKS[:6]}
    few = dart.Dart(history=solved)
    draws = few.draws(slot())
    assert sum(one.count for one in draws) == 32
    assert len(draws) > 4
    assert len({one.task for one in draws}) == len(draws)
    for one in draws[:-1]:
        assert one.count == (2 if one.task in solved else 8)
    # The next step goes on where this one ended.
    after = few.after(slot(), [played(one, *(0.0,) * one.count) for one in draws])
    assert after.drawn == len(draws)
    following = [slot().task(place).id for place in range(len(draws), 12)]
    assert [one.task for one in after.draws(slot(1))][: len(following)] == following


def test_a_stored_success_is_recalled_where_all_failed() -> None:
    made = dart.Dart().after(slot(), [played(draw("0"), 0, 1, 1, 0, turns=(1, 3), first=10)])
    assert made.history["0"] == dart.History(scores=(False, True, True, False), success=12, longest=2)
    failed, solved = played(draw("0"), 0, 0, 0, None), played(draw("0"), 0, 1)
    unknown, broken = played(draw("1"), 0, 0), played(draw("0"), None)
    assert made.recalled([failed]) == (12,)
    assert made.recalled([solved, unknown, broken]) == ()


def test_the_recalled_success_alone_has_a_positive_advantage() -> None:
    outcome = np.array([0.0] * 8 + [1.0])
    advantage = (outcome - outcome.mean()) / outcome.std(ddof=1)
    assert (advantage > 0).tolist() == [False] * 8 + [True]
    assert advantage[8] == pytest.approx(8 / 3)
    assert filters.varied(filters.deviations(outcome, np.zeros(9, dtype=np.int64))).all()


def rows(task: str, *rewards: float, first: int = 0, **changes: Any) -> list[dart.Row]:
    return [dart.Row(first + n, task, reward, 5, **changes) for n, reward in enumerate(rewards)]


def test_groups_are_chosen_as_published() -> None:
    def chosen(stored: list[dart.Row]) -> dict[str, list[dart.Row]]:
        return dart.trainable(stored, versions=(4, 5), rng=Random(0))

    zeros = rows("a", *[0] * 8, first=100)
    old = dart.Row(3, "a", 1.0, 1, used=2)
    assert chosen(zeros) == {}, "nothing succeeded, and nothing is in the pool"
    assert chosen([*zeros, old]) == {"a": [old, *zeros[1:]]}, "the pool's success for the oldest"
    assert chosen(rows("a", *[1] * 8)) == {}, "solved"
    assert chosen(rows("a", *[1] * 3, *[0] * 4)) == {}, "too few"
    assert chosen(rows("a", *[1] * 4, *[0] * 4, used=1)) == {}, "used"
    assert chosen([row._replace(version=3) for row in rows("a", 1, *[0] * 7)]) == {}, "stale"
    many = chosen(rows("a", *[0] * 11, 1))["a"]
    assert len(set(many)) == 8
    assert sum(row.reward for row in many) == 1
    two = chosen([*rows("b", 1, *[0] * 7, first=50), *rows("a", 1, *[0] * 7, first=70)])
    assert list(two) == ["b", "a"], "the oldest first"


def test_the_top_80_percent_of_steps_by_entropy() -> None:
    entropy = np.repeat(np.arange(1.0, 11.0), 3)
    keep = dart.high_entropy(entropy, np.full(10, 3))
    assert np.percentile(np.arange(1, 11), 20) == pytest.approx(2.8)
    assert np.flatnonzero(keep).tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    # A mean a turn, however long it is, and turns without tokens take no part.
    lengths = np.array([5, 1, 0, 2, 9, 1, 1, 4, 1, 1, 3])
    means = np.array([1, 2, 0, 3, 4, 5, 6, 7, 8, 9, 10.0])
    ragged = dart.high_entropy(np.repeat(means, lengths), lengths)
    assert np.flatnonzero(ragged).tolist() == [3, 4, 5, 6, 7, 8, 9, 10]


# Cobalt ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "best", "reward"),
    [(0.75, 0.5, 0.25), (0.5, 0.5, -0.1), (0.25, 0.5, -0.15), (0, 0.5, -0.2), (0.75, 0, 0.2), (1, 0.5, 1)],
)
def test_the_reward_of_an_improvement(rate: float, best: float, reward: float) -> None:
    assert cobalt.improvement(rate, best) == pytest.approx(reward)


def test_nothing_is_cut_behind_what_was_perfect_twice_or_is_too_long() -> None:
    assert cobalt.prefixes([0.2, 0.6, 1, 1, 1]) == [0, 1, 2, 3]
    assert cobalt.prefixes([0.2, 0.6, 1, 1, 1], passed=[False, True, True, True, True]) == [0, 1, 2]
    assert cobalt.prefixes([0.2, 0.6, 1, 1, 1], [100, 6000, 10_001, 12_000, 14_000]) == [0, 1]
    assert cobalt.prefixes([]) == []


def trajectory(number: int, *rates: float) -> cobalt.Trajectory:
    return cobalt.Trajectory(number, tuple(range(1, 2 * len(rates), 2)), rates, (0,) * len(rates))


def test_trajectories_must_vary_and_reach_1() -> None:
    fit, constant, stuck = trajectory(0, 0.2, 0.6, 1), trajectory(1, 0.5, 0.5), trajectory(2, 0, 0.9)
    assert cobalt.selected([fit, constant, stuck]) == [fit]
    assert cobalt.selected([constant]) == []
    assert cobalt.selected([trajectory(0, 1, 0.5, 1), trajectory(1, 1, 1)]) == [], "all began perfect"


@given(st.lists(st.floats(0, 1), max_size=8), st.integers(1, 4))
def test_the_chosen_vary_most(values: list[float], most: int) -> None:
    from itertools import combinations

    found = cobalt.max_variance(values, most)
    assert len(found) == min(most, len(values))
    best = max(np.var(pick) for pick in combinations(values, len(found))) if len(values) else 0
    assert (np.var(np.array(values)[found]) if len(found) else 0) == pytest.approx(best, abs=1e-12)


# Annealing and ladders ------------------------------------------------------------------------------------


def test_the_turn_limit_follows_from_what_was_played() -> None:
    made: Curriculum = Annealed(window=2)
    assert made.applied(Maze()).max_turns == 30
    one = [played(draw(), 1, 0, turns=(1,) * 20), played(draw(), 1, None, turns=(1,) * 4)]
    made = made.after(slot(), one)
    assert made.applied(Maze()).max_turns == 30, "the window is not over"
    made = made.after(slot(1), [played(draw(), *(0,) * 13, turns=(1,) * 4)])
    # Turns 20, 20, 4 and thirteen times 4 (the failed one is not counted): mean 96 / 16 = 6, at most 20.
    assert made.applied(Maze()).max_turns == 13
    with pytest.raises(ConfigError, match="setting"):
        made.applied(Lock())


def test_a_ladder_is_climbed_and_stepped_down() -> None:
    climb = Climb()
    told = {"rungs": 3, "up": 0.75, "down": 0.25, "window": 4}
    assert climb.after([True] * 3, **told).rung == 0, "too few to tell"
    climb = climb.after([False, True, True, True, True], **told)
    assert climb == Climb(rung=1), "the last four count, and none of them on the next rung"
    climb = climb.after([False] * 4, **told)
    assert climb == Climb(rung=0)
    assert Climb(rung=2).after([True] * 4, **told).rung == 2


@given(st.lists(st.lists(st.booleans(), max_size=9), max_size=12))
def test_a_ladder_is_never_left(steps: list[list[bool]]) -> None:
    climb = Climb()
    for new in steps:
        after = climb.after(new, rungs=3, up=0.8, down=0.2, window=3)
        assert 0 <= after.rung <= 2
        assert abs(after.rung - climb.rung) <= 1
        climb = after


def test_tasks_of_the_rung_and_some_below() -> None:
    made: Curriculum = Ladder(rehearsal=0.25, window=8)
    assert {int(one.task) // 4 for one in made.draws(slot())} == {0}
    made = made.after(slot(), [played(draw("0"), *[1.0] * 8), played(draw("11"), *[0.0] * 8)])
    draws = [one for step in range(100) for one in made.draws(slot(step))]
    assert len(draws) == 400
    levels = [int(one.task) // 4 for one in draws]
    assert set(levels) == {0, 1}
    assert levels.count(0) == pytest.approx(100, abs=3 * np.sqrt(400 * 0.25 * 0.75))
    with pytest.raises(ConfigError, match="task '0' has no number 'size'"):
        Ladder(field="size").draws(slot())


def test_a_setting_grows_harder() -> None:
    made: Curriculum = SettingLadder(setting="horizon", values=(2, 4), window=4)
    assert made.applied(Lock(digits=4)) == Lock(digits=4, horizon=2)
    made = made.after(slot(), [played(draw(), *[1.0] * 4)])
    assert made.applied(Lock(digits=4)) == Lock(digits=4, horizon=4)
    with pytest.raises(ConfigError, match="horizon"):
        SettingLadder(setting="horizont", values=(1,)).applied(Lock())
    with pytest.raises(ConfigError, match="horizon"):
        SettingLadder(setting="horizon", values=(0,)).applied(Lock())


# Names and states -----------------------------------------------------------------------------------------

NEEDED = {"cobalt": {"run": "r"}, "setting_ladder": {"setting": "horizon", "values": [1, 2]}}


def test_names_and_settings() -> None:
    assert make("exit", {"depth": 3}) == ExIt(depth=3)
    for name, options, said in (
        ("exxit", {}, "exit"),
        ("exit", {"dept": 3}, "depth"),
        ("exit", {"buffer": {}}, "unknown key"),
        ("exit", {"depth": "x"}, "depth"),
        ("exit", {"fresh": 2}, "fresh from 0 to 1"),
        ("dart", {"threshold": 1}, "threshold"),
        ("cobalt", {}, "run"),
        ("cobalt", {"run": "r", "most": 0}, "most >= 1"),
        ("exit", {"capacity": 0}, "capacity >= 1"),
        ("ladder", {"down": 0.9}, "down <= up"),
    ):
        with pytest.raises(ConfigError, match=said):
            make(name, options)


@pytest.mark.parametrize("name", CURRICULA)
def test_what_is_resumed_draws_what_the_unbroken_one_draws(name: str) -> None:
    made = make(name, NEEDED.get(name))
    if isinstance(made, cobalt.Cobalt):
        prompts = [cobalt.Prompt(task=t.id, start=Start(run="r", episode=1, at=3), best=0.5) for t in TASKS]
        made = cobalt.Cobalt(run="r", prompts=tuple(prompts))
    rng = Random(1)
    for step in range(12):
        draws = made.draws(slot(step))
        assert 0 < sum(one.count for one in draws) <= slot().most
        groups = [played(one, *(float(rng.random() < 0.5) for _ in range(one.count))) for one in draws]
        made = made.after(slot(step), groups)
        again = wire.decode(wire.encode(made), type(made))
        assert again == made
        assert again.draws(slot(step + 1)) == made.draws(slot(step + 1))


# At work: real episodes -----------------------------------------------------------------------------------

LOCK = Lock(horizon=3, digits=3)


def course_of(curriculum: Curriculum, run: Run) -> Course:
    tasks = TaskSet(list(LOCK.tasks())[:6])
    return Course(curriculum, tasks, groups=3, group=4, seed=5, role="agent", run=run)


def training(tmp_path: Path) -> Run:
    """A run to put episodes into."""
    store = Store(tmp_path / "runs.db")
    config = {"environment": "lock", "settings": LOCK.settings(), "agents": {"agent": {"use": "random"}}}
    return Run(store, store.create_run(environment="lock", planned=99, config=config, provenance={}))


def play(run: Run, jobs: Sequence[Job]) -> list[EpisodeLog]:
    async def go() -> None:
        cast = casting(run.config, LOCK, Given(LOCK))
        journal = run.store.journal(run.row.number)
        await Runner(LOCK, cast, journal, Tally(len(jobs)), concurrency=4).run(jobs, at_most=len(jobs))

    asyncio.run(go())
    return [log for _, log in run.store.read_many(run.row.number, [job.number for job in jobs])]


def test_without_a_curriculum_every_task_is_played_in_its_turn(tmp_path: Path) -> None:
    course = course_of(Curriculum(), training(tmp_path))
    jobs = [job for step in (0, 1) for job in course.jobs(step)]
    assert [job.number for job in jobs] == list(range(24))
    assert len({job.task.id for job in jobs}) == 6
    assert all(job.seed == seed_of(5, job.task.id, job.epoch) for job in jobs)
    assert len({job.seed for job in jobs}) == 24


def test_histories_are_forks_that_stand_where_their_parents_stood(tmp_path: Path) -> None:
    run = training(tmp_path)
    course = course_of(ExIt(fresh=0.0, turns=None), run)
    forks = 0
    for step in range(5):
        jobs = course.jobs(step)
        logs = play(run, jobs)
        for place, (job, log) in enumerate(zip(jobs, logs, strict=True)):
            start = course.drawn[place // 4].start
            assert job.number == step * 12 + place
            assert log.stop is not None
            if start is None:
                assert not log.branches
                continue
            parent = run.store.read(run.row.number, start.episode)
            assert log.turns[: start.at] == parent.turns[: start.at]
            states = [{n.turn: n.value for n in one.notes if n.name == "state"} for one in (log, parent)]
            assert states[0][start.at] == states[1][start.at]
            forks += 1
        course.learned(step, logs)
    assert forks > 12
    assert isinstance(course.curriculum, ExIt)
    depths = [entry.depth for entry in course.curriculum.held.entries]
    assert max(depths) >= 2
    replayed = turnwise.replay(run.id, store=run.store)
    assert replayed.diverged == 0
    assert replayed.replayed == 60


def test_a_killed_course_goes_on_as_an_unbroken_one(tmp_path: Path) -> None:
    run = training(tmp_path)
    course = course_of(ExIt(fresh=0.3), run)
    for step in range(3):
        course.learned(step, play(run, course.jobs(step)))
    course.save(tmp_path / "step-3" / "curriculum")
    unbroken = play(run, course.jobs(3))
    run.store.cut(run.row.number, 3 * 12)
    again = course_of(ExIt(fresh=0.3), run)
    again.load(tmp_path / "step-3" / "curriculum")
    assert [log.to_json() for log in play(run, again.jobs(3))] == [log.to_json() for log in unbroken]
    with pytest.raises(ConfigError, match="cannot read"):
        again.load(tmp_path / "nowhere")
    (tmp_path / "curriculum.json").write_text("[]")
    with pytest.raises(ConfigError, match="no state of this curriculum"):
        again.load(tmp_path)


def test_a_recalled_success_comes_back_from_the_store(tmp_path: Path) -> None:
    run = training(tmp_path)
    course = course_of(dart.Dart(least=4), run)
    recalled = 0
    for step in range(10):
        jobs = course.jobs(step)
        logs = play(run, jobs)
        before = course.curriculum
        assert isinstance(before, dart.Dart)
        learned = course.learned(step, logs)
        assert learned[: len(logs)] == logs
        recalled += len(learned) - len(logs)
        for log in learned[len(logs) :]:
            mine = [one for one in logs if one.task == log.task]
            assert log.score() == 1.0
            assert mine
            assert all(one.score() == 0 for one in mine)
    assert recalled


def test_prefixes_of_a_reference_run_are_played_on(tmp_path: Path) -> None:
    run = training(tmp_path)
    wood = turnwise.run(LOCK, "search", store=run.store, limit=6)
    course = course_of(cobalt.Cobalt(run=wood.id), run)
    assert isinstance(course.curriculum, cobalt.Cobalt)
    first = course.curriculum.prompts[0]
    assert first.best == 0.0
    with pytest.raises(ConfigError, match="cobalt: no episode"):
        course_of(cobalt.Cobalt(run=run.id), run)
    jobs = course.jobs(0)
    logs = play(run, jobs)
    for place, log in enumerate(logs):
        start = course.drawn[place // 4].start
        assert start is not None
        parent = wood.store.read(wood.row.number, start.episode)
        assert log.task == parent.task
        assert log.turns[: start.at] == parent.turns[: start.at]


def test_a_course_refuses_what_cannot_be_played(tmp_path: Path) -> None:
    class Greedy(Curriculum, frozen=True, kw_only=True):
        asked: tuple[Draw, ...]

        def draws(self, slot: Slot) -> list[Draw]:
            return list(self.asked)

    run = training(tmp_path)
    for asked, said in (
        ((), "draws 0 episodes"),
        ((draw("test-0", 13),), "draws 13 episodes"),
        ((draw("nobody", 4),), "'nobody', which is not"),
    ):
        with pytest.raises(ConfigError, match=said):
            course_of(Greedy(asked=asked), run).jobs(0)


def test_a_policy_learns_from_forks_of_its_own_episodes(tmp_path: Path) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")
    import lessons

    from turnwise.learn import tiny
    from turnwise.learn.journal import read_log
    from turnwise.learn.rows import batch_of

    tiny.save(tmp_path / "base", hidden=16, heads=2)
    exit_ = {"name": "exit", "fresh": 0.0, "turns": None}
    config = lessons.config(tmp_path, tasks_per_step=3, steps=3, curriculum=exit_)
    run = lessons.run(config, tmp_path / "runs.db")
    logs = list(run.logs())
    assert [bool(log.branches) for log in logs[:12]] == [False] * 12
    forked = [log for log in logs if log.branches]
    assert forked
    # A fork of two turns' episode says one: the shared one is context.
    assert len(batch_of(logs).batch.turns.episode) == 2 * len(logs) - len(forked)
    assert all(line["mismatch"] < 1e-5 for line in read_log(tmp_path / "out") if "mismatch" in line)
    assert turnwise.replay(run.id, store=run.store).diverged == 0


def test_single_turns_grow_into_histories(tmp_path: Path) -> None:
    """ExIt as published: an episode is one turn, and the next history goes on where it was cut off."""
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")
    import lessons

    from turnwise.learn import tiny

    tiny.save(tmp_path / "base", hidden=16, heads=2)
    config = lessons.config(tmp_path, tasks_per_step=3, steps=4, curriculum={"name": "exit", "fresh": 0.4})
    run = lessons.run(config, tmp_path / "runs.db")
    said = {0: 0, 1: 0}
    for log in run.logs():
        mine = [turn for turn in log.turns if turn.role == "agent"]
        grown = bool(log.branches)
        assert len(mine) == 1 + grown
        assert log.stop == ("completed" if grown else "max_turns")
        said[grown] += 1
    assert said[1] >= 4
    assert turnwise.replay(run.id, store=run.store).diverged == 0


def test_what_a_curriculum_changed_is_replayed_and_forked_as_it_was_played(tmp_path: Path) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")
    from turnwise.learn import tiny

    tiny.save(tmp_path / "base", hidden=16, heads=2)
    run = turnwise.train(
        environment="number_guess",
        settings={"high": 50, "max_turns": 9, "count": 20},
        model=f"hf/{tmp_path / 'base'}",
        curriculum={
            "name": "setting_ladder",
            "setting": "max_turns",
            "values": [2, 3],
            "success": -99.0,
            "window": 1,
        },
        max_tokens=3,
        steps=3,
        tasks_per_step=2,
        group=2,
        folder=str(tmp_path / "out"),
        store=tmp_path / "runs.db",
    )
    limits = [log.settings["max_turns"] for log in run.logs()]
    assert (limits[0], limits[-1]) == (2, 3)
    assert turnwise.replay(run.id, store=run.store).diverged == 0
    branch = turnwise.fork(f"{run.id}/0", at=1, agents={"agent": "solver"}, store=run.store)
    assert [log.settings["max_turns"] for log in branch.logs()] == [2]

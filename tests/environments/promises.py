"""What an environment promises, each promise as a check that raises AssertionError where it is broken.

`test_every_world.py` makes them of every registered environment, and of some that lie.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Any

import numpy as np
import pytest
from subjects import LONG, Asked, Course, Moment, Subject, legal, texts

import turnwise
from turnwise.engine.fork import prefix
from turnwise.environments.parts.world import WorldEnvironment
from turnwise.log import Branch
from turnwise.model import Request
from turnwise.task import Task

SLOW = 0.25
"""Seconds of CPU an environment may take, a reply, whatever the reply is; and a second more in all."""


def sound(subject: Subject, course: Course) -> None:
    """What holds for every episode: rewards in range, an end in time, and what was promised of each reply."""
    environment, log = subject.environment, course.log
    if (span := environment.reward_range) is not None:
        low, high = span
        for role in environment.roles:
            score = log.score(role)
            if score is not None:
                assert low - 1e-9 <= score <= high + 1e-9, (
                    f"{subject.name}: {role} has {score}, outside of reward_range {span}: {_told(course)}"
                )
    limit = LONG if environment.max_replies is None else environment.max_replies
    count = sum(1 for turn in log.turns if turn.role in environment.seats)
    assert count <= limit, f"{subject.name}: {count} replies, max_replies is {limit}"
    strange = {turn.role for turn in log.turns} - {*environment.seats, "environment", "tool", None}
    strange |= {reward.role for reward in log.rewards} - {*environment.seats, None}
    assert not strange, f"{subject.name}: {strange} are no roles"
    asked = [turn for turn in course.replies if turn.role in environment.roles]
    if environment.capabilities.state_key:
        keyed = {note.turn for note in log.notes if note.name == "state"}
        assert keyed >= {turn.index for turn in asked}, f"{subject.name}: a reply without a state"
    if isinstance(environment, WorldEnvironment):
        assert environment.reward_range is not None
        assert environment.max_replies is not None
        assert all(picture is not None for picture in course.pictures), f"{subject.name}: no picture"
        assert len(course.pictures) >= len(asked), f"{subject.name}: shows no pictures"


def plays_the_same_again(subject: Subject, agent: str, store: Path) -> None:
    """Seeded determinism and replay: the same bytes, whatever others do to the global random numbers."""
    logs: list[list[bytes]] = []
    for disturbance in (1, 2):
        random.seed(disturbance)
        np.random.seed(disturbance)
        run = _run(subject, agent, store, limit=3, seed=7)
        logs.append([log.to_json() for log in run.logs()])
        assert run.summary()["failed"] == 0
    assert logs[0] == logs[1], f"{subject.name}: the same seed, other bytes"
    replayed = turnwise.replay(run.id, store=store, environment=subject.environment)
    assert replayed == turnwise.Replayed(replayed=len(logs[0]))


def forks_share_their_past(subject: Subject, agent: str, store: Path, at: float) -> None:
    """Fork equality at the turn `at` (a share of all): the past is shared, the original stays."""
    run = _run(subject, agent, store, limit=1, seed=3)
    before = run.episode(0)
    turn = int(at * len(before.turns))
    copy = turnwise.fork(f"{run.id}/0", turn, store=store, environment=subject.environment)
    after = copy.episode(0)
    assert after.error is None, f"{subject.name}: a fork at {turn} failed: {after.error.message}"
    assert after.turns[:turn] == before.turns[:turn], f"{subject.name}: a fork at {turn} changed the past"
    replayed = turnwise.replay(copy.id, store=store, environment=subject.environment)
    assert replayed == turnwise.Replayed(replayed=1), f"{subject.name}: a fork at {turn}: {replayed}"
    assert run.episode(0).to_json() == before.to_json(), f"{subject.name}: a fork changed its original"


def a_copy_goes_on_alike(subject: Subject, at: float) -> None:
    """A copy made at the turn `at` in which everybody says what they said before, is the original."""
    for number, task in enumerate(subject.some(2)):
        before = subject.walk(task, reply=wild(subject), seed=number, draws=number)
        past = prefix(before.log, int(at * len(before.log.turns)))
        rest = before.tape[len(past.calls) :]
        after = subject.walk(task, rest, seed=number, draws="other", past=past)
        assert after.log.to_json() == before.log.to_json(), (
            f"{subject.name}: a copy made at {len(past.turns)} went elsewhere: {_told(before)}"
        )


def follows_from_replies(subject: Subject) -> None:
    """Declared `deterministic`: task, seed and replies are all that observations follow from."""
    for task in subject.some(2):
        first = subject.walk(task, seed=5, draws=1)
        sound(subject, first)
        random.seed(123)
        np.random.seed(123)
        again = subject.walk(task, first.tape, seed=5, draws=2)
        assert first.log.to_json() == again.log.to_json(), f"{subject.name}: the same replies, another log"


def offers_are_accepted(subject: Subject, walks: int = 6, *, fixed: bool = True) -> None:
    """Declared `action_ids`: what is offered is legal and has one id; random walks over it are never invalid.

    Args:
        subject: What is played.
        walks: How many.
        fixed: Whether a role always writes an action the same way.
    """
    known: dict[tuple[str, int], str] | None = {} if fixed else None
    rng = random.Random(f"offers/{subject.name}")
    tasks = subject.some(walks)
    for number in range(walks):
        task = tasks[number % len(tasks)]
        course = subject.walk(task, seed=number, draws=number)
        _accepted(subject, course, known)
        place = rng.randrange(len(course.asked))
        for action in _some(rng, texts(course.asked[place].offered), 4):
            choose = _first_then_legal(place, action.id, course.asked[:place])
            _accepted(subject, subject.walk(task, reply=choose, seed=number), known)


def offers_are_strict(subject: Subject) -> None:
    """An id that was not offered is refused by the `ActionSpace` with a ValueError."""

    def pry(request: Request, rng: random.Random) -> str:
        space = request.actions
        assert space is not None, f"{subject.name}: declares action_ids, and offers none"
        chosen = legal(space, rng)
        for wrong in (-1, 10**9):
            with pytest.raises(ValueError):  # noqa: PT011
                space.offer([*chosen[:-1], wrong])
        return space.render(chosen)

    subject.walk(subject.tasks[0], reply=pry)


def keys_tell_the_future(subject: Subject, walks: int = 30) -> int:
    """Declared `state_key`: after two histories with one key, the same replies have the same consequences.

    Chance draws anew from one seed at the key in both, so that it falls alike. Returns how many pairs of
    histories met.
    """
    rng = random.Random(f"keys/{subject.name}")
    met = 0
    for task in subject.some(2):
        by_key: dict[str, list[tuple[Course, int]]] = defaultdict(list)
        tapes: list[list[str]] = []
        for number in range(walks):
            tape = _mutated(rng, rng.choice(tapes)) if tapes and rng.random() < 0.6 else []
            course = subject.walk(task, tape, reply=wild(subject), draws=number)
            sound(subject, course)
            tapes.append(course.tape)
            for place, moment in enumerate(course.moments):
                if moment.key is not None:
                    by_key[moment.key].append((course, place))
        for one, other in _some(rng, list(_meetings(rng, by_key)), 25):
            met += 1
            _compare_futures(subject, task, one, other, rng.randrange(1 << 30))
    return met


def solver_knows(subject: Subject) -> None:
    """Declared `known_answer`: the solver is there, and does no worse than chance."""
    assert "solver" in subject.environment.agents(), f"{subject.name}: knows the answer, but has no solver"
    means: dict[str, float] = {}
    for name in ("solver", "random"):
        courses = [
            subject.watch(task, {subject.seats[0]: name}, seed=number)
            for number, task in enumerate(subject.some(4))
        ]
        for course in courses:
            sound(subject, course)
        means[name] = fmean(course.log.score() or 0.0 for course in courses)
    assert means["solver"] >= means["random"], f"{subject.name}: {means}"


def all_roles_play(subject: Subject) -> None:
    """Every required role says something in some episode."""
    spoke: set[str | None] = set()
    for number, task in enumerate(subject.some(4)):
        course = subject.watch(task, {subject.seats[0]: "random"}, seed=number)
        # Whoever speaks by rules makes no calls.
        spoke |= {turn.role for turn in course.log.turns}
    assert spoke >= set(subject.seats), f"{subject.name}: never asked {set(subject.seats) - spoke}"


def takes_anything(subject: Subject, task: Task, seat: str, replies: Sequence[Any], seed: int) -> Course:
    """Any reply at all in any seat is answered by an observation or ends the episode; nothing is raised.

    Args:
        subject: What is played.
        task: Its row.
        seat: Who is hostile; the other seats are filled as ever.
        replies: Functions from a sensible reply to a hostile one, said in turn, again and again.
        seed: Of the episode.
    """
    said = iter(replies)

    def hostile(request: Request, rng: random.Random) -> str:
        nonlocal said
        bend = next(said, None)
        if bend is None:
            said = iter(replies)
            bend = next(said)
        return bend(subject.sensible(request, rng))

    subject.lines()
    before = process_time()
    course = subject.walk(task, reply=hostile, seats=(seat,), seed=seed, draws=seed)
    spent = process_time() - before
    sound(subject, course)
    assert spent <= 1 + SLOW * len(course.replies), (
        f"{subject.name}: {spent:.1f} s for {len(course.replies)} replies: {_told(course)}"
    )
    return course


def _run(subject: Subject, agent: str, store: Path, **options: Any) -> turnwise.Run:
    seats = {**subject.agents, subject.seats[0]: agent}
    return turnwise.run(subject.environment, agents=seats, store=store, **options)


def _accepted(subject: Subject, course: Course, known: dict[tuple[str, int], str] | None) -> None:
    sound(subject, course)
    invalid = course.log.metrics.get("invalid")
    assert invalid == 0, f"{subject.name}: {invalid} legal replies were invalid: {_told(course)}"
    for moment in course.moments:
        assert moment.offered is not None, f"{subject.name}: declares action_ids, but offers none"
        assert moment.offered.actions, f"{subject.name}: offers nothing at all"
        for field in ("id", "text"):
            values = [getattr(action, field) for action in moment.offered.actions]
            assert len(set(values)) == len(values), f"{subject.name}: an {field} is offered twice: {values}"
        for action in moment.offered.actions if known is not None else ():
            text = known.setdefault((moment.role, action.id), action.text)
            assert text == action.text, f"{subject.name}: action {action.id} is {text!r} and {action.text!r}"


def _first_then_legal(place: int, first: int, before: Sequence[Asked]) -> Any:
    """Says what was said before `place`, there something legal that begins with `first`, and so on."""
    number = iter(range(LONG * 10))

    def reply(request: Request, rng: random.Random) -> str:
        at = next(number)
        if at < place:
            return before[at].said
        assert request.actions is not None
        return request.actions.render(legal(request.actions, rng, first if at == place else None))

    return reply


def wild(subject: Subject) -> Any:
    """Mostly sensible, sometimes what somebody said elsewhere, sometimes nonsense."""

    def reply(request: Request, rng: random.Random) -> str:
        if (draw := rng.random()) < 0.85:
            return subject.sensible(request, rng)
        if draw < 0.93:
            return rng.choice(subject.lines())
        return rng.choice(("", "what?", "0", "help me"))

    return reply


def _mutated(rng: random.Random, tape: Sequence[str]) -> list[str]:
    """A history like another: two replies swapped, one doubled, left out, or nonsense put in; cut off."""
    made = list(tape[: rng.randint(1, len(tape))])
    place = rng.randrange(len(made))
    match rng.randrange(5):
        case 0:
            made.insert(place, rng.choice(("", "what?", "-1")))
        case 1:
            made.insert(place, made[place])
        case 2:
            del made[place]
        case 3 if place:
            made[place - 1 : place + 1] = made[place], made[place - 1]
        case _:
            made[place] = rng.choice(tape)
    return made


def _meetings(
    rng: random.Random, by_key: dict[str, list[tuple[Course, int]]]
) -> Iterator[tuple[tuple[Course, int], tuple[Course, int]]]:
    """Pairs of different histories that came to one key."""
    for found in by_key.values():
        histories = {tuple(course.tape[:place]): (course, place) for course, place in found}
        chosen = _some(rng, list(histories.values()), 3)
        yield from combinations(chosen, 2)


def _compare_futures(
    subject: Subject, task: Task, one: tuple[Course, int], other: tuple[Course, int], seed: int
) -> None:
    """Both histories again, then the future of a walk from the first, said in both."""
    futures: list[Course] = []
    tail: list[str] = []
    for course, place in (one, other):
        # Chance draws anew at the key: once all is said that comes before the reply given there.
        here = Branch(turns=course.replies[place].index, effects=place, seed=seed)
        tape = course.tape[:place] + tail
        future = subject.walk(task, tape, reply=wild(subject), draws=seed, branches=[here])
        futures.append(future)
        tail = tail or future.tape[place:]
    met = list(zip(futures, (one[1], other[1]), strict=True))
    told = [
        [_seen(number, moment) for number, moment in enumerate(future.moments[place:])]
        for future, place in met
    ]
    cut = any(future.cut for future in futures)
    if cut:
        # Keys may leave out the clock: what is done with the last reply of all may differ.
        told = [after[: min(map(len, told)) - 1] for after in told]
    where = f"{subject.name}: key {one[0].moments[one[1]].key!r} after {_history(one)} and {_history(other)}"
    for number, (mine, theirs) in enumerate(zip(*told, strict=False)):
        assert mine == theirs, f"{where}: {number} replies later ({tail[: number + 1]}): {mine} and {theirs}"
    ends = [
        (len(after), future.log.stop, future.log.detail) for after, future in zip(told, futures, strict=True)
    ]
    assert cut or ends[0] == ends[1], f"{where}: after {tail}: {ends}"


def _seen(number: int, moment: Moment) -> Moment:
    """A moment of a future; what was told at the key itself belongs to the past."""
    return moment if number else moment._replace(told=())


def _history(point: tuple[Course, int]) -> list[str]:
    return point[0].tape[: point[1]]


def _told(course: Course) -> list[str]:
    return [text[:60] for text in course.tape]


def _some(rng: random.Random, things: Sequence[Any], count: int) -> list[Any]:
    return list(things) if len(things) <= count else rng.sample(things, count)

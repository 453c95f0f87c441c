"""Every registered environment keeps what environments promise, and what it declares besides.

New ones are picked up by themselves. `NEEDS` holds only what one of them needs to be small and quick, or
that is not installed everywhere. At the end are environments that lie, each in one way: the check that is
there for it catches them.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any, ClassVar, NamedTuple

import nonsense
import promises
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nonsense import SENSIBLE, Bend
from subjects import Subject

import turnwise
from turnwise import registry
from turnwise.action import Menu
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.episode import Episode
from turnwise.errors import ReplayDivergence
from turnwise.task import Task
from turnwise.tools.sandbox import detect


class Need(NamedTuple):
    """What one environment needs here."""

    settings: Mapping[str, Any] = {}
    """What makes it small."""
    agents: Mapping[str, str] = {}
    """Opponents that follow from the seed alone, and think quickly."""
    package: str | None = None
    """Which must be there."""
    fixed: bool = True
    """Whether a role always writes an action the same way."""
    every: int = 1
    """Which of the nonsense replies it hears: all, or each so many-th, where each takes a sandbox."""


CHESS = Need({"max_moves": 8}, {"opponent": "random"}, "chess", fixed=False)
"""Stockfish plays by the clock; and a move is written by what stands round it (`N e 5`, `N x e 5`)."""
SANDBOXED = ("m3tooleval", "mint")
NEEDS = {
    "chess": CHESS,
    "endgames": CHESS,
    "connect_four": Need({}, {"opponent": "random"}, "pyspiel"),
    "hanabi": Need(package="pyspiel"),
    "m3tooleval": Need(every=5),
    "mint": Need(every=5),
    "wilt": Need(every=5),
    "gui_exploration_lab": Need(package="PIL"),
    "gui_exploration_lab_step": Need(package="PIL"),
    "gui_exploration_lab_knowledge": Need(package="PIL"),
}
NAMES = list(registry.entries("environments"))
each = pytest.mark.parametrize("name", NAMES)


def each_with(capability: str) -> pytest.MarkDecorator:
    """The environments that declare a capability."""
    kinds = {name: registry.load("environments", name) for name in NAMES}
    return pytest.mark.parametrize(
        "name", [name for name, kind in kinds.items() if getattr(kind.capabilities, capability)]
    )


@cache
def subject_of(name: str) -> Subject:
    """The environment, small."""
    need = NEEDS.get(name, Need())
    return Subject(registry.load("environments", name)(**need.settings), need.agents)


def subject(name: str) -> Subject:
    """The environment, unless something is missing that it needs."""
    package = NEEDS.get(name, Need()).package
    if package and importlib.util.find_spec(package) is None:
        pytest.skip(f"{name} needs {package}; get it by: pip install 'turnwise[worlds]'")
    if name in SANDBOXED and not detect()[0].works:
        pytest.skip("bubblewrap does not work here; get it by: apt-get install bubblewrap")
    return subject_of(name)


@each
def test_the_same_seed_gives_the_same_bytes_and_replay_repeats_them(name: str, tmp_path: Path) -> None:
    promises.plays_the_same_again(subject(name), "random", tmp_path / "t.db")


@each_with("forkable")
def test_a_fork_shares_its_past_and_leaves_the_original_alone(name: str, tmp_path: Path) -> None:
    made, rng = subject(name), random.Random(f"fork/{name}")
    promises.forks_share_their_past(made, "random", tmp_path / "t.db", rng.random())
    for _ in range(3):
        promises.a_copy_goes_on_alike(made, rng.random())


@each_with("deterministic")
def test_observations_follow_from_the_replies(name: str) -> None:
    promises.follows_from_replies(subject(name))


@each_with("action_ids")
def test_what_is_offered_is_accepted(name: str) -> None:
    made = subject(name)
    promises.offers_are_accepted(made, fixed=NEEDS.get(name, Need()).fixed)
    promises.offers_are_strict(made)


@each_with("state_key")
def test_equal_keys_have_equal_futures(name: str) -> None:
    promises.keys_tell_the_future(subject(name))


@each_with("known_answer")
def test_the_solver_knows(name: str) -> None:
    promises.solver_knows(subject(name))


@each
def test_all_roles_are_asked(name: str) -> None:
    promises.all_roles_play(subject(name))


@each
def test_any_reply_at_all_is_answered(name: str) -> None:
    made = subject(name)
    tasks = made.some(5)
    for seat in made.environment.seats:
        for number, bend in enumerate(nonsense.ALL[:: NEEDS.get(name, Need()).every]):
            replies = [bend, bend, *[SENSIBLE] * 4] if number % 2 else [*[SENSIBLE] * 4, bend]
            promises.takes_anything(made, tasks[number % len(tasks)], seat, replies, number)


@each
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    bends=st.lists(nonsense.bends, min_size=1, max_size=6),
    seed=st.integers(0, 1 << 20),
    pick=st.randoms(use_true_random=False),
)
def test_any_reply_that_can_be_thought_of_is_answered(
    name: str, bends: list[Bend], seed: int, pick: random.Random
) -> None:
    made = subject(name)
    promises.takes_anything(made, pick.choice(made.tasks), pick.choice(made.environment.seats), bends, seed)


def test_no_environment_depends_on_the_order_of_a_set(tmp_path: Path) -> None:
    """Hashes of strings differ from process to process, and with them the order of a set of strings."""
    told = [_played_under(hash_seed) for hash_seed in ("1", "2")]
    assert [line.split()[0] for line in told[0]] == [name for name in NAMES if name in _quick_names()]
    differ = [one.split()[0] for one, other in zip(*told, strict=True) if one != other]
    assert not differ, f"other bytes under another PYTHONHASHSEED: {differ}"


def _quick_names() -> list[str]:
    return [
        name
        for name in NAMES
        if name not in SANDBOXED and importlib.util.find_spec(NEEDS.get(name, Need()).package or "turnwise")
    ]


def _played_under(hash_seed: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout.splitlines()


def _play_all() -> None:
    """One line an environment: its name and a digest of what happened in a few episodes."""
    import hashlib

    for name in _quick_names():
        made, digest = subject_of(name), hashlib.blake2b(digest_size=8)
        for number, task in enumerate(made.some(2)):
            for agent in ("random", "solver"):
                if agent in made.environment.agents():
                    course = made.watch(task, {made.seats[0]: agent}, seed=number)
                    digest.update(course.log.to_json())
            digest.update(made.walk(task, reply=promises.wild(made), seed=number).log.to_json())
        print(name, digest.hexdigest())


# Environments that lie --------------------------------------------------------------------------------


class Steps(World):
    """Walks to 3 from 0, one or two steps a reply; what lies is changed by the environments below."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.place = 0
        self.turns = 0
        self._says = "Say 1 or 2."

    def observe(self) -> str:
        return self._says

    def actions(self) -> Menu | None:
        return _ONE_OR_TWO

    def key(self) -> str | None:
        return f"{self.place}"

    def picture(self) -> str:
        return "." * self.place + "@"

    def step(self, reply: str) -> Step:
        self.turns += 1
        if reply not in ("1", "2"):
            self._says = "Only 1 or 2."
            return Step(valid=False)
        self.place += int(reply)
        self._says = f"You are at {self.place}, the wind blows {self.rng.randrange(1000)}."
        self.over = self.place >= 3
        return Step((Gain(float(self.over)),))


_ONE_OR_TWO = Menu.of(["1", "2"])


class Honest(WorldEnvironment, kw_only=True, frozen=True):
    """Keeps every promise."""

    kind: ClassVar[type[Steps]] = Steps

    @property
    def reward_range(self) -> tuple[float, float]:
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        return 6

    def world(self, task: WorldTask, rng: random.Random) -> Steps:
        return self.kind(rng)

    def agents(self) -> dict[str, Any]:
        return {"solver": lambda messages: "2", "random": lambda messages: "1"}


class WrongRange(Honest, kw_only=True, frozen=True):
    @property
    def reward_range(self) -> tuple[float, float]:
        return (0.0, 0.5)


class Endless(Honest, kw_only=True, frozen=True):
    """Its own script, which does not keep to the limit that it declares."""

    async def run(self, task: Task, episode: Episode) -> None:
        world = Steps(episode.rng)
        for _ in range(20):
            episode.show(world.picture)
            turn = await episode.agent.respond(world.observe(), actions=world.actions())
            episode.note(world.key(), turn, name="state")


class Merging(Steps):
    """One key for all places."""

    def key(self) -> str:
        return "somewhere"


class Forgetful(Steps):
    """Its reward depends on the turn, which the key does not tell."""

    def step(self, reply: str) -> Step:
        step = super().step(reply)
        return step._replace(gains=(Gain(1.0 / self.turns),)) if self.over else step


class Greedy(Steps):
    """Offers what it does not accept."""

    def actions(self) -> Menu:
        return Menu.of(["1", "2", "3"])


class Renumbering(Steps):
    """Numbers its actions anew each turn."""

    def actions(self) -> Menu:
        return Menu.of(["1", "2"] if self.turns % 2 else ["2", "1"])


class Lax(Menu):
    """Does not refuse what it did not offer."""

    def offer(self, chosen: Any) -> Any:
        return super().offer(()) if not chosen else super().offer((0,))


class Unstrict(Steps):
    def actions(self) -> Menu:
        return Lax(_ONE_OR_TWO.actions)


class Global(Steps):
    """Draws from everybody's random numbers."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(random)  # pyright: ignore[reportArgumentType]


class Haunted(Steps):
    """Remembers earlier episodes."""

    visits: ClassVar[list[int]] = [0]

    def observe(self) -> str:
        self.visits[0] += 1
        return f"{super().observe()} Visit {self.visits[0]}."


class Fragile(Steps):
    """Trips over what is no number."""

    def step(self, reply: str) -> Step:
        return super().step(str(int(reply)))


class Slow(Steps):
    """Takes its time for a long reply."""

    def step(self, reply: str) -> Step:
        until = process_time() + 0.5
        while len(reply) > 50_000 and process_time() < until:
            pass
        return super().step(reply)


class Unsolved(Honest, kw_only=True, frozen=True):
    def agents(self) -> dict[str, Any]:
        return {"random": lambda messages: "1"}


class Worse(Honest, kw_only=True, frozen=True):
    def agents(self) -> dict[str, Any]:
        return {"solver": lambda messages: "no idea", "random": lambda messages: "1"}


class Crowded(Honest, kw_only=True, frozen=True):
    """Has a role that it never asks."""

    roles: ClassVar[tuple[str, ...]] = ("agent", "referee")

    def agents(self) -> dict[str, Any]:
        return {**super().agents(), "referee/none": lambda messages: "?"}

    def defaults(self) -> dict[str, str]:
        return {"referee": "none"}


class Stateless(Steps):
    """Has no keys, though they are declared."""

    def key(self) -> None:
        return None


def _with(world: type[Steps]) -> type[Honest]:
    """An environment whose world lies."""
    return type(f"{world.__name__}Steps", (Honest,), {"kind": world, "__module__": __name__})


def _nonsense(made: Subject) -> None:
    for number, bend in enumerate(nonsense.ALL):
        promises.takes_anything(made, made.tasks[0], "agent", [bend], number)


def _walks(made: Subject) -> None:
    for number in range(10):
        promises.sound(made, made.walk(made.tasks[0], draws=number))


def _again(made: Subject) -> None:
    promises.follows_from_replies(made)


def _copied(made: Subject) -> None:
    promises.a_copy_goes_on_alike(made, 0.5)


CHECKS: list[Callable[[Subject], Any]] = [
    _walks,
    _again,
    _copied,
    promises.offers_are_accepted,
    promises.offers_are_strict,
    promises.keys_tell_the_future,
    promises.solver_knows,
    promises.all_roles_play,
    _nonsense,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_honest_pass(check: Callable[[Subject], Any]) -> None:
    check(Subject(Honest()))


def test_honest_keys_are_met_by_different_histories() -> None:
    assert promises.keys_tell_the_future(Subject(Honest())) > 10


@pytest.mark.parametrize(
    ("kind", "check", "why"),
    [
        (WrongRange, _walks, "outside of reward_range"),
        (Endless, _walks, "max_replies is 6"),
        (_with(Stateless), _walks, "without a state"),
        (_with(Global), _again, "another log"),
        (_with(Haunted), _again, "another log"),
        (_with(Haunted), _copied, "turn 0"),
        (_with(Greedy), promises.offers_are_accepted, "were invalid"),
        (_with(Renumbering), promises.offers_are_accepted, "action 0 is"),
        (_with(Unstrict), promises.offers_are_strict, "DID NOT RAISE"),
        (_with(Merging), promises.keys_tell_the_future, "replies later|after"),
        (_with(Forgetful), promises.keys_tell_the_future, "replies later"),
        (Unsolved, promises.solver_knows, "no solver"),
        (Worse, promises.solver_knows, "'solver': 0.0"),
        (Crowded, promises.all_roles_play, "never asked {'referee'}"),
        (_with(Fragile), _nonsense, "ValueError"),
        (_with(Slow), _nonsense, "s for 6 replies"),
    ],
)
def test_liars_are_caught(kind: type[Honest], check: Callable[[Subject], Any], why: str) -> None:
    with pytest.raises((AssertionError, ReplayDivergence, pytest.fail.Exception), match=why):
        check(Subject(kind()))


def test_a_fork_draws_chance_anew(tmp_path: Path) -> None:
    """Under another seed the wind blows otherwise, though the world holds the episode's random numbers."""
    store, made = tmp_path / "t.db", Honest()
    run = turnwise.run(made, "random", store=store, limit=1)
    copy = turnwise.fork(f"{run.id}/0", 3, seed=77, store=store, environment=made)
    before, after = ([turn.text for turn in kept.episode(0).turns] for kept in (run, copy))
    assert before[:3] == after[:3]
    assert before[4] != after[4]


if __name__ == "__main__":
    _play_all()

"""Every registered environment, with every agent it brings for its first role: scheduling changes no byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise import registry
from turnwise.engine.plan import seed_of
from turnwise.tools.sandbox import detect

NAMES = list(registry.entries("environments"))
CASES = [
    (name, agent)
    for name in NAMES
    for agent in registry.load("environments", name)().agents()
    if "/" not in agent
]

SMALLER: dict[str, dict[str, Any]] = {
    "chess": {"limit": 2, "settings": {"max_moves": 20}},
    "endgames": {"limit": 2},
    "connect_four": {"limit": 1},
}
"""Worlds whose players think long: fewer and shorter games, two at a time at the least."""


def play(name: str, agent: str, store: Path, **options: Any) -> turnwise.Run:
    kind = registry.load("environments", name)
    required = {role: _some(name, role) for role in kind.roles[1:]}
    return turnwise.run(name, agent, agents=required, store=store, **options)


def _some(name: str, role: str) -> str:
    """Any agent that the environment brings for a role."""
    own = registry.load("environments", name)().agents()
    return next(key.partition("/")[2] for key in own if key.startswith(f"{role}/"))


@pytest.mark.parametrize(("name", "agent"), CASES)
def test_concurrency_changes_no_byte_and_replay_repeats(name: str, agent: str, tmp_path: Path) -> None:
    if name == "mint" and not detect()[0].works:
        pytest.skip("bubblewrap does not work here; get it by: apt-get install bubblewrap")
    options = {"limit": 4, "epochs": 2, "seed": 11, "store": tmp_path / "t.db", **SMALLER.get(name, {})}
    one = play(name, agent, concurrency=1, **options)
    many = play(name, agent, concurrency=200, **options)
    logs = [log.to_json() for log in one.logs()]
    assert logs == [log.to_json() for log in many.logs()]
    assert one.summary()["failed"] == 0
    assert turnwise.replay(one.id, store=tmp_path / "t.db") == turnwise.Replayed(replayed=len(logs))


@pytest.mark.parametrize("name", NAMES)
def test_solvers_do_better_than_chance(name: str, tmp_path: Path) -> None:
    if name == "mint" and not detect()[0].works:
        pytest.skip("bubblewrap does not work here; get it by: apt-get install bubblewrap")
    # Whole games: whoever is better shows at their end.
    limit = SMALLER.get(name, {}).get("limit", 4)
    means = [
        play(name, agent, tmp_path / "t.db", limit=limit, epochs=2).score.mean
        for agent in ("solver", "random")
    ]
    assert means[0] > means[1]


def test_seeds_follow_from_run_task_and_epoch_alone(tmp_path: Path) -> None:
    whole = play("number_guess", "random", tmp_path / "t.db", seed=5)
    part = play("number_guess", "random", tmp_path / "t.db", seed=5, ids=("17", "3"))
    assert part.episode(0).to_json() == whole.episode(17).to_json()
    assert part.episode(1).to_json() == whole.episode(3).to_json()
    assert whole.episode(3).seed == seed_of(5, "3", 0)
    other = play("number_guess", "random", tmp_path / "t.db", seed=6, ids=("3",))
    assert other.episode(0).seed != whole.episode(3).seed

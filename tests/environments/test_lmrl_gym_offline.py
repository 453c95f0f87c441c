"""LMRL-Gym's offline data: made by scripted players, written as published rows, and read from them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise.environments.lmrl_gym import Maze, TextNav, Wordle
from turnwise.environments.lmrl_gym.maze import STARTS
from turnwise.environments.lmrl_gym.offline import published, read, write
from turnwise.environments.lmrl_gym.rows import trajectory
from turnwise.environments.parts.world import WorldTask
from turnwise.errors import ConfigError, TaskError
from turnwise.log import EpisodeLog, Stop

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"), "archer", "guess_my_city.json")

MADE: list[tuple[Any, dict[str, Any]]] = [
    (Maze(rules=False), {}),
    (Maze(observed="partially", rules=False), {"observed": "partially"}),
    (TextNav(rules=False, count=30), {}),
    (Wordle(rules=False, count=30), {}),
]


def file_of(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def earned(log: EpisodeLog) -> list[float | None]:
    return [reward.value for reward in log.rewards]


def said(log: EpisodeLog) -> list[str]:
    return [turn.text.strip().replace(" ", "") for turn in log.turns if turn.role == "agent"]


@pytest.mark.parametrize(("environment", "settings"), MADE)
def test_what_is_made_is_read_back(environment: Any, settings: dict[str, Any], tmp_path: Path) -> None:
    run = turnwise.run(environment, "mixed", store=tmp_path / "runs.db", seed=3)
    logs = list(run.logs())
    path = tmp_path / "data.jsonl"
    assert write(logs, path) == len(logs) >= 25
    back = list(read(path, environment.name, **settings))
    assert [log.score() for log in back] == [log.score() for log in logs]
    assert [said(log) for log in back] == [said(log) for log in logs]
    assert [earned(log) for log in back] == [earned(log) for log in logs]
    assert [published(log) for log in back] == [published(log) for log in logs]
    assert EpisodeLog.from_json(back[0].to_json()) == back[0]


def test_the_fully_observed_maze_is_steps_of_one_context_each(tmp_path: Path) -> None:
    task = WorldTask(id="0", seed=STARTS.index((6, 6)))
    run = turnwise.run(Maze(rules=False), "solver", store=tmp_path / "runs.db", tasks=[task])
    row = published(next(iter(run.logs())))
    walls = "There are walls to your right, to your left.\n"
    here = "The goal is at position 8, 6. Your current position is at position"
    assert row == [
        {"state": f"{here} 6, 6. {walls}", "action": "move down\n", "reward": -1.0, "done": False},
        {"state": f"{here} 7, 6. {walls}", "action": "move down\n", "reward": 0.0, "done": True},
    ]
    log = next(read(file_of(tmp_path, row), "maze"))
    for call in log.calls:
        assert [message.text for message in log.shown(call)] == [row[call.n]["state"]]


def test_the_partially_observed_maze_shows_the_last_forty_texts(tmp_path: Path) -> None:
    texts = ["There is a wall above you.\n", "move up\n"] * 50
    row = {"text_history": texts, "rewards": [0.0, -1.0] * 50, "dones": [False] * 99 + [True]}
    log = next(read(file_of(tmp_path, row), "maze", observed="partially"))
    assert (log.score(), log.stop, len(log.calls)) == (-50, Stop.COMPLETED, 50)
    assert [len(log.view(call)) for call in log.calls] == [min(2 * n + 1, 40) for n in range(50)]
    assert log.view(log.calls[-1]) == tuple(range(59, 99))


def test_wordle_rows_have_letters_apart(tmp_path: Path) -> None:
    row = {
        "sequence": [
            ["Wordle:\n", 0.0],
            ["o n i o n\n", 1.0],
            ["y y b y y\n", 0.0],
            ["s t o n e\n", 1.0],
            ["g g g g g\n", 0.0],
        ],
        "reward": [-1.0, 0.0, 0.0, 0.0],
        "done": True,
    }
    log = next(read(file_of(tmp_path, row), "wordle"))
    assert (earned(log), log.stop) == ([-1, 0], Stop.COMPLETED)
    assert [message.text for message in log.shown(log.calls[1])] == [
        "Wordle:\n",
        "o n i o n\n",
        "y y b y y\n",
    ]
    assert published(log) == row


def test_text_nav_rows_may_be_one_list(tmp_path: Path) -> None:
    row = {"text_history": ["a room", "go west", "a fridge"], "rewards": [1.0], "dones": [True]}
    path = tmp_path / "bc_full_info.json"
    path.write_text(json.dumps([row, row]))
    logs = list(read(path, "text_nav"))
    assert [log.score() for log in logs] == [1, 1]
    assert [log.task["id"] for log in logs] == ["0", "1"]
    assert published(logs[0]) == row


def test_a_line_of_steps_is_one_episode(tmp_path: Path) -> None:
    steps = [{"state": "a", "action": "e 4", "reward": 0.0}, {"state": "b", "action": "Q h 5", "reward": 1.0}]
    logs = list(read(file_of(tmp_path, steps), "chess"))
    assert [(log.score(), len(log.turns), log.stop) for log in logs] == [(1, 4, Stop.MAX_TURNS)]


def test_a_question_costs_one_and_the_right_one_nothing() -> None:
    lines = ["Is it alive? No.", "Is it a chair? Yes."]
    told = trajectory({"lines": lines, "correct": True, "word": ["chair"]})
    assert [(text.text, text.reward) for text in told.texts] == [
        ("Questions:\n", 0),
        ("Is it alive?\n", -1),
        ("No.\n", 0),
        ("Is it a chair?\n", 0),
        ("Yes.\n", 0),
    ]
    assert told.done
    assert not trajectory({"lines": lines, "correct": False, "word": ["chair"]}).done
    assert trajectory({"lines": lines * 10, "correct": False, "word": ["chair"]}).done


@pytest.mark.skipif(not DATA.is_file(), reason="needs ArCHer's guess_my_city.json: set TURNWISE_DATA")
def test_the_published_dialogues_are_read() -> None:
    logs = list(read(DATA, "guess_my_city"))
    rows = json.loads(DATA.read_bytes())
    assert len(logs) == 950
    assert [log.score() for log in logs] == [-len(row["conversation"]) + int(row["done"]) for row in rows]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "rows.jsonl:1: not JSON"),
        ("3", "rows.jsonl:1: expected a list of steps"),
        ('{"text": 1}', "rows.jsonl:1: expected a list of steps"),
        ('{"text_history": ["a", "b"], "rewards": [1, 2, 3], "dones": []}', "rewards: 3 of them for 2 texts"),
        ('{"sequence": [["a", 0]], "reward": [1], "done": true}', "reward: 1 of them for 1 texts"),
        ('{"sequence": "no", "reward": [1], "done": true}', r"\$.sequence"),
        ('{"lines": ["Is it. No."], "correct": false}', "line 0: expected a question"),
        ('\n[{"state": "a", "action": 3, "reward": 0}]', r"rows.jsonl:2: .*\$\[0\].action"),
    ],
)
def test_what_is_no_row_is_told_where_and_why(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(TaskError, match=says):
        list(read(path, "maze"))


def test_only_what_the_benchmark_has_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        list(read(tmp_path / "none.jsonl", "maze"))
    run = turnwise.run(Maze(), "solver", store=tmp_path / "runs.db", limit=1)
    with pytest.raises(ConfigError, match="rules=false"):
        write(run.logs(), tmp_path / "data.jsonl")
    with pytest.raises(ConfigError, match="no published rows for environment 'lock'"):
        published(EpisodeLog(environment="lock", task={"id": "0"}))

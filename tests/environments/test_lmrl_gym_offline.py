"""LMRL-Gym's offline data: made by scripted players, written as published rows, and read from them."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

import turnwise
from turnwise.environments.lmrl_gym import Maze
from turnwise.environments.lmrl_gym.car_dealer import CarDealer
from turnwise.environments.lmrl_gym.chess import Chess, ChessTask, Endgames
from turnwise.environments.lmrl_gym.chess.stockfish import GET_IT, program
from turnwise.environments.lmrl_gym.datasets import DATA_SETS, data_set
from turnwise.environments.lmrl_gym.guess_my_city import GuessMyCity, GuessMyCityTask
from turnwise.environments.lmrl_gym.maze import STARTS
from turnwise.environments.lmrl_gym.normalised import MEASURED, SCALES, scale
from turnwise.environments.lmrl_gym.offline import published, read, write
from turnwise.environments.lmrl_gym.rows import trajectory
from turnwise.environments.parts.world import WorldTask
from turnwise.errors import ConfigError, TaskError
from turnwise.log import EpisodeLog, Stop
from turnwise.store.store import Store
from turnwise.synth import lmrl_gym
from turnwise.synth.lmrl_gym import make

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"), "archer", "guess_my_city.json")

needs_stockfish = pytest.mark.skipif(program() is None, reason=f"Stockfish is not installed: {GET_IT}")


def file_of(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def earned(log: EpisodeLog) -> list[float | None]:
    return [reward.value for reward in log.rewards]


def said(log: EpisodeLog) -> list[str]:
    return [turn.text.strip().replace(" ", "") for turn in log.turns if turn.role == "agent"]


@pytest.mark.parametrize("name", DATA_SETS)
def test_what_is_made_is_read_back(name: str, tmp_path: Path) -> None:
    """Every task: played by the mixture, written as published rows, read, and written again the same."""
    made, path, store = DATA_SETS[name], tmp_path / "data.jsonl", Store(tmp_path / "runs.db")
    count = 3 if made.environment == "chess" else 30
    quick = {"seconds": 0.001} if made.engines else {}
    told = asyncio.run(make(name, path, episodes=count, seed=3, agent="mixed", settings=quick, store=store))
    logs = list(turnwise.open_run("last", store=store).logs())
    back = list(read(path, made.environment, **made.settings))
    assert (told.episodes, len(back), len(logs)) == (count, count, count)
    assert sum(log.score() or 0 for log in back) / count == pytest.approx(told.mean)
    assert [log.score() for log in back] == pytest.approx([log.score() for log in logs])
    assert [said(log) for log in back] == [said(log) for log in logs]
    assert [published(log) for log in back] == [published(log) for log in logs]
    assert [log.stop for log in back] == [Stop.COMPLETED] * count
    assert EpisodeLog.from_json(back[0].to_json()) == back[0]
    # As many grades of skill as there are: not all episodes go alike.
    assert len({tuple(said(log)) for log in logs}) > count / 3


def test_sets_repeat_and_differ_by_seed(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        asyncio.run(make("car_dealer", file, episodes=20, seed=seed))
    first, same, other = (file.read_bytes() for file in files)
    assert first == same != other


def test_a_set_has_as_many_rows_as_asked_for_whatever_the_tasks(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert asyncio.run(make("guess_my_city", path, episodes=130, agent="solver")).episodes == 130
    cities = [json.loads(line)["word"][0] for line in path.read_text().splitlines()]
    assert (len(set(cities)), cities[100:]) == (100, cities[:30])


def test_the_command_makes_a_set_and_says_its_mean(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    app = lmrl_gym.typer.Typer()
    app.command()(lmrl_gym.command)
    asked = ["maze", "--to", str(path), "-n", "25", "--agent", "solver", "--set", "max_steps=40"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "25 episodes of solver" in done.output
    assert "mean score -6.840" in done.output
    assert len(path.read_text().splitlines()) == 25
    wrong = CliRunner().invoke(app, ["mase", "--to", str(path)])
    assert wrong.exit_code == 2
    assert "did you mean 'maze'" in wrong.output


@needs_stockfish
def test_engines_of_several_strengths_play_where_there_are_any(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert data_set("chess").agent == data_set("endgames").agent == "engines"
    told = asyncio.run(make("endgames", path, episodes=4, settings={"seconds": 0.001, "pieces": ["kQRK"]}))
    assert told.agent == "engines"
    assert all("action" in step for log in path.read_text().splitlines() for step in json.loads(log))


def test_our_own_players_play_chess_where_there_are_no_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnwise.environments.lmrl_gym.datasets.program", lambda: None)
    assert {made.agent for made in DATA_SETS.values()} == {"mixed"}


MEANS = [name for name in (*SCALES, *MEASURED) if name not in ("chess", "endgames", "wordle_official")]


@pytest.mark.parametrize("name", MEANS)
def test_the_data_set_is_at_fifty_and_the_solver_at_a_hundred(name: str, tmp_path: Path) -> None:
    """Within what 300 episodes show. Half seen, the maze's published maximum is that of one without a map."""
    base = name.removesuffix("_revenue")
    settings = {"reward": "revenue"} if base != name else {}

    def mean(agent: str) -> float:
        return asyncio.run(make(base, tmp_path / "x", episodes=300, agent=agent, settings=settings)).mean

    made = DATA_SETS[base]
    known = scale(made.environment, **{**made.settings, **settings})
    assert known == {**SCALES, **MEASURED}[name]
    assert known.published == (name in SCALES)
    assert known.normalised(mean("mixed")) == pytest.approx(50, abs=8)
    if name != "maze_partially_observed":
        assert known.normalised(mean("solver")) == pytest.approx(100, abs=4)


def test_all_eight_tasks_have_a_scale() -> None:
    for made in DATA_SETS.values():
        known = scale(made.environment, **made.settings)
        assert [known.normalised(at) for at in known[:3]] == [0, 50, 100]
    assert scale("wordle", words="official").maximum == -1.942
    with pytest.raises(ConfigError, match="no scale for environment 'lock'"):
        scale("lock")


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


def test_a_game_of_chess_is_a_step_a_move(tmp_path: Path) -> None:
    """Two moves by hand: the queen goes to the seventh rank, the king steps aside, and she mates."""
    task = ChessTask(id="0", seed=0, fen="5k2/8/5K2/8/8/8/Q7/8 w - - 0 1")
    for spaced in (True, False):
        run = turnwise.run(
            Endgames(rules=False, spaced=spaced),
            ["Qa7", "Qg7#"] if not spaced else ["Q a 7", "Q g 7 #"],
            agents={"opponent": ["Kg8" if not spaced else "K g 8"]},
            store=tmp_path / "runs.db",
            tasks=[task],
        )
        row = published(next(iter(run.logs())))
        assert [step["action"] for step in row] == ["Q a 7\n", "Q g 7 #\n"]
        assert [(step["reward"], step["done"]) for step in row] == [(0, False), (1, True)]
        assert row[1]["state"] == "6 k 1 / Q 7 / 5 K 2 / 8 / 8 / 8 / 8 / 8   w   -   -   2   2"
    log = next(read(file_of(tmp_path, row), "endgames"))
    assert published(log) == row
    assert [message.text for message in log.shown(log.calls[1])] == [row[1]["state"]]


def test_an_illegal_move_costs_and_a_lost_game_ends(tmp_path: Path) -> None:
    """The fool's mate, after a move that is none."""
    run = turnwise.run(
        Chess(rules=False, count=1),
        ["K e 5", "f 3", "g 4"],
        agents={"opponent": ["e 5", "Q h 4 #"]},
        store=tmp_path / "runs.db",
    )
    row = published(next(iter(run.logs())))
    assert [(step["reward"], step["done"]) for step in row] == [(-1, False), (0, False), (-1, True)]
    assert row[0]["state"] == row[1]["state"]


def test_a_move_alone_is_an_episode(tmp_path: Path) -> None:
    rows = [
        {"from_state": "6k1/8/8/8/8/8/8/K6Q w - - 0 1", "action": "Qh5"},
        {"from_state": "6 k 1 / 8 / 8   w   -", "action": "K a 2\n", "reward": 1.0, "done": True, "round": 3},
    ]
    logs = list(read(file_of(tmp_path, *rows), "endgames"))
    assert [turn.text for turn in logs[0].turns] == [
        "6 k 1 / 8 / 8 / 8 / 8 / 8 / 8 / K 6 Q   w   -   -   0   1",
        "Q h 5\n",
    ]
    assert [turn.text for turn in logs[1].turns] == ["6 k 1 / 8 / 8   w   -", "K a 2\n"]
    assert [(log.score(), log.stop) for log in logs] == [(0, Stop.MAX_TURNS), (1, Stop.COMPLETED)]


DEAL: dict[str, Any] = {
    "buyer_info": {
        "personality": "polite",
        "preferred_brands": "a Ford",
        "preferred_type": "truck",
        "preferred_features": ["sunroof", "heated seats"],
        "budget": 30000,
    },
    "lines": [
        {"role": "Seller", "text": "Hello."},
        {"role": "Seller", "text": "A truck for $50,000?\n"},
        {"role": "Buyer", "text": "Too much."},
        {"role": "Seller", "text": "$36,000?"},
        {"role": "Buyer", "text": "Done!"},
    ],
    "output": {"car_bought": True, "msrp": 50000, "buy_price": 36000},
}


@pytest.mark.parametrize(
    ("output", "reward", "worth"),
    [
        # 36,000 / (0.5 * (30,000 + 50,000)); -(30,000 - 50,000) / 50,000; -(30,000 - 24,000) / 24,000.
        ({"car_bought": True, "msrp": 50000, "buy_price": 36000}, "fancy", 0.9),
        ({"car_bought": True, "msrp": 50000, "buy_price": 36000}, "revenue", 36),
        ({"car_bought": False, "msrp": 50000, "buy_price": None}, "fancy", 0.4),
        ({"car_bought": False, "msrp": 24000, "buy_price": None}, "fancy", -0.25),
        ({"car_bought": False, "msrp": 24000}, "revenue", 0),
        ({"car_bought": True, "msrp": 50000, "buy_price": None}, "fancy", 0),
        ({"car_bought": True, "msrp": 0, "buy_price": 9000}, "fancy", 0),
    ],
)
def test_a_deal_pays_the_last_thing_the_seller_said(
    output: dict[str, Any], reward: str, worth: float, tmp_path: Path
) -> None:
    row = {**DEAL, "output": output}
    log = next(read(file_of(tmp_path, row), "car_dealer", reward=reward))
    assert [(turn.text, turn.role == "agent") for turn in log.turns] == [
        ("Start\n", False),
        ("Hello. A truck for $50,000?\n", True),
        ("Too much.\n", False),
        ("$36,000?\n", True),
        ("Done!\n", False),
    ]
    assert earned(log) == [0, pytest.approx(worth)]
    assert log.stop is Stop.COMPLETED
    assert log.task["features"] == ["sunroof", "heated seats"]
    back = published(log)
    assert back["buyer_info"] == row["buyer_info"]
    assert back["output"] == {"buy_price": None, **output}
    assert len(back["lines"]) == 4


def test_a_deal_without_an_output_is_not_over(tmp_path: Path) -> None:
    row = {key: value for key, value in DEAL.items() if key != "output"}
    log = next(read(file_of(tmp_path, row), "car_dealer"))
    assert (log.stop, earned(log), log.metrics) == (Stop.MAX_TURNS, [0, 0], {})
    assert "output" not in published(log)


def test_the_row_of_a_deal_hides_what_the_seller_did_not_hear(tmp_path: Path) -> None:
    """The buyer is told who it is, and decides in a line of its own: neither is said to the seller."""
    says = "Output: Decision=Reject MSRP=$40,000"
    run = turnwise.run(
        CarDealer(rules=False, count=1),
        ["A Ford for $40,000.", "Please!"],
        agents={"buyer": ["No.", says]},
        store=tmp_path / "runs.db",
    )
    log = next(iter(run.logs()))
    row = published(log)
    assert [(line["role"], line["text"]) for line in row["lines"]] == [
        ("Seller", "A Ford for $40,000."),
        ("Buyer", "No."),
        ("Seller", "Please!"),
    ]
    assert row["output"] == {"car_bought": False, "msrp": 40000, "buy_price": None}
    assert row["buyer_info"]["budget"] == log.task["budget"]
    back = next(read(file_of(tmp_path, row), "car_dealer"))
    assert back.score() == pytest.approx(log.score())
    assert published(back) == row


@pytest.mark.parametrize("oracle", [None, "table"])
def test_the_row_of_a_game_is_the_same_whoever_answers(oracle: str | None, tmp_path: Path) -> None:
    run = turnwise.run(
        GuessMyCity(instructions=False),
        ["Well. Is it in Europe", "Which country is it in?", "Is it Paris?"],
        agents={"oracle": oracle} if oracle else {},
        store=tmp_path / "runs.db",
        tasks=[GuessMyCityTask(id="0", city="Paris")],
    )
    row = published(next(iter(run.logs())))
    assert row == {
        "lines": [
            "Well. Is it in Europe? Yes.",
            "Which country is it in? It is in France.",
            "Is it Paris? Yes.",
        ],
        "correct": True,
        "word": ["Paris,France"],
    }
    assert next(read(file_of(tmp_path, row), "guess_my_city")).score() == -2


def test_failed_episodes_are_left_out(tmp_path: Path) -> None:
    run = turnwise.run(Maze(rules=False), "solver", store=tmp_path / "runs.db", limit=2)
    first, second = run.logs()
    broken = msgspec.structs.replace(first, stop=Stop.ERROR)
    assert write([broken, second], tmp_path / "rows.jsonl") == 1


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
    assert trajectory({"lines": lines, "correct": False}, questions=2).done


@pytest.mark.skipif(not DATA.is_file(), reason="needs ArCHer's guess_my_city.json: set TURNWISE_DATA")
def test_the_published_dialogues_are_read() -> None:
    logs = list(read(DATA, "guess_my_city"))
    rows = json.loads(DATA.read_bytes())
    assert len(logs) == 950
    assert [log.score() for log in logs] == [-len(row["conversation"]) + int(row["done"]) for row in rows]
    assert [log.task["word"] for log in logs] == [[row["word"]] for row in rows]
    written = [published(log) for log in logs]
    assert [row["correct"] for row in written] == [row["done"] for row in rows]
    assert [" ".join(row["lines"]).split() for row in written] == [
        " ".join(row["conversation"]).split() for row in rows
    ]


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
        ('{"from_state": "8/8", "action": 3}', r"\$.action"),
        ('{"buyer_info": {"personality": "rude"}, "lines": []}', "preferred_brands.*buyer_info"),
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

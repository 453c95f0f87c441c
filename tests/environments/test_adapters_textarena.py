"""TextArena's games with our roles: the same observations and rewards as in TextArena itself."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

import turnwise
from turnwise import registry
from turnwise.environments.adapters.textarena import Chance
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog

ta = pytest.importorskip("textarena", reason="textarena is not installed")


def alone(game: str, log: EpisodeLog, players: int) -> tuple[dict[int, float], dict[int, str]]:
    """Rewards, and all that each player was told, when TextArena plays the log's replies by itself."""
    kept = random.getstate()
    try:
        random.setstate(random.Random(log.task["seed"]).getstate())
        there = ta.make(game)
        there.reset(num_players=players, seed=log.task["seed"])
        told: dict[int, str] = {}
        for turn in log.turns:
            if turn.role in ("agent", *(f"player_{number}" for number in range(players))):
                player, text = there.get_observation()
                told[player] = text
                assert turn.role in ("agent", f"player_{player}")
                there.step(action=turn.text)
        rewards, _ = there.close()
        return rewards, told
    finally:
        random.setstate(kept)


@pytest.mark.parametrize(
    ("game", "players"),
    [("TicTacToe-v0", 2), ("Mastermind-v0", 1), ("Sokoban-v0", 1), ("KuhnPoker-v0", 2)],
)
def test_its_own_rewards_and_observations(game: str, players: int, tmp_path: Path) -> None:
    run = turnwise.run(f"textarena:{game}", "random", limit=4, store=tmp_path / "s.db", concurrency=4)
    for log in run.logs():
        rewards, told = alone(game, log, players)
        for player in range(players):
            role = f"player_{player}" if players > 1 else "agent"
            assert log.score(role) == rewards[player]
            heard = "\n".join(
                turn.text for turn in log.turns if turn.role not in log.roles and role in (turn.to or (role,))
            )
            # Their player reads everything again at each turn, its own words too, which our role knows.
            assert set(lines(told[player], player)) <= set(lines(heard, player))
    replayed = turnwise.replay(run.id, store=tmp_path / "s.db")
    assert (replayed.replayed, replayed.errors) == (4, {})


def lines(text: str, player: int) -> list[str]:
    """What is said in `text` by others than `player`, up to blanks."""
    return [
        line.strip()
        for line in text.splitlines()
        if line.strip() and not line.startswith(f"[Player {player}]") and not line.startswith("[Player]")
    ]


def test_each_player_is_told_its_own_card(tmp_path: Path) -> None:
    log = turnwise.run("textarena:KuhnPoker-v0", "random", limit=1, store=tmp_path / "s.db").episode(0)
    cards = {}
    for turn in log.turns:
        if found := re.search(r"round 1 out of 3 rounds. Your card is: '(.)'", turn.text):
            assert turn.to is not None
            assert len(turn.to) == 1
            cards.setdefault(turn.to[0], found[1])
    assert len(cards) == 2
    assert cards["player_0"] != cards["player_1"]


def test_a_game_played_out_by_hand(tmp_path: Path) -> None:
    # Cells 0 1 2 in a row win for who begins, whatever the other does in the last row.
    games = {"player_0": ["[0]", "[1]", "[2]"], "player_1": ["[6]", "[7]"]}
    log = turnwise.run("textarena:TicTacToe-v0", agents=games, limit=1, store=tmp_path / "s.db").episode(0)
    first = log.turns[1].role
    other = "player_1" if first == "player_0" else "player_0"
    assert first == "player_0"
    assert (log.score(first), log.score(other)) == (1.0, -1.0)
    assert log.stop == "completed"
    assert "Player 0" in log.detail


def test_a_refused_move_is_an_observation_then_a_loss(tmp_path: Path) -> None:
    games = {"player_0": ["[0]", "nonsense", "nothing"], "player_1": ["[6]"]}
    log = turnwise.run("textarena:TicTacToe-v0", agents=games, limit=1, store=tmp_path / "s.db").episode(0)
    assert log.metrics["invalid"] == 2
    assert "attempted an invalid move" in log.turns[6].text
    assert (log.score("player_0"), log.score("player_1")) == (-1.0, 1.0)


def test_a_reply_that_trips_the_game_is_asked_again(tmp_path: Path) -> None:
    games = {"player_0": [f"[{'9' * 9000}]", "\ud800[", "[0]", "[1]", "[2]"], "player_1": ["[6]", "[7]"]}
    log = turnwise.run("textarena:TicTacToe-v0", agents=games, limit=1, store=tmp_path / "s.db").episode(0)
    assert log.metrics["invalid"] == 2
    assert log.score("player_0") == 1.0
    assert turnwise.replay("last", store=tmp_path / "s.db").errors == {}


def test_episodes_at_once_do_not_touch_each_other(tmp_path: Path) -> None:
    texts = []
    for concurrency in (1, 50):
        random.seed(concurrency)
        run = turnwise.run(
            "textarena:Mastermind-v0",
            "random",
            limit=10,
            settings={"record": False},
            concurrency=concurrency,
            store=tmp_path / f"{concurrency}.db",
        )
        logs = sorted(run.logs(), key=lambda log: log.task["id"])
        texts.append([[turn.text for turn in log.turns] for log in logs])
        assert turnwise.replay(run.id, store=tmp_path / f"{concurrency}.db").errors == {}
    assert texts[0] == texts[1]


def test_the_global_random_numbers_are_left_alone() -> None:
    import numpy as np

    random.seed(5)
    np.random.seed(5)
    before = random.getstate()
    ours = Chance(1)
    with ours.in_place():
        drawn = random.random(), np.random.random()
    with ours.in_place():
        assert (random.random(), np.random.random()) != drawn
    assert random.getstate() == before
    random.seed(1)
    assert random.random() == drawn[0]


def test_a_fork_plays_the_record_again(tmp_path: Path) -> None:
    games = {"player_0": ["[0]", "[1]", "[2]"], "player_1": ["[6]", "[7]"]}
    run = turnwise.run("textarena:TicTacToe-v0", agents=games, limit=1, store=tmp_path / "s.db")
    fork = turnwise.fork(
        f"{run.id}/0",
        5,
        agents={"player_0": ["[3]", "[5]"], "player_1": ["[4]", "[8]"]},
        store=tmp_path / "s.db",
    )
    log = fork.episode(0)
    said = [turn.text for turn in log.turns if turn.role in log.roles]
    assert said[:2] == ["[0]", "[6]"]
    assert said != [turn.text for turn in run.episode(0).turns if turn.role in log.roles]


def test_numbers_of_players() -> None:
    assert registry.load("environments", "textarena:Mastermind-v0").roles == ("agent",)
    assert len(registry.load("environments", "textarena:LiarsDice-v0").roles) == 2
    assert len(registry.load("environments", "textarena:LiarsDice-v0@4").roles) == 4
    with pytest.raises(ConfigError, match="does not start with 3 to 3 players"):
        registry.load("environments", "textarena:TicTacToe-v0@3")
    with pytest.raises(ConfigError, match="1 to 16 players, got 'many'"):
        registry.load("environments", "textarena:TicTacToe-v0@many")
    with pytest.raises(ConfigError, match=r"no game 'TicTacTo-v0' .did you mean 'TicTacToe-v0'"):
        registry.load("environments", "textarena:TicTacTo-v0")


def test_a_reward_that_is_no_number_is_a_missing_verdict(tmp_path: Path) -> None:
    # Countdown of TextArena 0.7.4 gives the reason of a lost game as its reward.
    log = turnwise.run("textarena:Countdown-v0", lambda _: "?", limit=1, store=tmp_path / "s.db").episode(0)
    if log.rewards[0].value is not None:
        pytest.skip("this TextArena rewards it with a number")
    assert (log.stop, log.score()) == ("completed", None)

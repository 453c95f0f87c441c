"""Connect Four, Hanabi and any game of OpenSpiel's between roles, held against OpenSpiel itself."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seats import after, chosen, duel, gained, paid, world

import turnwise
from turnwise import registry
from turnwise.environments.mars import ConnectFour, Hanabi, Spiel
from turnwise.environments.mars.any_game import environment as spiel
from turnwise.environments.mars.hanabi import FACES
from turnwise.environments.mars.hanabi_player import Conventions, sight
from turnwise.environments.mars.players import TreeSearch
from turnwise.environments.mars.spiel import SpielWorld, load
from turnwise.errors import ConfigError

pytest.importorskip("pyspiel")

# Connect Four --------------------------------------------------------------------------------------------


def drops(*columns: int) -> list[str]:
    return [f"<{'XO'[turn % 2]}({column})>" for turn, column in enumerate(columns)]


def test_four_in_a_column_win() -> None:
    made = world(ConnectFour())
    rewards = paid(made, drops(0, 1, 0, 1, 0, 1, 0))
    assert rewards["agent"] == {"game": 1.0, "format": pytest.approx(0.2)}
    assert rewards["opponent"] == {"game": -1.0, "format": pytest.approx(0.15)}
    assert (made.outcome, made.moves) == ("won", 7)


def test_a_full_board_draws() -> None:
    # Two columns at a time, turned over after three rows: no four of a kind anywhere.
    made = world(ConnectFour())
    rewards: Counter[str] = Counter()
    state = load("connect_four").new_initial_state()
    order = [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 2, 3, 2, 3, 3, 2, 3, 2, 2, 3, 2, 3]
    order += [4, 5, 4, 5, 5, 4, 5, 4, 4, 5, 4, 5, 6, 6, 6, 6, 6, 6]
    for move, column in zip(drops(*order), order, strict=True):
        state.apply_action(column)
        for role, gains in paid(made, [move]).items():
            rewards.update({f"{role} {name}": value for name, value in gains.items()})
    assert state.is_terminal()
    assert made.over
    assert rewards["agent draw"] == (0.1 if state.returns() == [0, 0] else 0)
    assert made.outcome == ("draw" if state.returns() == [0, 0] else made.outcome)
    assert state.returns() == [0, 0]


def test_a_full_column_is_illegal() -> None:
    made = after(world(ConnectFour()), drops(0, 0, 0, 0, 0, 0))
    assert [action.id for action in made.actions().actions] == [1, 2, 3, 4, 5, 6]
    step = made.step("<answer><X(0)></answer>")
    assert gained(made, step) == {"agent": {"game": -1.0, "illegal": -10.0}}


def test_the_board_is_told_and_drawn() -> None:
    made = after(world(ConnectFour()), drops(3, 3, 0))
    board = ["_______"] * 4 + ["___O___", "X__X___"]
    assert "GAME STATE:\n" + "\n".join(board) + "\n\nLEGAL ACTIONS:\n<O(0)>, " in made.observe()
    assert made.key() == "......./......./......./......./...o.../x..x..."
    picture = made.picture()
    assert len(picture.rows) == 6
    assert [cell.ink for cell in picture.rows[5]].count("#dc2626") == 2


@pytest.mark.parametrize("name", ["mcts", "mcts_1000", "solver"])
def test_tree_search_takes_a_win_and_bars_one(name: str) -> None:
    player, rng = ConnectFour().agents()[f"opponent/{name}"], random.Random(3)
    winning = after(world(ConnectFour()), drops(0, 6, 0, 6, 0, 5))
    assert chosen(winning, player, rng) == "<answer><X(0)></answer>"
    threatened = after(world(ConnectFour()), drops(0, 6, 0, 5, 0))
    assert chosen(threatened, player, rng) == "<answer><O(0)></answer>"


def test_tree_search_beats_chance_from_both_seats() -> None:
    for seat in ("first", "second"):
        env = ConnectFour(seat=seat)
        assert [duel(env, "mcts", "random", seed).outcome for seed in range(3)] == ["won"] * 3


# Hanabi --------------------------------------------------------------------------------------------------


def dealt(cards: list[int], *, chance: int = 0) -> SpielWorld:
    """Mini-Hanabi with chance's first actions given: 0 is R1, 1 is R2, 2 is Y1, 3 is Y2."""
    env = Hanabi()
    return SpielWorld(
        env.start(), env.face(), env.roles, seed=0, rng=random.Random(chance), dealt=cards, others="action"
    )


def test_a_hanabi_view_by_hand() -> None:
    made = dealt([0, 1, 2, 0, 2, 2])
    assert made.observe().partition("GAME STATE:\n")[2] == (
        "1. Life tokens: 3. Information tokens: 3.\n2. Stacks: R0 Y0.\n3. Cards left in the deck: 2.\n"
        "4. Discarded: nothing.\n5. The other's hand:\n"
        "   - Card 0 is R1; it knows: colour R or Y, rank 1 or 2.\n"
        "   - Card 1 is Y1; it knows: colour R or Y, rank 1 or 2.\n"
        "   - Card 2 is Y1; it knows: colour R or Y, rank 1 or 2.\n"
        "6. Your hand, as far as you know:\n"
        "   - Card 0: colour R or Y, rank 1 or 2.\n   - Card 1: colour R or Y, rank 1 or 2.\n"
        "   - Card 2: colour R or Y, rank 1 or 2.\n\n"
        "LEGAL ACTIONS:\n<Play card 0>, <Play card 1>, <Play card 2>, <Reveal player +1 color R>, "
        "<Reveal player +1 color Y>, <Reveal player +1 rank 1>.\n\n"
    )
    after(made, ["<Reveal player +1 color Y>"])
    assert "   - Card 0: colour R, rank 1 or 2.\n   - Card 1: colour Y, rank 1 or 2.\n" in made.observe()
    assert "CHOSEN ACTION:\n<Reveal player +1 color Y>" in made.observe()


def test_a_player_is_told_nothing_of_its_own_hand() -> None:
    seen = {
        (made.observe(), made.actions().information, made.actions().actions)
        for hand in ([0, 1, 2], [0, 0, 1], [3, 1, 0], [2, 0, 3])
        for made in [dealt([*hand, 0, 2, 2])]
    }
    assert len(seen) == 1


def test_a_point_pays_both_and_a_last_move_that_brings_nothing_a_tenth() -> None:
    # R1 R2 Y1 against R1 Y1 Y1: the agent's R1 fits, the partner's R1 then fits no more.
    made = dealt([0, 1, 2, 0, 2, 2])
    assert paid(made, ["<Play card 0>"]) == {
        "agent": {"game": 1.0, "format": 0.05},
        "partner": {"game": 1.0},
    }
    assert paid(made, ["<Play card 0>"]) == {"partner": {"format": 0.05}}
    assert "Life tokens: 2." in made.observe()
    assert "Cards left in the deck: 0." in made.observe()
    # R2 fits; then the partner has the last move, and hints.
    assert paid(made, ["<Play card 0>"])["partner"] == {"game": 1.0}
    end = paid(made, ["<Reveal player +1 rank 1>"])
    assert end == {"agent": {"draw": 0.1}, "partner": {"draw": 0.1, "format": 0.05}}
    assert (made.over, made.outcome, made.totals) == (True, "2 points", [2, 2])


def test_losing_all_lives_loses_all_points() -> None:
    # R2 Y2 Y1 against R1 R1 R1.
    made = after(dealt([1, 3, 2, 0, 0, 0]), ["<Play card 0>", "<Play card 0>", "<Play card 0>"])
    assert made.totals == [1, 1]
    assert "Life tokens: 1." in made.observe()
    assert paid(made, ["<Play card 0>"]) == {
        "agent": {"game": -1.0},
        "partner": {"game": -1.0, "format": 0.05},
    }
    assert (made.over, made.outcome) == (True, "0 points")


@given(
    st.integers(0, 1 << 16), st.sampled_from(["mini", "simple", "full"]), st.randoms(use_true_random=False)
)
@settings(max_examples=60, deadline=None)
def test_hanabi_pays_what_openspiel_pays(seed: int, size: Any, rng: random.Random) -> None:
    env = Hanabi(size=size)
    made, sums = world(env, seed, chance=seed), Counter[str]()
    player = env.players()["conventions"]
    low, high = env.reward_range
    scores = Counter[str]()
    while not made.over:
        assert [action.id for action in made.actions().actions] == made.state.legal_actions()
        for gain in made.step(chosen(made, player if rng.random() < 0.5 else None, rng)).gains:
            scores[gain.role or made.mover] += gain.value
            if gain.name == "game":
                sums[gain.role or made.mover] += gain.value
    assert [sums["agent"], sums["partner"]] == made.state.returns() == made.totals
    assert all(low <= score <= high for score in scores.values())
    assert made.moves <= env.max_replies


def test_an_illegal_reply_takes_the_points_and_ten_more() -> None:
    made = after(dealt([0, 1, 2, 0, 2, 2]), ["<Play card 0>"])
    assert gained(made, made.step("?")) == {"partner": {"game": -1.0, "illegal": -10.0}}
    assert made.totals == [0, 0]


def test_observations_are_read_from_the_players_own_side() -> None:
    state = Hanabi().start()
    for card in (0, 1, 2, 0, 2, 2):
        state.apply_action(card)
    first, second = (sight(state.observation_string(player)) for player in (0, 1))
    assert [card.shown for card in first.mine] == ["XX"] * 3
    assert [card.shown for card in first.other] == ["R1", "Y1", "Y1"]
    assert [card.shown for card in second.other] == ["R1", "R2", "Y1"]
    assert (first.lives, first.tokens, first.deck, first.stacks) == (3, 3, 2, {"R": 0, "Y": 0})


def test_conventions_hint_then_play_what_they_were_told() -> None:
    player, rng = Conventions(2), random.Random(0)
    # R1 Y1 Y2 against R1 R2 Y1: the rank 1 tells the other two cards that fit, a colour tells none.
    made = dealt([0, 2, 3, 0, 1, 2])
    assert chosen(made, player, rng) == "<answer><Reveal player +1 rank 1></answer>"
    after(made, ["<Reveal player +1 rank 1>"])
    assert chosen(made, player, rng) == "<answer><Play card 0></answer>"


def test_conventions_score_far_above_chance() -> None:
    env = Hanabi()
    means = [
        sum(duel(env, name, name, seed).totals[0] for seed in range(150)) / 150
        for name in ("conventions", "random")
    ]
    assert means[0] > 2.7
    assert means[1] < 2.0


def test_the_rules_name_the_cards_of_each_size() -> None:
    assert "3 of rank 1, 1 of rank 2; 8 cards in all" in FACES["mini"].prompt(0)
    assert "3 of rank 1, 2 of rank 2, 1 of rank 3; 18 cards in all" in FACES["full"].prompt(0)
    for size in ("mini", "simple", "full"):
        env = Hanabi(size=size)
        game = env.start().get_game()
        assert env.pays() == (game.min_utility(), game.max_utility())
        assert env.longest() == game.max_game_length()


# Any game ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hex(board_size=3)", "liars_dice", "kuhn_poker(players=3)", "nim"])
def test_any_game_is_played_in_its_own_words(name: str, tmp_path: Path) -> None:
    kind = spiel(name)
    assert (kind.name, len(kind.roles)) == (f"spiel:{name}", load(name).num_players())
    run = turnwise.run(kind(), "random", limit=10, store=tmp_path / "t.db")
    low, high = kind().reward_range
    for log in run.logs():
        assert log.error is None
        assert low <= log.score("agent") <= high
        assert log.score("agent") == log.metrics["return"]
    assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=kind()).replayed == 10


def test_solvers_of_any_game_beat_chance() -> None:
    hex_ = spiel("hex(board_size=3)")()
    assert [duel(hex_, "solver", "random", seed).outcome for seed in range(5)] == ["won"] * 5
    dice = spiel("kuhn_poker")()
    assert sum(duel(dice, "cfr", "random", seed).totals[0] for seed in range(400)) > 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("kuhn_pokker", "did you mean 'kuhn_poker'"),
        ("kuhn_poker(players=99)", "refuses it"),
        ("matrix_rps", "two players or more who move in turn"),
        ("2048", "two players or more who move in turn"),
    ],
)
def test_what_cannot_be_played_is_one_line(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        spiel(name)
    assert "\n" not in str(caught.value)


def test_an_illegal_reply_of_three_is_paid_by_the_one() -> None:
    made = world(spiel("kuhn_poker(players=3)")())
    paid_out = gained(made, made.step("nothing"))
    assert paid_out == {"agent": {"game": -2.0}, "opponent": {"game": 1.0}, "opponent_2": {"game": 1.0}}


def test_tree_search_refuses_hidden_cards() -> None:
    with pytest.raises(ConfigError, match="hides something"):
        chosen(world(spiel("kuhn_poker")()), TreeSearch("kuhn_poker"), random.Random(0))


def test_without_openspiel_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyspiel", None)
    load.cache_clear()
    with pytest.raises(ConfigError, match=r"install turnwise\[worlds\]"):
        ConnectFour().start()
    load.cache_clear()


def test_declared_spans_are_openspiels() -> None:
    for name in ("tic_tac_toe", "connect_four", "kuhn_poker", "leduc_poker"):
        env = registry.load("environments", name)()
        game = load(name)
        assert env.pays() == (game.min_utility(), game.max_utility())
        assert env.longest() == game.max_game_length()
        assert len(env.roles) == game.num_players()
    assert issubclass(spiel("nim"), Spiel)

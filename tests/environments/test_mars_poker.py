"""Kuhn and Leduc poker between roles: deals, private views, equilibria, rewards."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seats import after, chosen, gained, paid, the, world

import turnwise
from turnwise.environments.mars import KuhnPoker, LeducPoker
from turnwise.environments.mars.kuhn_poker import DEALS
from turnwise.environments.mars.leduc_poker import SOLVED, TRIPLES
from turnwise.environments.mars.players import equilibrium
from turnwise.environments.mars.spiel import load
from turnwise.errors import ConfigError

pyspiel = pytest.importorskip("pyspiel")

PASS, BET = "<PASS>", "<BET>"
FOLD, CALL, RAISE = "<FOLD>", "<CALL>", "<RAISE>"

# Kuhn poker ----------------------------------------------------------------------------------------------


def betting(policy: Mapping[str, Sequence[tuple[int, float]]]) -> dict[str, float]:
    """How often `policy` bets, by what it knows."""
    return {state: dict(chances)[1] for state, chances in policy.items()}


def kuhn_value(one: Mapping[str, float], two: Mapping[str, float]) -> float:
    """What the first player wins a game when they bet that often, by the rules written out."""
    total = 0.0
    for mine, other in permutations(range(3), 2):
        sign = 1 if mine > other else -1
        first, second, answer = one[f"{mine}"], two[f"{other}p"], one[f"{mine}pb"]
        call = two[f"{other}b"]
        passed = (1 - second) * sign + second * (answer * 2 * sign - (1 - answer))
        bet = call * 2 * sign + (1 - call)
        total += (1 - first) * passed + first * bet
    return total / 6


def test_cfr_reaches_minus_one_eighteenth_for_the_first_player() -> None:
    bets = betting(equilibrium("kuhn_poker", 1000))
    assert len(bets) == 12
    assert kuhn_value(bets, bets) == pytest.approx(-1 / 18, abs=1e-5)
    # Against a first player who tosses coins the second wins 1/6: by hand, with its only equilibrium.
    assert kuhn_value(dict.fromkeys(bets, 0.5), bets) == pytest.approx(-1 / 6, abs=5e-3)


def test_cfr_finds_an_equilibrium_of_kuhns_family() -> None:
    policy = equilibrium("kuhn_poker", 1000)
    bet = betting(policy)
    alpha = bet["0"]
    assert 0 <= alpha <= 1 / 3 + 1e-3
    by_hand = {"1": 0, "2": 3 * alpha, "0pb": 0, "1pb": alpha + 1 / 3, "2pb": 1}
    by_hand |= {"0b": 0, "1b": 1 / 3, "2b": 1, "0p": 1 / 3, "1p": 0, "2p": 1}
    assert {state: bet[state] for state in by_hand} == pytest.approx(by_hand, abs=5e-3)
    tabular = pyspiel.TabularPolicy({state: list(chances) for state, chances in policy.items()})
    assert pyspiel.exploitability(load("kuhn_poker"), tabular) < 1e-3


@pytest.mark.parametrize("seed", range(12))
def test_the_seed_modulo_six_is_the_deal(seed: int) -> None:
    hands = [("J", "Q"), ("J", "K"), ("Q", "K"), ("Q", "J"), ("K", "J"), ("K", "Q")][seed % 6]
    made = world(KuhnPoker(), seed)
    assert f"({hands[0]})." in made.observe().partition("GAME STATE")[2]
    assert f"({hands[1]})." in after(made, [PASS]).observe().partition("GAME STATE")[2]


@pytest.mark.parametrize(("moves", "stake"), [([PASS, PASS], 1), ([BET, BET], 2), ([PASS, BET, BET], 2)])
def test_kuhn_showdowns_pay_the_higher_card(moves: list[str], stake: int) -> None:
    for seed, (first, second) in enumerate(DEALS):
        made = world(KuhnPoker(), seed)
        rewards = paid(made, moves)
        sign = 1 if first > second else -1
        assert rewards["agent"]["game"] == sign * stake
        assert rewards["opponent"]["game"] == -sign * stake
        assert "draw" not in rewards["agent"]


@pytest.mark.parametrize(("moves", "first"), [([BET, PASS], 1), ([PASS, BET, PASS], -1)])
def test_a_pass_after_a_bet_gives_the_pot_away(moves: list[str], first: int) -> None:
    for seed in range(6):
        assert paid(world(KuhnPoker(), seed), moves)["agent"]["game"] == first


def test_an_illegal_reply_at_kuhn_costs_the_ante_and_ten() -> None:
    made = after(world(KuhnPoker()), [PASS, BET])
    assert gained(made, made.step("<answer>FOLD</answer>")) == {"agent": {"game": -1.0, "illegal": -10.0}}
    made = world(KuhnPoker(rewards="game"))
    assert gained(made, made.step("bet!")) == {"agent": {"game": -1.0}, "opponent": {"game": 1.0}}


def test_a_kuhn_view_by_hand() -> None:
    made = after(world(KuhnPoker(), 1), [PASS, BET])
    assert made.observe().endswith(
        "GAME STATE:\n1. Blind ante: player_0 and player_1 have put 1 chip each into the pot.\n"
        "2. Deal: your card is Jack (J).\n3. player_0 chose <PASS>.\n4. player_1 chose <BET>.\n\n"
        "LEGAL ACTIONS:\n<PASS>, <BET>.\n\n"
    )
    assert [(action.id, action.text) for action in made.actions().actions] == [
        (0, "<answer><PASS></answer>"),
        (1, "<answer><BET></answer>"),
    ]


def shown(made: Any, moves: Sequence[str]) -> dict[int, list[Any]]:
    """All that each player is told, and what its position says, on the way of `moves`."""
    told: dict[int, list[Any]] = {0: [], 1: []}
    for move in [*moves, None]:
        if made.over:
            break
        position = made.actions()
        told[made.player].append((made.observe(), position.information, position.actions))
        if move is not None:
            assert made.step(f"<think>{made.player}</think><answer>{move}</answer>").valid
    return told


@pytest.mark.parametrize("moves", [[PASS, BET], [BET], [PASS, PASS], [BET, BET]])
def test_a_kuhn_view_is_the_same_whatever_the_other_holds(moves: list[str]) -> None:
    for mine in range(3):
        for player in (0, 1):
            seeds = [seed for seed, deal in enumerate(DEALS) if deal[player] == mine]
            assert len(seeds) == 2
            views = [shown(world(KuhnPoker(), seed), moves)[player] for seed in seeds]
            assert views[0] == views[1]


def test_views_of_others_are_refused_where_something_is_hidden() -> None:
    for kind in (KuhnPoker, LeducPoker):
        with pytest.raises(ConfigError, match="others=full would show"):
            world(kind(others="full"))


def test_cfr_draws_its_actions_as_often_as_its_policy_says() -> None:
    rng = random.Random(0)
    cfr = KuhnPoker().players()["cfr"]
    bets = Counter(chosen(after(world(KuhnPoker(), 2), [BET]), cfr, rng) for _ in range(2000))
    # The second seat with a King calls always; with a Queen (deal K, Q) in a third of the games.
    assert list(bets) == ["<answer><BET></answer>"]
    bets = Counter(chosen(after(world(KuhnPoker(), 5), [BET]), cfr, rng) for _ in range(2000))
    assert bets["<answer><BET></answer>"] / 2000 == pytest.approx(1 / 3, abs=0.04)


def test_poker_runs_replay_and_keep_rewards_by_role(tmp_path: Path) -> None:
    for env in (KuhnPoker(seat="second", rewards="game"), LeducPoker(rewards="game")):
        run = turnwise.run(env, "random", limit=20, store=tmp_path / "t.db")
        for log in run.logs():
            assert log.score("agent") + log.score("opponent") == 0
            assert log.score("agent") == log.metrics["return"]
        assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=env).replayed == 20


# Leduc poker ---------------------------------------------------------------------------------------------


def test_the_published_deals_are_24_triples_of_ranks() -> None:
    ranks = [tuple(card // 2 for card in triple) for triple in TRIPLES]
    assert ranks == sorted(set(ranks)) == [r for r in product(range(3), repeat=3) if len(set(r)) > 1]
    assert all(len(set(triple)) == 3 for triple in TRIPLES)
    made = after(world(LeducPoker(variant="published"), 5), [CALL, CALL])
    assert made.state.history() == [*TRIPLES[5][:2], 1, 1, TRIPLES[5][2]]


def test_the_corrected_deals_are_those_of_a_shuffled_deck() -> None:
    def triple(seed: int) -> tuple[int, ...]:
        made = after(world(LeducPoker(), seed, chance=seed), [CALL, CALL])
        history = made.state.history()
        return tuple(card // 2 for card in (*history[:2], history[4]))

    dealt = Counter(len(set(triple(seed))) for seed in range(3000))
    # 6 * 5 * 4 deals, of which 6 * 4 * 2 have three ranks: a share of 0.4.
    assert dealt[3] / 3000 == pytest.approx(0.4, abs=0.03)
    assert dealt[1] == 0


def test_the_hands_follow_from_the_task_and_the_open_card_from_the_episode() -> None:
    env = LeducPoker()
    hands = {tuple(world(env, 7, chance=chance).state.history()) for chance in range(20)}
    assert len(hands) == 1
    tables = {after(world(env, 7, chance=n), [CALL, CALL]).state.history()[-1] for n in range(40)}
    assert len(tables) == 4


def test_cfr_is_near_the_value_of_leduc() -> None:
    policy = equilibrium(SOLVED, 300)
    tabular = pyspiel.TabularPolicy({state: list(chances) for state, chances in policy.items()})
    game = load(SOLVED)
    assert pyspiel.exploitability(game, tabular) < 0.005
    returns = pyspiel.expected_returns(game.new_initial_state(), tabular, -1, True)
    # The literature's value of the game is -0.0856 for the first player.
    assert returns[0] == pytest.approx(-0.0856, abs=0.001)


@given(st.integers(0, 1 << 20), st.randoms(use_true_random=False))
def test_leduc_pays_what_openspiel_pays(seed: int, rng: random.Random) -> None:
    env = LeducPoker()
    made = world(env, seed, chance=seed)
    cfr, sums = env.players()["cfr"], Counter[str]()
    while not made.over:
        state, player = made.state, made.player
        assert [action.id for action in made.actions().actions] == state.legal_actions()
        assert f"your card is {'JQK'[state.history()[player] // 2]}." in made.observe()
        reply = chosen(made, cfr if rng.random() < 0.5 else None, rng)
        for gain in made.step(reply).gains:
            assert gain.name != "draw"
            if gain.name == "game":
                sums[gain.role or made.mover] += gain.value
    assert [sums["agent"], sums["opponent"]] == made.state.returns() == made.totals


def test_a_leduc_view_by_hand() -> None:
    made = world(LeducPoker(variant="published"), 1)
    # The second triple is J, J, K.
    after(made, [CALL, RAISE, CALL, CALL, RAISE])
    assert made.observe().partition("GAME STATE:\n")[2] == (
        "1. Blind ante: player_0 and player_1 have put 1 chip each into the pot.\n"
        "2. Deal: your card is J.\n3. The open card is K.\n"
        "4. Betting, round 1:\n   - player_0 chose <CALL> (+0 chips).\n"
        "   - player_1 chose <RAISE> (+2 chips).\n   - player_0 chose <CALL> (+2 chips).\n"
        "5. Betting, round 2:\n   - player_0 chose <CALL> (+0 chips).\n"
        "   - player_1 chose <RAISE> (+4 chips).\n\nLEGAL ACTIONS:\n<FOLD>, <CALL>, <RAISE>.\n\n"
    )
    # Ante and raise called: 3 chips in the pot, and ten more for the reply.
    assert gained(made, made.step("hm")) == {"agent": {"game": -3.0, "illegal": -10.0}}


@pytest.mark.parametrize("moves", [[CALL, RAISE, CALL], [CALL, CALL, RAISE, CALL], [RAISE, RAISE]])
def test_a_leduc_view_is_the_same_whatever_the_other_holds(moves: list[str]) -> None:
    env = LeducPoker(variant="published")
    groups: dict[Any, list[Any]] = {}
    for seed, triple in enumerate(TRIPLES):
        told = shown(world(env, seed), moves)
        ranks = tuple(card // 2 for card in triple)
        for player in (0, 1):
            # Which of two equal cards somebody holds is told to nobody.
            groups.setdefault((player, ranks[player], ranks[2]), []).append(told[player])
    assert len(groups) == 18
    assert all(view == views[0] for views in groups.values() for view in views)


def test_the_picture_shows_both_hands() -> None:
    board = world(KuhnPoker(), 4).picture()
    assert [cell.text for cell in board.rows[0]] == ["K", " ", "?", " ", "J"]
    board = after(world(LeducPoker(variant="published"), 1), [CALL, CALL, RAISE]).picture()
    assert [cell.text for cell in board.rows[0]] == ["J", " ", "K", " ", "J"]
    assert board.caption == "<CALL> <CALL>; <RAISE>"


@given(st.text(), st.sampled_from([KuhnPoker(), LeducPoker()]))
def test_any_text_at_cards_is_a_move_or_a_loss(text: str, env: KuhnPoker | LeducPoker) -> None:
    made = world(env, 0)
    assert not made.step(text).valid
    assert made.over
    assert made.closing().startswith("GAME OVER: that was no legal action")


def test_tasks_differ_by_their_seeds() -> None:
    assert [task.seed % 6 for task in KuhnPoker(count=6, split="train").tasks()] == list(range(6))
    assert the(3).seed == 3

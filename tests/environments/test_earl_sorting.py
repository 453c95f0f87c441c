"""EARL's tasks with hidden values: tools, rewards, and merge insertion."""

from __future__ import annotations

import math
import random
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import play

from turnwise.environments.earl import CompareTwo, Order, Sort
from turnwise.environments.earl.items_world import Hidden, ItemsTask, ItemsWorld
from turnwise.environments.earl.merge_insertion import merge_insertion
from turnwise.environments.earl.rewards import (
    fewest_comparisons,
    fewest_swaps,
    many_comparisons,
    sort_efficiency,
    swap_efficiency,
)
from turnwise.environments.earl.sorting import swaps
from turnwise.errors import ConfigError, TaskError

KINDS: list[Any] = [Sort(), Sort(variant="published", check=True), Order(), CompareTwo()]


def task(*values: int, descending: bool = False) -> ItemsTask:
    return ItemsTask(id="t", values=values, descending=descending)


def saying(*replies: str) -> Any:
    return lambda messages: replies[len(messages) // 2]


def count_of(values: dict[str, int]) -> tuple[list[str], int]:
    """Merge insertion of items by these values: the order found, and the comparisons asked for."""
    sorting, asked = merge_insertion(list(values)), 0
    try:
        pair = next(sorting)
        while True:
            asked += 1
            pair = sorting.send(values[pair[0]] < values[pair[1]])
    except StopIteration as done:
        return done.value, asked


@pytest.mark.parametrize(("items", "fewest", "many"), [(2, 1, 2), (3, 3, 6), (4, 5, 8), (5, 7, 15)])
def test_bounds_on_comparisons(items: int, fewest: int, many: int) -> None:
    assert (fewest_comparisons(items), many_comparisons(items)) == (fewest, many)


@pytest.mark.parametrize(
    ("comparisons", "swaps_made", "reward"), [(5, 2, 1.0), (6, 2, 0.91667), (8, 3, 0.6875), (4, 2, 0.5)]
)
def test_rewards_of_four_items_that_need_two_swaps(comparisons: int, swaps_made: int, reward: float) -> None:
    """(1 + efficiency) / 2: C = 6 is a third of the way from 5 to 8, S = 3 a quarter from 2 to 6."""
    enough = comparisons >= fewest_comparisons(4)
    efficiency = sort_efficiency(4, 2, comparisons, swaps_made, enough)
    assert (1 + efficiency) / 2 == pytest.approx(reward, abs=1e-5)


def test_fewest_swaps_are_items_less_cycles() -> None:
    assert fewest_swaps("ABCD", "ABCD") == 0
    assert fewest_swaps("ABCD", "BADC") == 2
    assert fewest_swaps("ABCD", "BCDA") == 3
    assert swap_efficiency(2, 1, 2) == 0
    assert swap_efficiency(5, 0, 1) == pytest.approx(0.9)


@given(st.permutations("ABCDE"))
def test_the_swaps_made_are_the_fewest(goal: list[str]) -> None:
    row = list("ABCDE")
    made = swaps(row, goal)
    for a, b in made:
        i, j = row.index(a), row.index(b)
        row[i], row[j] = b, a
    assert row == goal
    assert len(made) == fewest_swaps("ABCDE", goal)


@pytest.mark.parametrize(("size", "worst"), [(2, 1), (3, 3), (4, 5), (5, 7), (6, 10), (7, 13)])
def test_merge_insertion_sorts_every_order_within_the_known_worst_case(size: int, worst: int) -> None:
    """Worst cases of Ford and Johnson: the sum of ceil(log2(3 k / 4)) for k up to n."""
    assert worst == sum(math.ceil(math.log2(3 * k / 4)) for k in range(1, size + 1))
    asked: list[int] = []
    orders = list(permutations(range(size)))
    for values in orders if size < 7 else random.Random(0).sample(orders, 500):
        items = {f"item {place}": value for place, value in enumerate(values)}
        found, count = count_of(items)
        assert [items[item] for item in found] == list(range(size))
        asked.append(count)
    assert max(asked) == worst


@given(st.permutations(range(21)))
def test_merge_insertion_of_many(values: list[int]) -> None:
    found, count = count_of({str(place): value for place, value in enumerate(values)})
    assert [values[int(item)] for item in found] == list(range(21))
    assert count <= 66


@pytest.mark.parametrize("descending", [False, True])
def test_all_orders_of_four_take_four_or_five_comparisons(descending: bool) -> None:
    published, corrected = Sort(variant="published"), Sort()
    taken: list[int] = []
    for values in permutations(range(4)):
        row = task(*values, descending=descending)
        player = published.agents()["merge_insertion"]
        episode = play(published, row, agent=player)
        compares = int(episode.metrics["compares"])
        taken.append(compares)
        # The trap: who is done after four comparisons counts as a guesser.
        assert episode.score() == (0.5 if compares == 4 else 1.0)
        assert episode.metrics["swaps"] == fewest_swaps("ABCD", Hidden(_named(values), descending).goal)
        assert play(corrected, row, agent=corrected.agents()["merge_insertion"]).score() == 1.0
        assert play(published, row, agent=published.agents()["solver"]).score() == 1.0
    assert (taken.count(4), taken.count(5)) == (8, 16)


def _named(values: tuple[int, ...]) -> dict[str, int]:
    return dict(zip("ABCDE", values, strict=False))


def test_corrected_pays_for_proof_and_published_for_number() -> None:
    """Swapping A and C sorts 2, 1, 0; three times A against B proves nothing of it, but is three."""
    same = saying(*["compare A and B"] * 3, "swap A and C", "done")
    assert play(Sort(variant="published"), task(2, 1, 0), agent=same).score() == 1.0
    assert play(Sort(), task(2, 1, 0), agent=same).score() == 0.5
    proof = saying("compare A and B", "compare B and C", "swap A and C", "done")
    assert play(Sort(variant="published"), task(2, 1, 0), agent=proof).score() == 0.5
    episode = play(Sort(), task(2, 1, 0), agent=proof)
    assert episode.score() == 1.0
    assert [(reward.name, reward.value) for reward in episode.rewards] == [
        ("correct", 0.5),
        ("efficiency", 0.5),
    ]


def test_tools_tell_relations_and_sequences() -> None:
    talk = saying("I compare A, B first", "swap C and A", "", "never said")
    episode = play(Sort(), task(5, 3, 9, descending=True), agent=talk)
    told = [turn.text for turn in episode.turns if turn.role == "environment"][1:]
    assert told == ["A > B", "C, B, A"]
    assert episode.detail == "wrong"
    assert episode.score() == 0


def test_a_wrong_call_is_an_observation_and_costs_only_the_turn() -> None:
    talk = saying("compare A and D", "swap A and A", "What now?", "swap A and B", "all done.")
    episode = play(Sort(), task(1, 0), agent=talk)
    told = [turn.text for turn in episode.turns if turn.role == "environment"][1:]
    assert told[0] == "You cannot compare these; the items are A, B."
    assert told[1].endswith("The two must differ.")
    assert "no call" in told[2]
    assert told[3] == "B, A"
    assert episode.metrics["invalid"] == 3
    assert episode.metrics["compares"] == 0
    assert episode.score() == 0.5


def test_published_letters_that_stand_for_nothing_can_be_called() -> None:
    talk = saying("compare A and D", "compare A and A", "swap A and E", "check if B is odd", "done")
    episode = play(Sort(variant="published", check=True), task(0, 1), agent=talk)
    told = [turn.text for turn in episode.turns if turn.role == "environment"][1:]
    assert told == ["Cannot compare undefined symbols: D.", "A = A", "A, B", "True"]
    # Two comparisons of two items are C_ref, one swap is S_ref: nothing is left of the efficiency.
    assert episode.score() == 0.5


def test_order_tells_enough_and_counts_swaps() -> None:
    for row in Order(count=40).tasks():
        hidden = Order().hidden(row)
        assert hidden.goal != list(hidden.values)
        for a, b in zip(hidden.goal, hidden.goal[1:], strict=False):
            assert {hidden.relation(a, b), hidden.relation(b, a)} & set(hidden.conditions)
    back_and_forth = saying("swap A and B", "swap A and B", "swap A and B", "done")
    # One swap is needed, three were made, S_ref is max(2, 1) = 2.
    assert play(Order(), task(1, 0), agent=back_and_forth).score() == 0.5
    assert play(Order(), task(1, 0), agent=saying("compare A and B", "swap A and B", "done")).score() == 1.0


def test_compare_pays_half_for_exactly_one_call() -> None:
    row = task(3, 8)
    a, b = CompareTwo().hidden(row).values
    right, turned = f"<answer>{a}<{b}</answer>", f"<answer> {b} > {a} </answer>"
    once, twice = f"compare {a} and {b}", [f"compare {a} and {b}"] * 2
    assert play(CompareTwo(), row, agent=saying(once, right)).score() == 1.0
    assert play(CompareTwo(), row, agent=saying(once, turned)).score() == 1.0
    assert play(CompareTwo(), row, agent=saying(*twice, right)).score() == 0.5
    assert play(CompareTwo(), row, agent=saying(right)).score() == 0.5
    assert play(CompareTwo(), row, agent=saying(once, f"<answer> {a} > {b} </answer>")).score() == 0.0


def test_masks_exit_after_the_second_letter() -> None:
    def after(*chosen: int) -> list[str]:
        return [action.text for action in space.offer(chosen).actions]

    space = Sort().world(task(0, 1, 2), random.Random(0)).actions()
    assert after() == [" compare", " swap", "done"]
    compare, swap = (action.id for action in space.offer([]).actions[:2])
    assert after(compare) == after(compare, 0) == [" A", " B", " C"]
    assert after(swap, 0) == [" B", " C"]
    assert after(compare, 0, 1) == []
    assert space.render([compare, 0, 1]) == " compare A and B"
    full = Sort(variant="published").world(task(0, 1, 2), random.Random(0)).actions()
    assert len(full.offer([compare]).actions) == 5
    answer = CompareTwo().world(task(0, 1), random.Random(0)).actions()
    entry = answer.offer([]).actions[-1].id
    [first, *_] = answer.offer([entry]).actions
    less = answer.offer([entry, first.id]).actions[0]
    last = answer.offer([entry, first.id, less.id]).actions[-1]
    assert answer.render([entry, first.id, less.id, last.id]) == (
        f"<answer>{first.text} <{last.text} </answer>"
    )


@given(st.integers(0, 2**32), st.sampled_from(KINDS))
def test_every_legal_reply_is_accepted(seed: int, environment: Any) -> None:
    rng = random.Random(seed)
    world: ItemsWorld = environment.world(ItemsTask(id="t", seed=seed), rng)
    for _ in range(8):
        chosen: list[int] = []
        while not world.over and (offered := world.actions().offer(chosen).actions):
            chosen.append(rng.choice(offered).id)
        if chosen:
            assert world.step(world.actions().render(chosen)).valid


@given(st.text() | st.text(alphabet="ABCDE compareswap,and done<answer>/="), st.sampled_from(KINDS))
def test_any_text_is_answered(text: str, environment: Any) -> None:
    for reply in (text, f"compare {text}", f"swap A and {text}", f"<answer>{text}</answer>", text * 300):
        world = environment.world(ItemsTask(id="t", seed=3), random.Random(0))
        gains = world.step(reply).gains
        assert 0 <= sum(gain.value for gain in gains) <= 1
        assert world.over or world.observe()


@pytest.mark.parametrize("environment", [*KINDS, Sort(split="train"), CompareTwo(answer_actions=False)])
def test_solvers_get_everything(environment: Any) -> None:
    solver = environment.agents()["solver"]
    assert {play(environment, row, agent=solver).score() for row in environment.tasks()[:30]} == {1.0}


def test_splits_have_their_sizes() -> None:
    sizes = [len(Sort().hidden(row).values) for row in Sort(count=400).tasks()]
    assert set(sizes) == {4, 5}
    train = Sort(split="train", count=400)
    sizes = [len(train.hidden(row).values) for row in train.tasks()]
    # Drawn with .1, .2, .3, .4; four standard deviations of the first are 0.06.
    assert sizes.count(2) / 400 == pytest.approx(0.1, abs=0.06)
    assert sizes.count(5) / 400 == pytest.approx(0.4, abs=0.1)


def test_the_picture_shows_the_hidden_values() -> None:
    board = Sort().world(task(2, 0, 1), random.Random(0)).picture()
    assert [cell.text for cell in board.rows[-1]] == ["A", "B", "C"]
    filled = [sum(row[place].paper != "#f8fafc" for row in board.rows[:-1]) for place in range(3)]
    assert filled == [3, 1, 2]


def test_impossible_tasks_and_settings() -> None:
    with pytest.raises(ConfigError, match="items 2-5"):
        Sort(items=6)
    with pytest.raises(ConfigError, match="turns >= 1"):
        Order(turns=0)
    with pytest.raises(TaskError, match="different values"):
        task(1, 1)

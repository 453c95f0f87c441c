"""EARL's mode stack, calculator, and the tasks round it."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import play

from turnwise.action import Action
from turnwise.agents.legal import RandomLegal
from turnwise.environments.earl import Arithmetic, Count, Countdown
from turnwise.environments.earl.calculations import CalculatorWorld
from turnwise.environments.earl.calculator import CALCULATE, SYMBOLS, NumberMode, calculate, calculator
from turnwise.environments.earl.expression import Draw, evaluate, shown
from turnwise.environments.earl.reach import reaches, search
from turnwise.environments.earl.words import cardinal
from turnwise.environments.parts.modes import Modes
from turnwise.environments.parts.world import WorldTask
from turnwise.errors import ConfigError
from turnwise.message import Message
from turnwise.model import Request

TASK = WorldTask(id="t", seed=7)
KINDS: list[Any] = [Arithmetic(), Countdown(), Count()]


def world(environment: Any, seed: int = 7) -> CalculatorWorld:
    return environment.world(WorldTask(id="t", seed=seed), random.Random(0))


def legal_text(space: Any, rng: random.Random) -> str:
    chosen: list[int] = []
    while offered := space.offer(chosen).actions:
        chosen.append(rng.choice(offered).id)
    return space.render(chosen)


def symbols(space: Modes, *entered: str) -> str:
    """What may follow these symbols in the calculator; = is the exit."""
    offered = space.offer([CALCULATE, *(SYMBOLS.index(symbol) for symbol in entered)])
    assert not offered.text
    return "".join("=" if action.id >= len(SYMBOLS) else SYMBOLS[action.id] for action in offered.actions)


def test_language_offers_text_and_entries_and_a_tool_only_its_own_actions() -> None:
    space = Modes((calculator("corrected", True), NumberMode()))
    start = space.offer([])
    assert start.text
    assert [action.text for action in start.actions] == [" calculate ", "#### "]
    assert symbols(space) == "0123456789("
    assert symbols(space, *"12") == "0123456789.+-*/="
    assert symbols(space, *"(12") == "0123456789.+-*/)"
    assert symbols(space, *"(1+2)") == "+-*/="
    assert symbols(space, *"1+") == "0123456789("
    assert symbols(space, "0") == ".+-*/="
    assert symbols(space, *"1.") == "0123456789"
    assert symbols(space, *"1.2") == "0123456789+-*/="
    whole = [CALCULATE, *(SYMBOLS.index(symbol) for symbol in "(12+6)/3"), len(SYMBOLS)]
    assert space.offer(whole).actions == ()
    assert not space.offer(whole).text
    assert space.render(whole) == " calculate  (12 + 6) / 3 = "


def test_actions_that_are_not_legal_where_they_stand_are_refused() -> None:
    space = Modes((calculator("corrected", True),))
    with pytest.raises(ValueError, match="enters no tool"):
        space.offer([3])
    with pytest.raises(ValueError, match=r"place 2: calculate expects one of"):
        space.offer([CALCULATE, SYMBOLS.index("1"), SYMBOLS.index("(")])
    with pytest.raises(ValueError, match="ids of their own"):
        Modes((calculator("corrected", True), calculator("published", True)))


def test_the_published_grammar_lets_a_number_have_two_points_and_no_zero_in_front() -> None:
    published = Modes((calculator("published", True),))
    assert symbols(published) == "123456789("
    assert "." in symbols(published, *"1.2")
    assert calculate("1.2.3", "published").startswith("Error")
    assert "." not in symbols(Modes((calculator("published", False),)), "1")


@given(st.integers(0, 2**32), st.booleans())
def test_random_legal_play_is_never_a_parse_error(seed: int, decimals: bool) -> None:
    tool = calculator("corrected", decimals)
    text = legal_text(Modes((tool,)), random.Random(seed))
    call = Modes((tool,)).read(text)
    assert call is not None
    assert tool.grammar.accepts(call.body)
    result = calculate(call.body, "corrected")
    assert not result.startswith("Error") or result == "Error: division by zero"


@given(st.integers(0, 2**32))
def test_nor_is_it_in_the_published_grammar_without_a_point(seed: int) -> None:
    tool = calculator("published", False)
    call = Modes((tool,)).read(legal_text(Modes((tool,)), random.Random(seed)))
    assert call is not None
    evaluated = calculate(call.body, "published")
    assert not evaluated.startswith("Error") or "zero" in evaluated or "large" in evaluated


@given(st.integers(0, 2**32), st.sampled_from(KINDS))
def test_every_legal_reply_is_accepted(seed: int, environment: Any) -> None:
    played, rng = world(environment), random.Random(seed)
    for _ in range(5):
        if not played.over:
            assert played.step(legal_text(played.actions(), rng)).valid
            played.observe()


@given(st.text() | st.text(alphabet="0123456789+-*/(). =#calculate\n²٣"), st.sampled_from(KINDS))
def test_any_text_is_answered(text: str, environment: Any) -> None:
    for reply in (text, f"calculate {text} =", f"#### {text}", text * 300):
        played = world(environment)
        step = played.step(reply)
        assert played.over or (isinstance(played.observe(), str) and played.observe())
        assert all(gain.value in (0.0, 1.0) for gain in step.gains)


def test_the_first_call_counts_and_what_follows_it_is_not_read() -> None:
    played = world(Arithmetic())
    played.step("I calculate 2 * (3 + 4) = 15, so\n#### 15")
    assert (played.over, played.observe()) == (False, "14")
    played.step("#### 3\ncalculate 1 + 1 =")
    assert (played.over, played.outcome) == (True, "wrong")


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("(12 + 6) / 3", "6"),
        ("1 / 3", "0.333"),
        ("2 / 3", "0.667"),
        ("1 - 5 / 3", "-0.667"),
        ("2 - 3 - 4", "-5"),
        ("8 / 4 / 2", "1"),
        ("2 + 3 * 4", "14"),
        ("0.1 + 0.2 - 0.3", "0"),
        ("1 / (2 - 2)", "Error: division by zero"),
        ("99999 * 99999", "9999800001"),
    ],
)
def test_results(expression: str, result: str) -> None:
    assert calculate(expression, "corrected") == result


def test_the_published_calculator_computes_in_floats() -> None:
    assert calculate("0.1 + 0.2 - 0.3", "published") == "0.000"
    assert calculate("7 / 2", "published") == "3.500"


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_values_agree_with_python(seed: int, operations: int) -> None:
    drawn = Draw(4).expression(random.Random(seed), operations)
    assert float(drawn.value) == pytest.approx(eval(drawn.text), abs=1e-6)
    assert sum(drawn.text.count(sign) for sign in "+-*/") == operations
    assert shown(drawn.value) == shown(Fraction(evaluate(drawn.text)))


@pytest.mark.parametrize("text", ["", "1 +", "(1", "1)", "1 2", "2 ** 3", "7 // 2", "05", "1e3", "()", "-1"])
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        evaluate(text)


def test_deep_and_long_expressions_do_no_harm() -> None:
    assert evaluate("(" * 499 + "1" + ")" * 499) == 1
    with pytest.raises(ValueError, match="longer than 1000"):
        evaluate("9" * 1001)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (21, "twenty-one"),
        (100, "one hundred"),
        (119, "one hundred and nineteen"),
        (1005, "one thousand and five"),
        (1234, "one thousand, two hundred and thirty-four"),
        (1_000_000, "one million"),
        (2_000_300, "two million, three hundred"),
        (7_000_000_000_000_000_001, "seven quintillion and one"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert cardinal(number) == words


def test_words_say_what_the_expression_means_only_when_corrected() -> None:
    """In the published generator an operand that is a sum goes without parentheses into a product."""
    differing = 0
    for seed in range(300):
        drawn = Draw(1, words=0, strict=False).expression(random.Random(seed), 2)
        strict = Draw(1, words=1).expression(random.Random(seed), 2)
        differing += drawn.rank == 2 and any(f" {s} " in drawn.text for s in "+-") and "(" not in drawn.text
        if strict.said.startswith("multiplication of ") and " plus " in strict.said:
            assert "(" in strict.said
    assert differing > 10


@pytest.mark.parametrize("environment", [*KINDS, Arithmetic(variant="published"), Arithmetic(split="train")])
def test_solvers_are_right_and_random_players_hardly(environment: Any) -> None:
    agents = environment.agents()
    for task in list(environment.tasks())[:20]:
        assert play(environment, task, agent=agents["solver"]).score() == 1
    assert isinstance(agents["random"], RandomLegal)


def test_countdown_takes_each_number_once() -> None:
    assert reaches((1, 2, 3), 1, "(1 + 2) / 3")
    assert reaches((1, 2, 3), -2, "-3 + 2 - 1")
    assert not reaches((1, 2, 3), 1, "3 - 2")
    assert not reaches((1, 2, 3), 2, "1 + 2 / 3 * 3")
    assert not reaches((2, 3), 8, "2 ** 3")
    assert not reaches((7, 2), 3, "7 // 2")
    assert not reaches((1, 2), 3, "1 + 2; 3")


def test_the_search_knows_what_cannot_be_reached() -> None:
    assert search((1, 1), 3) is None
    # 3, 3, 8, 8 to 24 goes through a fraction: 8 / (3 - 8 / 3).
    found = search((3, 3, 8, 8), 24)
    assert found is not None
    assert reaches((3, 3, 8, 8), 24, found)


def test_a_random_player_needs_no_text() -> None:
    import asyncio

    space = world(Countdown()).actions()
    request = Request(
        messages=(Message(role="user", content="x"),),
        actions=space,
        rng_seed="1/agent",
        session="s",
        ordinal=0,
    )
    sample = asyncio.run(RandomLegal().sample(request))
    assert sample.message.text.startswith((" calculate ", "#### "))


def test_answers_can_be_left_to_text() -> None:
    assert [action.text for action in world(Count(answer_actions=False)).actions().offer([]).actions] == [
        " calculate "
    ]
    right = Count(answer_actions=False)
    assert play(right, TASK, agent=right.agents()["solver"]).score() == 1


def test_action_ids_mean_the_same_everywhere() -> None:
    texts: dict[int, set[str]] = {}
    for mode in (calculator("corrected", True), calculator("published", False)):
        space, rng = Modes((mode,)), random.Random(0)
        for _ in range(200):
            chosen: list[int] = []
            while offered := space.offer(chosen).actions:
                for action in offered:
                    assert isinstance(action, Action)
                    texts.setdefault(action.id, set()).add(action.text)
                chosen.append(rng.choice(offered).id)
    assert all(len(said) == 1 for said in texts.values())


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Arithmetic, {"digits": 7}),
        (Arithmetic, {"operations": 0}),
        (Countdown, {"operations": 5}),
        (Count, {"words": 2}),
        (Count, {"turns": 0}),
    ],
)
def test_impossible_settings(kind: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        kind(**settings)


@given(st.lists(st.lists(st.integers(0, len(SYMBOLS) + 4), max_size=6), max_size=6))
def test_what_was_asked_before_changes_no_offer(questions: list[list[int]]) -> None:
    def answer(space: Modes, chosen: list[int]) -> Any:
        try:
            return space.offer(chosen)
        except ValueError as error:
            return str(error)

    asked = Modes((calculator("corrected", True), NumberMode()))
    for question in questions:
        for entry in (CALCULATE, *question[:1]):
            chosen = [entry, *question]
            assert answer(asked, chosen) == answer(
                Modes((calculator("corrected", True), NumberMode())), chosen
            )
            assert answer(asked, chosen[:-1]) == answer(asked, list(chosen[:-1]))

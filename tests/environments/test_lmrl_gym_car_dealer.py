"""Car Dealer: buyers as published, decisions, rewards, the limit of messages, the built-in buyer, sellers."""

from __future__ import annotations

import random
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import Scripted, play

from turnwise.environments.lmrl_gym.car_dealer import CarDealer, CarDealerTask
from turnwise.environments.lmrl_gym.car_dealer.buyer import Buyer, limit
from turnwise.environments.lmrl_gym.car_dealer.deal import FORCED, Decision, bounds, decision, worth
from turnwise.errors import TaskError
from turnwise.log import Stop

TASK = CarDealerTask(
    id="0",
    personality="sarcastic",
    brand="a Ford",
    type="SUV",
    features=("sunroof", "heated seats"),
    budget=30_000,
)
PITCH = "A Ford SUV with sunroof and heated seats! The MSRP is $32,000, you can have it for ${}."


def saying(*replies: str) -> Any:
    """Says these in turn, the last one for ever."""
    return lambda messages: replies[
        min(sum(message.role == "assistant" for message in messages), len(replies) - 1)
    ]


def sell(seller: Any, buyer: Any, task: CarDealerTask = TASK, **settings: Any) -> Any:
    return play(CarDealer(**settings), task, agent=seller, buyer=buyer)


# Decisions and rewards ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "made", "visible"),
    [
        (
            "Deal. Output: Decision=Accept MSRP=$40,000 Buy Price=$38,000",
            Decision(True, 40_000, 38_000),
            "Deal. ",
        ),
        ("Output: Decision=Reject MSRP=$40000\n", Decision(False, 40_000, None), "\n"),
        ("Output: Decision=Reject MSRP=$4 Buy Price=$3", Decision(False, 4, None), ""),
        ("Output: Decision=Accept MSRP=$9", Decision(True, 9, None), ""),
        (
            "Output: Decision=Accept MSRP=$0 Buy Price=$3",
            None,
            "Output: Decision=Accept MSRP=$0 Buy Price=$3",
        ),
        ("I accept. MSRP=$9", None, "I accept. MSRP=$9"),
        ("Output: Decision=Accept MSRP=$٣", None, "Output: Decision=Accept MSRP=$٣"),
    ],
)
def test_the_line_a_buyer_decides_by(text: str, made: Decision | None, visible: str) -> None:
    assert decision(text) == (made, visible)


def test_numbers_beyond_all_reason_are_no_decision() -> None:
    text = f"Output: Decision=Accept MSRP=${'9' * 10_000} Buy Price=$1"
    assert decision(text) == (None, text)


@pytest.mark.parametrize(
    ("made", "mode", "reward"),
    [
        (Decision(True, 40_000, 38_000), "fancy", 38_000 / 45_000),  # over the mean of 50,000 and 40,000
        (Decision(False, 40_000, None), "fancy", -0.25),
        (Decision(False, 100_000, None), "fancy", 0.5),  # too dear anyway
        (Decision(True, 40_000, None), "fancy", 0),
        (Decision(True, 40_000, 38_000), "revenue", 38),
        (Decision(False, 40_000, None), "revenue", 0),
    ],
)
def test_what_a_deal_is_worth(made: Decision, mode: Any, reward: float) -> None:
    assert worth(50_000, made, mode) == pytest.approx(reward)


@given(
    st.booleans(),
    st.integers(1, 10**9 - 1),
    st.integers(0, 10**9 - 1),
    st.sampled_from(["fancy", "revenue"]),
    st.integers(10_000, 90_000),
)
def test_rewards_stay_in_the_declared_range(
    bought: bool, msrp: int, price: int, mode: Any, budget: int
) -> None:
    low, high = bounds(mode)
    assert low <= worth(budget, Decision(bought, msrp, price if bought else None), mode) <= high


# Episodes -------------------------------------------------------------------------------------------------


def test_the_seller_speaks_first_and_never_sees_the_decision() -> None:
    seller = Scripted(saying("Hello!", "It is $38,000."))
    buyer = Scripted(
        saying("Hi. What does it cost?", "Fine. Output: Decision=Accept MSRP=$40,000 Buy Price=$38,000")
    )
    episode = sell(seller, buyer, rules=False)
    assert [message.text for message in seller.seen[0]] == ["Start\n"]
    assert [message.text for message in seller.seen[1]] == ["Start\n", "Hello!", "Hi. What does it cost?"]
    assert "Prefers a Ford SUV with sunroof, heated seats. Budget: $30,000" in buyer.seen[0][0].text
    assert buyer.seen[0][1].text == "Hello!"
    assert [(turn.text, turn.to) for turn in episode.turns][-1] == ("Fine. ", ("agent",))
    # The reward is the last seller message's: 38,000 over the mean of 30,000 and 40,000.
    [reward] = episode.rewards
    assert reward.value == pytest.approx(38 / 35)
    assert episode.turns[reward.turn].text == "It is $38,000."
    assert (episode.stop, episode.detail) == (Stop.COMPLETED, "sold")
    assert episode.metrics == {"sold": 1, "texts": 4, "msrp": 40_000, "price": 38_000}


@pytest.mark.parametrize(
    ("last", "reward", "detail"),
    [
        ("Reject MSRP=$40,000", -(30 - 40) / 40, "rejected"),  # the begun line is continued
        ("Output: Decision=Accept MSRP=$30,000 Buy Price=$30,000", 1, "sold"),
        ("I really do not know.", 0, "undecided"),
    ],
)
def test_after_fifty_messages_the_buyer_must_decide(last: str, reward: float, detail: str) -> None:
    buyer = Scripted(lambda messages: last if messages[-1].text == FORCED else "Hm.")
    episode = sell(saying("Buy it!"), buyer)
    assert episode.metrics["texts"] == 50
    assert len(buyer.seen) == 26
    assert (episode.score(), episode.detail) == (pytest.approx(reward), detail)


def test_buyers_are_drawn_as_in_the_published_environment() -> None:
    """The draws of `random.Random(seed)`, in the order of the official `reset`."""
    task = next(iter(CarDealer(split="train").tasks()))
    rng = random.Random(0)
    personality, brand, kind = rng.randrange(10), rng.randrange(13), rng.randrange(6)
    from turnwise.environments.lmrl_gym.car_dealer import deal

    assert (task.personality, task.brand, task.type) == (
        deal.PERSONALITIES[personality],
        deal.BRANDS[brand],
        deal.TYPES[kind],
    )
    wanted = rng.randint(1, 4)
    assert len(task.features) == wanted
    everyone = list(CarDealer(count=300).tasks())
    assert {task.budget for task in everyone} == {10_000, 30_000, 50_000, 70_000, 90_000}
    assert {len(task.features) for task in everyone} == {1, 2, 3, 4}
    assert not {task.id for task in everyone} & {task.id for task in CarDealer(split="train").tasks()}


def test_budgets_out_of_range_are_refused() -> None:
    with pytest.raises(TaskError, match="budget"):
        CarDealerTask(id="0", personality="rude", brand="a Ford", type="SUV", features=(), budget=1)


# The built-in buyer ---------------------------------------------------------------------------------------


def buyer() -> Buyer:
    return Buyer(TASK, random.Random(0))


def test_it_tells_its_wishes_and_asks_for_the_price() -> None:
    someone, said = buyer(), ""
    for text in ("Hello!", "What brand do you like?", "And which features?", "Which type?", "I see."):
        said += someone.says(text) + " "
    assert "a Ford" in said
    assert "SUV" in said
    assert "sunroof and heated seats" in said
    assert "cost" in said or "How much" in said
    assert FORCED not in said


def test_it_buys_below_its_limit_and_bargains_above() -> None:
    assert (
        buyer()
        .says(PITCH.format("30,000"))
        .endswith("Output: Decision=Accept MSRP=$32,000 Buy Price=$30,000")
    )
    someone = buyer()
    assert "Would you take $25,500?" in someone.says(PITCH.format("31,000"))  # 85 percent of 30,000
    assert someone.limit() == 30_300  # it gives way by one percent
    assert "Buy Price=$30,300" in someone.says("Only for you: $30,300.")


def test_it_pays_less_for_what_nobody_promised() -> None:
    assert limit(TASK, (True, True, True, True), 0) == 30_000
    assert limit(TASK, (False, True, True, False), 0) == 24_000
    assert "Accept" not in buyer().says("The MSRP is $32,000, you can have it for $30,000.")


def test_it_never_pays_more_than_the_list_price() -> None:
    assert "more than the list price" in buyer().says(
        "A Ford SUV with sunroof. MSRP $20,000, yours for $21,000."
    )


def test_it_leaves_when_its_patience_is_over() -> None:
    someone = buyer()
    said = [someone.says(PITCH.format("32,000")) for _ in range(10)]
    assert not any(FORCED in text for text in said[:9])
    assert said[9].endswith("Output: Decision=Reject MSRP=$32,000")


@given(st.lists(st.text(max_size=60), max_size=12))
def test_it_can_answer_anything(texts: list[str]) -> None:
    someone = buyer()
    assert all(someone.says(text) for text in [*texts, "$" + "9" * 5000, "$1k", FORCED])


# Sellers --------------------------------------------------------------------------------------------------


def test_skill_tells() -> None:
    agents = CarDealer().agents()
    tasks = list(CarDealer(count=80).tasks())

    def average(name: str) -> float:
        return mean(
            play(CarDealer(), task, agent=agents[name], buyer=agents["buyer/agenda"], seed=seed).score() or 0
            for seed, task in enumerate(tasks)
        )

    means = [average(name) for name in ("solver", "skill75", "skill25", "random")]
    assert means == sorted(means, reverse=True)
    # The best seller takes the buyer's last limit, 98 to 108 percent of the budget, at that list price.
    assert 0.98 < means[0] < 1.04

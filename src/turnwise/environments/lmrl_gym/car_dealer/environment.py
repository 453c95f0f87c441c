"""The environment: a seller and a buyer talk until the buyer decides, or has to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.environment import Capabilities, Environment
from turnwise.environments.lmrl_gym.car_dealer import sellers
from turnwise.environments.lmrl_gym.car_dealer.buyer import agenda
from turnwise.environments.lmrl_gym.car_dealer.deal import (
    FORCED,
    CarDealerTask,
    Decision,
    Mode,
    bounds,
    buyer,
    decision,
    worth,
)
from turnwise.episode import Episode
from turnwise.log import Turn
from turnwise.task import Task

START = "Start\n"
"""The first thing said in the published environment."""
RULES = (
    "You sell cars. Talk to the buyer, find out what they want, and sell them a car at the highest price "
    "you can get: name its list price (MSRP) and your price in dollars. You speak first, and the "
    "conversation has {texts} messages at most, yours and the buyer's together.\n\n"
)
TO_BUYER = (
    "You are somebody who wants to buy a car, and talk to a car dealer. This is you:\n{wishes}\n"
    "Stay in character, and do not pay more than your budget unless you are convinced. When you have "
    "decided, end your message with one line of the form\n"
    "Output: Decision=Accept MSRP=$40,000 Buy Price=$38,000\n"
    "or\n"
    "Output: Decision=Reject MSRP=$40,000\n"
    "with the list price of the car you talked about. The dealer does not see that line."
)


class CarDealer(Environment, kw_only=True, frozen=True):
    """Sell a car to somebody with wishes, a temper and a budget."""

    name: ClassVar[str] = "car_dealer"
    roles: ClassVar[tuple[str, ...]] = ("agent", "buyer")
    task_type: ClassVar[type[Task]] = CarDealerTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    reward: Mode = "fancy"
    """`fancy`: the price over the mean of budget and list price, or what was missed; `revenue`: thousands of
    dollars."""
    max_texts: Annotated[int, msgspec.Meta(ge=2)] = 50
    """After so many messages the buyer must decide."""
    rules: bool = True
    """Whether the seller is told the rules; the published environment says nothing but its first line."""
    count: int = 100
    """Buyers in the built-in task set."""
    split: Literal["train", "test"] = "test"
    """Which buyers: drawn from the seeds of the one or the other."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """What the numbers a decision may have allow; the built-in buyer stays near 1."""
        return bounds(self.reward)

    @property
    def max_replies(self) -> int:
        """All messages, and the decision that is asked for at the end."""
        return self.max_texts + 2

    def tasks(self) -> Iterable[CarDealerTask]:
        """`count` buyers, drawn as the published environment draws them."""
        first = 0 if self.split == "train" else 1 << 31
        return [buyer(f"{self.split}-{number}", first + number) for number in range(self.count)]

    async def run(self, task: CarDealerTask, episode: Episode) -> None:
        """Let them talk; the seller's last message gets the reward."""
        episode.tell("buyer", TO_BUYER.format(wishes=task.wishes))
        says: str | Turn = (RULES.format(texts=self.max_texts) if self.rules else "") + START
        texts = 0
        while True:
            pitch = await episode.agent.respond(says)
            answer = await episode.buyer.respond(pitch)
            texts += 2
            made, visible = decision(answer.text)
            if made is None and texts < self.max_texts:
                says = answer
                continue
            if made is None:
                made = await self._force(episode)
            episode.tell("agent", visible)
            self._close(task, made, pitch, texts, episode)
            break

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` knows the built-in buyer's mind; `skill75` and so on do now and then, `random` never."""
        return {**sellers.GRADED, "mixed": sellers.mixed, "buyer/agenda": agenda}

    def defaults(self) -> Mapping[str, str]:
        """The built-in buyer; a model by `--agent buyer=openai/…`."""
        return {"buyer": "agenda"}

    async def _force(self, episode: Episode) -> Decision | None:
        """The buyer's decision, begun for it."""
        said = (await episode.buyer.respond(FORCED)).text
        return decision(said if FORCED in said else FORCED + said.lstrip())[0]

    def _close(
        self, task: CarDealerTask, made: Decision | None, pitch: Turn, texts: int, episode: Episode
    ) -> None:
        """Give the reward; where the buyer would not decide at all, there is none."""
        reward = 0.0 if made is None else worth(task.budget, made, self.reward)
        episode.reward(reward, pitch, name=self.reward)
        episode.metric("sold", made is not None and made.bought)
        episode.metric("texts", texts)
        if made is not None:
            episode.metric("msrp", made.msrp)
            episode.metric("price", made.price or 0)
        episode.end("undecided" if made is None else "sold" if made.bought else "rejected")

"""Dual control: the agent has the carrier's tools, the customer the phone's, and it takes both.

The rules are those of version 2 of tau-bench (`conversation.py`); the reward is that what the customer called
about works in the end, and that the customer ended the conversation. With `solo=True` there is no
conversation: the agent gets a ticket and both sides' tools, and is done with its first words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator, Iterable
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.agents.users.briefs import tau2_bench
from turnwise.agents.users.interruption import scheduled
from turnwise.agents.users.marks import STOP
from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts import reasons
from turnwise.environments.service.tau_bench.conversation import STEPS, TRANSFER, Conversation, Protocol
from turnwise.environments.service.tau_bench.phone import Phone
from turnwise.environments.service.tau_bench.phone_tasks import (
    NUMBER,
    Family,
    Fix,
    PhoneTask,
    broken,
    tasks,
    works,
)
from turnwise.environments.service.tau_bench.players import calling
from turnwise.episode import Episode
from turnwise.message import Content, Message, ToolSpec, system
from turnwise.role import Role
from turnwise.task import Task
from turnwise.tools.desk import DeskTool

POLICY = """\
# Service of the carrier

- Find out the number, and look at the line.
- No network: airplane mode, the SIM card, then whether the line is suspended. A suspended line is resumed
  once the bill is paid: send a request for payment, wait until the customer has paid it.
- Data that is slow or not there: whether data is on; abroad, roaming on the line and on the phone; the data
  left (you may add up to 5 GB); the network mode; the data saver.
- Picture messages: they need data, the right access point (set back, then restart), and the permission.
- You cannot touch the phone. Tell the customer what to do there, one thing at a time, and ask what they see.
- Hand over to a human agent where nothing helps.
"""
PERSONAS = {
    "none": "",
    "easy": "You know your phone well and find every setting at once.",
    "hard": "You know little of phones, are anxious to break something, and do one thing at a time.",
}
_PATIENCE = 5
"""Questions that the customer without a model answers by what the screen shows."""
_GIVEN = re.compile(r"\b(\w+)=(\w+)")
Script = Generator[str | Message | None, Message, None]


class TauPhone(Environment, kw_only=True, frozen=True):
    """A carrier's service, for a phone in the customer's hands."""

    name: ClassVar[str] = "tau_phone"
    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    task_type: ClassVar[type[Task]] = PhoneTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    family: Literal["all", "service", "data", "pictures"] = "all"
    """What the customers call about."""
    persona: Literal["none", "easy", "hard"] = "none"
    """Who they are."""
    solo: bool = False
    """No customer: the agent has all tools and a ticket."""
    user: Protocol = "llm"
    """How a model in the role `user` comes to its words."""
    max_steps: Annotated[int, msgspec.Meta(ge=1)] = STEPS[2]
    """Messages after which it is over."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """One case, mended or not."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """Of agent and user."""
        return 2 * self.max_steps + 3

    def tasks(self) -> Iterable[Task]:
        """All cases of the family."""
        families: tuple[Family, ...] = ("service", "data", "pictures")
        return [task for one in families if self.family in ("all", one) for task in tasks(one)]

    async def run(self, task: PhoneTask, episode: Episode) -> None:
        """Let them talk, or the agent work alone; then see whether it works."""
        phone = broken(task)
        if self.solo:
            lent = [_Lent(tool) for tool in phone.tools()]
            episode.tell("agent", system(POLICY))
            ticket = f"Ticket: {task.complaint} The number is {NUMBER}. You have the phone in hand."
            reply = await episode.agent.respond(ticket, tools=lent)
            ended = not reply.message.tool_calls
        else:
            talk = Conversation(
                episode,
                version=2,
                limit=self.max_steps,
                tools=phone.tools("agent"),
                user_tools=phone.tools("user"),
                user=self.user,
                schedule=scheduled(task),
            )
            scenario = f"{task.complaint} Your number is {NUMBER}. You leave when it works, or nothing helps."
            brief = tau2_bench(scenario, persona=PERSONAS[self.persona], tools=True)
            episode.detail = await talk.talk(POLICY, brief)
            ended = talk.ended
        episode.note(phone.state(), name="final_state")
        if ended:
            mended = works(phone, task.family)
            reasons.tell(episode, [] if mended else [amiss(phone)])
            episode.reward(float(mended), name="works")

    async def score(self, task: PhoneTask, episode: Episode) -> None:
        """What did not come to its end scores 0."""
        if not episode.rewards:
            episode.reward(0.0, name="works")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver`, `alone` (who leaves the customer's part out), `nothing`, `random`; `user/scripted`."""
        return {
            "solver": solo_solver if self.solo else solver,
            "alone": alone,
            "nothing": nothing,
            "random": random_player,
            "user/scripted": customer,
        }

    def defaults(self) -> dict[str, str]:
        """The customer without a model."""
        return {"user": "scripted"}


class _Lent:
    """A tool that anybody may call."""

    replay: Literal["run"] = "run"

    def __init__(self, tool: DeskTool) -> None:
        self._tool = tool

    @property
    def spec(self) -> ToolSpec:
        return self._tool.spec

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        content, _ = await self._tool.invoke(arguments, None)
        return content


def amiss(phone: Phone) -> str:
    """What does not work, and what the phone and the line show."""
    screen = phone.check_status_bar()
    line = phone.line
    signs = [
        "suspended" if line.suspended else "active",
        f"${line.owed:.2f} owed" if line.owed else "",
        "" if line.roaming else "no roaming",
        "no data left" if line.used_gb >= line.allowance_gb else "",
    ]
    told = ", ".join(sign for sign in signs if sign)
    works = f"data {phone.speed}, pictures {'sent' if phone.sends_pictures else 'not sent'}"
    return f"it does not work yet: {works}; the phone shows {screen}; the line is {told}"


# Those who need no model -------------------------------------------------------------------------------


def asking(fix: Fix) -> str:
    """How an agent asks for something that only the customer can do."""
    given = "".join(f" {name}={value}" for name, value in fix.arguments.items())
    return f"Please use {fix.name}{given} on your phone, and tell me what you see."


def customer(task: PhoneTask, rng: random.Random) -> Script:
    """Does on the phone what is asked for by a tool's name, and says what was seen; else looks, or leaves."""
    names = [tool.spec.name for tool in broken(task).tools("user")]
    yield
    heard = yield f"{task.complaint} My number is {NUMBER}."
    patience, number = _PATIENCE, 0
    while True:
        number += 1
        wanted = [(heard.text.find(name), name) for name in names if name in heard.text]
        if wanted:
            seen = yield calling(min(wanted)[1], dict(_GIVEN.findall(heard.text)), number)
            heard = yield f"I see: {seen.text}"
        elif "?" in heard.text and patience:
            patience -= 1
            seen = yield calling("check_status_bar", {}, number)
            heard = yield f"I see: {seen.text}"
        else:
            heard = yield STOP


def solver(task: PhoneTask, rng: random.Random) -> Script:
    """Does its own part, and asks for the customer's."""
    yield
    for number, fix in enumerate(task.fixes):
        yield calling(fix.name, fix.arguments, number) if fix.by == "agent" else asking(fix)
    while True:
        yield "It should work now."


def solo_solver(task: PhoneTask, rng: random.Random) -> Script:
    """Does both parts."""
    yield
    for number, fix in enumerate(task.fixes):
        yield calling(fix.name, fix.arguments, number)
    while True:
        yield "It works."


def alone(task: PhoneTask, rng: random.Random) -> Script:
    """Does its own part, and tries the customer's by itself; asks nobody."""
    yield
    for number, fix in enumerate(task.fixes):
        yield calling(fix.name, fix.arguments, number)
    while True:
        yield "It should work now."


def nothing(task: PhoneTask, rng: random.Random) -> Script:
    """Regrets."""
    yield
    while True:
        yield "I am sorry, I cannot help you with that."


def random_player(task: PhoneTask, rng: random.Random) -> Script:
    """Asks for this and that, does this and that, and gives up some time."""
    phone = broken(task)
    own = [tool.spec.name for tool in phone.tools("agent") if tool.spec.name != TRANSFER]
    theirs = [tool.spec.name for tool in phone.tools("user")]
    yield
    number = 0
    while True:
        number += 1
        draw = rng.random()
        if draw < 0.3:
            name = rng.choice(own)
            more = {"gigabytes": 1.0} if name == "add_data" else {}
            yield calling(name, {"number": NUMBER, **more}, number)
        elif draw < 0.8:
            yield f"Please use {rng.choice(theirs)}."
        else:
            yield "That is all I can do."

"""Manners: how a user comes to say something. The parts that simulated users are composed of.

A manner drafts what a user says next (`draft`), by model calls of the role or by rules. `Plain` takes what
the role's model says; a `Wrapper` holds another manner and works on its drafts, so that any of them can be
wrapped. Only what is finally said becomes a turn (`respond`). A manner holds no state of any episode: what it
must know it reads from the role's history, its memory and the episode's notes, which a replay, a fork or
another agent that takes the role over finds as they were. To draft twice at the same moment means the same.

    user = User(model, Interruption(Patience(Plain()), updates))          # an agent, for any role
    said = await respond(episode.user, Verify(Plain()))                   # or an environment's own choice
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar, cast

import msgspec

from turnwise.agent import Agent, Ask, Calls
from turnwise.errors import ConfigError
from turnwise.log import Call, Turn
from turnwise.message import Message
from turnwise.model import Model, Request, Sample
from turnwise.role import Role, said_by
from turnwise.tool import offered

T = TypeVar("T")
Of: TypeAlias = T | Callable[[Any], T]
"""A value for all tasks, or a function that says the value of one."""


def of(value: Of[T], role: Role) -> T:
    """The value for the task that `role` plays."""
    return cast("T", value(role.episode.task)) if callable(value) else value


class Draft(NamedTuple):
    """What a user is about to say."""

    message: Message
    call: Call | None = None
    """The call that sampled exactly this; None where the words are the manner's."""
    notes: tuple[tuple[str, Any], ...] = ()
    """Written down about the turn, once it is one: names and JSON values."""

    @staticmethod
    def of(call: Call) -> Draft:
        """A call's sample as it is."""
        return Draft(said_by(call), call)

    @property
    def text(self) -> str:
        """The words."""
        return self.message.text

    def saying(self, text: str, *, reasoning: str | None = None) -> Draft:
        """Other words, and no tool calls."""
        if text == self.text and reasoning is None and not self.message.tool_calls:
            return self
        return Draft(Message(role="assistant", content=text, reasoning=reasoning), None, self.notes)

    def noting(self, name: str, value: Any) -> Draft:
        """The same with one more note."""
        return self._replace(notes=(*self.notes, (name, value)))


class Manner(ABC):
    """How a user comes to say something; see the module."""

    told: ClassVar[bool] = False
    """Whether it works by what it tells the model in private; rules do not heed that."""
    heeds: ClassVar[bool] = True
    """Whether its words follow from the role's whole history, what is told in private included."""

    @abstractmethod
    async def draft(self, role: Role, ask: Ask) -> Draft:
        """What the role says next."""

    @property
    def layers(self) -> tuple[Manner, ...]:
        """This manner and those within, the outermost first."""
        return (self,)


class Plain(Manner):
    """Whatever the role's model says."""

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """One call of the model."""
        return Draft.of(await role.sample(tools=ask.tools, stop=ask.stop, actions=ask.actions))


class Wrapper(Manner):
    """A manner round another one.

    Args:
        inner: Whose drafts it works on; plain words of the role's model by default.

    Raises:
        ConfigError: the two make no sense together.
    """

    once: ClassVar[bool] = True
    """Whether there can be only one of its kind."""

    def __init__(self, inner: Manner | None = None) -> None:
        self.inner = inner or Plain()
        name = type(self).__name__
        for layer in self.inner.layers:
            if self.once and type(layer) is type(self):
                raise ConfigError(f"{name} wraps another {name}: give one of them all there is")
            if self.told and not layer.heeds:
                raise ConfigError(
                    f"{name} cannot wrap {type(layer).__name__}: it tells the model what to say, and "
                    f"{type(layer).__name__} shows its model a prompt of its own"
                )

    @property
    def layers(self) -> tuple[Manner, ...]:
        """This manner and those within, the outermost first."""
        return (self, *self.inner.layers)


class User(Agent):
    """An agent that speaks in a manner.

    Args:
        model: Who is asked; None for a manner that asks nobody.
        manner: How it comes to say something.
        system: A system prompt of its own; see `briefs`.
        **options: As for `Agent`.
    """

    def __init__(
        self, model: Model | None, manner: Manner | None = None, *, system: str | None = None, **options: Any
    ) -> None:
        super().__init__(model or Nobody(), system=system, **options)
        self.manner = manner or Plain()

    async def act(self, role: Role, ask: Ask) -> Turn:
        """One response, in the user's manner."""
        whole = msgspec.structs.replace(ask, tools=(*self.tools, *ask.tools))
        return await respond(role, self.manner, whole, rounds=self.max_tool_rounds)


class Nobody:
    """The model of a user who needs none."""

    name = "rules"
    remote = False

    async def sample(self, request: Request) -> Sample:
        """Refuses.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("this user was made without a model, but its manner asks one: give it a model")

    async def close(self) -> None:
        """Nothing to let go of."""


async def respond(role: Role, manner: Manner, ask: Ask | None = None, *, rounds: int = 64) -> Turn:
    """One response of a role in a manner: drafts are said, tools are used, until there are words.

    Args:
        role: Who speaks; what it answers was told it before.
        manner: How.
        ask: What the environment wants; of its tools only those are offered that the role may call.
        rounds: Most drafts; the last is made without tools.
    """
    ask = ask or Ask()
    tools = offered(ask.tools, role.name)
    by_name = {tool.spec.name: tool for tool in tools}
    for number in range(rounds):
        offer = tools if number < rounds - 1 else ()
        turn = _say(role, await manner.draft(role, msgspec.structs.replace(ask, tools=offer)), ask.calls)
        if not turn.message.tool_calls or (ask.until is not None and ask.until(turn)):
            return turn
        for tool_call in turn.message.tool_calls:
            result = await role.use(tool_call, by_name)
            if ask.until is not None and ask.until(result):
                return turn
    return turn  # pyright: ignore[reportPossiblyUnboundVariable]


def _say(role: Role, draft: Draft, calls: Calls) -> Turn:
    turn = role.post(draft.message if draft.call is None else draft.call, calls=calls)
    for name, value in draft.notes:
        role.episode.note(value, turn, name=name)
    return turn


# What a user knows of the conversation -----------------------------------------------------------------


def heard(role: Role) -> list[str]:
    """What was said to the user, in order; private words and results of tools are not."""
    return [entry.message.text for entry in role.history if entry.message.role == "user"]


def said(role: Role) -> list[str]:
    """What the user said in answer, in order; calls of tools are no answers."""
    return [
        entry.message.text
        for entry in role.history
        if entry.message.role == "assistant" and not entry.message.tool_calls
    ]


def noted(role: Role, name: str) -> list[Any]:
    """The notes of this name about the user's own turns, in order."""
    turns = role.episode.turns
    return [
        note.value
        for note in role.episode.notes
        if note.name == name and note.turn is not None and turns[note.turn].role == role.name
    ]


def transcript(role: Role, labels: Mapping[str, str]) -> str:
    """The conversation as lines `Label: text`; speakers without a label are left out.

    Args:
        role: The user, whose own words are an `assistant`'s, and the other side's a `user`'s.
        labels: By speaker: `system`, `user`, `assistant`, `tool`.
    """
    lines: Sequence[str] = [
        f"{labels[entry.message.role]}: {entry.message.text}"
        for entry in role.history
        if entry.message.role in labels
    ]
    return "\n".join(lines)

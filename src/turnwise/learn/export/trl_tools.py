"""Turnwise environments under TRL's `GRPOTrainer`, by its `environment_factory`.

    seats = Seats("number_guess")
    GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        args=GRPOConfig(num_generations=8, ...),
        train_dataset=seats.dataset(),
        environment_factory=seats,
    ).train()

Here TRL plays: it samples, by whichever engine it is set up with (vLLM too), renders and masks, and asks the
environment at each tool call. So the model speaks to the script by calls alone. A tool named `reply` says its
text to the script, and its result is what is said in return; tools that the script offers are called as they
are. A message without a call ends the rollout, and the script with it: the episode is cut off there and
scored as it stands. The reward of a rollout is the episode's score, which TRL asks for by `get_reward`.

That a chat is played by tool calls is TRL's condition, and another interface than the environment is
evaluated with: `trl.Rollouts` plays the chat itself. Here, further,

- the tools are those that the script offers at its first request of the first task: later ones can not be
  called, and calls of one message are answered one after the other;
- the whole episode has `max_completion_length` tokens;
- seeds follow from the number of episodes played in this process, so that a training that is resumed draws
  others;
- nothing is played again. An episode without a score (it failed, a verdict is missing) has no reward, and TRL
  leaves it out of its group; `patience` of them in a row stop the training with the reason.
"""

from __future__ import annotations

import inspect
import json
import keyword
import os
from collections.abc import Callable, Mapping
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from turnwise.engine.seat import Moment, Seat
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TurnwiseError
from turnwise.learn.engine.protocol import TrainingError
from turnwise.learn.export.loop import Loop
from turnwise.limits import Limits
from turnwise.message import Message, ToolCall, ToolSpec
from turnwise.models.options import sdk_of
from turnwise.task import Task

OVER = "This conversation is over."
"""What is said to whoever goes on talking."""

_TYPES: Mapping[str, type] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "object": dict,
}


class Seats:
    """An `environment_factory`: each call gives an object for one rollout at a time, which TRL uses again.

    Args:
        environment: A name as on the command line, or the thing itself.
        role: Which one the trainer's model plays; the first by default.
        agents: Who fills the other roles.
        settings: Of the environment, where it is given by name.
        limits: Of each episode.
        system: A system prompt of the policy's own.
        speak: Name of the tool that says something to the script.
        seed: Of all episodes.
        patience: Episodes without a score, one after the other, that stop the training.

    Raises:
        ConfigError: see `Seat`; a tool of the environment has a name that TRL or `speak` takes; the TRL that
            is installed has no `get_reward` yet.
    """

    def __init__(
        self,
        environment: str | Environment,
        role: str | None = None,
        *,
        agents: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        system: str | None = None,
        speak: str = "reply",
        seed: int = 0,
        patience: int = 16,
    ) -> None:
        _check_trl()
        self._seat = Seat(environment, role, agents=agents, settings=settings, limits=limits)
        self._system = system
        self._place = f"{seed}/{os.environ.get('RANK', '0')}"
        self._begun = 0
        self._patience = patience
        self._lost = 0
        self._loop = Loop()
        self._taken: list[Seat] = []
        self._type = self._made(speak)

    def __call__(self) -> Any:
        """An object as TRL wants it: `reset`, `get_reward`, and a method for each tool."""
        self._taken.append(self._seat.beside())
        return self._type(self, self._taken[-1])

    def rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows of a data set for the trainer: one for each task."""
        head = [] if self._system is None else [{"role": "system", "content": self._system}]
        # What the script says first is put behind the last message, by TRL.
        prompt = [*head, {"role": "user", "content": ""}]
        return [{"prompt": prompt, "task": task.id} for task in self._seat.tasks.select(limit=limit)]

    def dataset(self, limit: int | None = None) -> Any:
        """The rows as a `datasets.Dataset`.

        Raises:
            ConfigError: that library, which comes with TRL, is not installed.
        """
        return sdk_of("trl", "datasets").Dataset.from_list(self.rows(limit))

    def close(self) -> None:
        """Give up what is still played, and let go of the other roles' models and of the thread."""
        for seat in self._taken:
            self._loop.wait(seat.leave())
        self._loop.wait(self._seat.close())
        self._loop.close()

    # What the objects use -----------------------------------------------------------------------------

    def begin(self, seat: Seat, task: Task) -> Moment:
        """Start an episode."""
        self._begun += 1
        digest = blake2b(f"{self._place}\0{task.id}\0{self._begun}".encode(), digest_size=8).digest()
        return self._loop.wait(seat.begin(task, int.from_bytes(digest, "big") >> 1))

    def say(self, seat: Seat, message: Message) -> Moment:
        """Say something in an episode."""
        return self._loop.wait(seat.say(message))

    def stop(self, seat: Seat) -> Moment:
        """Say no more in an episode."""
        return self._loop.wait(seat.stop("the rollout ended"))

    def counted(self, score: float | None, reason: str) -> float | None:
        """A score, once it is known how many were missing before it.

        Raises:
            TrainingError: too many.
        """
        self._lost = self._lost + 1 if score is None else 0
        if self._lost >= self._patience:
            raise TrainingError(f"{self._lost} episodes one after the other have no score: {reason}")
        return score

    def _made(self, speak: str) -> type[_Player]:
        """The class of the objects: TRL takes its public methods for tools."""
        name = self._seat.environment.name
        task = next(iter(self._seat.tasks))
        offered = self._loop.wait(self._seat.begin(task)).tools
        self._loop.wait(self._seat.leave())
        methods: dict[str, Any] = {speak: _speaking(speak)}
        for tool in offered:
            if tool.name in methods or tool.name.startswith("_") or hasattr(_Player, tool.name):
                raise ConfigError(
                    f"the tool {tool.name!r} of {name!r} has a name that is taken: give speak= another name, "
                    f"or train by trl.Rollouts"
                )
            methods[tool.name] = _calling(tool)
        return type(name, (_Player,), methods)


class _Player:
    """A rollout's environment, as TRL has it. Tools are the methods that `Seats` adds."""

    def __init__(self, seats: Seats, seat: Seat) -> None:
        self._seats = seats
        self._seat = seat
        self._calls = 0
        self._offered: set[str] = set()
        self._error: str | None = None

    @property
    def episode(self) -> Episode:
        """The episode at hand, for reward functions of one's own (`environments`).

        Raises:
            ConfigError: none was begun.
        """
        return self._seat.episode

    def reset(self, *, task: str, **_: Any) -> str:
        """Begin the episode of a row; what the script says first.

        Raises:
            TaskError: there is no such task.
        """
        self._calls = 0
        self._error = None
        chosen = self._seat.task(task)
        return self._heard(lambda: self._seats.begin(self._seat, chosen))

    def get_reward(self) -> float | None:
        """The episode's score, as the script gave it; None where there is none."""
        if self._seat.asked:
            self._heard(lambda: self._seats.stop(self._seat))
        score = None if self._error else self._seat.score
        return self._seats.counted(score, self._error or "a verdict is missing")

    def _said(self, message: Message) -> str:
        return self._heard(lambda: self._seats.say(self._seat, message)) if self._seat.asked else OVER

    def _called(self, name: str, arguments: Mapping[str, Any]) -> str:
        if self._seat.asked and name not in self._offered:
            return f"There is no tool {name!r} now."
        self._calls += 1
        call = ToolCall(id=f"call-{self._calls}", name=name, arguments=json.dumps(arguments))
        return self._said(Message(role="assistant", tool_calls=(call,)))

    def _heard(self, play: Callable[[], Moment]) -> str:
        """What comes back; a failure is the episode's, and nothing to tell the model of."""
        try:
            moment = play()
        except TurnwiseError as error:
            self._error = str(error)
            return OVER
        self._offered = {tool.name for tool in moment.tools}
        return moment.text or (OVER if moment.over else "")


def _speaking(name: str) -> Callable[..., str]:
    """The method that says something."""

    def reply(self: _Player, text: str) -> str:
        return self._said(Message(role="assistant", content=str(text)))  # pyright: ignore[reportPrivateUsage]

    reply.__name__ = reply.__qualname__ = name
    # Read by transformers, which makes the tool's description of it; types are looked up there, too.
    reply.__annotations__ = {"text": str, "return": str}
    reply.__doc__ = "Say something. The result is what is said in return.\n\nArgs:\n    text: What to say."
    return reply


def _calling(tool: ToolSpec) -> Callable[..., str]:
    """The method that calls a tool of the script's."""

    def call(self: _Player, **arguments: Any) -> str:
        return self._called(tool.name, arguments)  # pyright: ignore[reportPrivateUsage]

    schema: Mapping[str, Any] = tool.parameters
    described: Mapping[str, Any] = schema.get("properties", {})
    required = schema.get("required", ())
    # What may be left out comes last, as in any signature; what is no name in Python cannot be described.
    names = [name for name in described if name.isidentifier() and not keyword.iskeyword(name)]
    names.sort(key=lambda name: name not in required)
    types: dict[str, Any] = {name: _TYPES.get(str(described[name].get("type")), str) for name in names}
    kind = inspect.Parameter
    call.__name__ = call.__qualname__ = tool.name
    call.__annotations__ = {**types, "return": str}
    call.__doc__ = _written(tool.description, {name: described[name].get("description") for name in names})
    vars(call)["__signature__"] = inspect.Signature(
        [
            kind("self", kind.POSITIONAL_OR_KEYWORD),
            *(
                kind(
                    name,
                    kind.KEYWORD_ONLY,
                    annotation=types[name],
                    default=kind.empty if name in required else None,
                )
                for name in names
            ),
        ]
    )
    return call


def _written(description: str, arguments: Mapping[str, str | None]) -> str:
    """A docstring as transformers reads it."""
    lines = [" ".join(description.split()) or "A tool."]
    if arguments:
        lines += ["", "Args:"]
        lines += [f"    {name}: {' '.join((told or name).split())}" for name, told in arguments.items()]
    return "\n".join(lines)


def _check_trl() -> None:
    """Before 1.8, TRL would offer `get_reward` to the model as a tool."""
    try:
        major, minor = version("trl").split(".")[:2]
    except PackageNotFoundError:
        # Somebody else's trainer of this shape.
        return
    if (int(major), int(minor)) < (1, 8):
        raise ConfigError(
            f"TRL {major}.{minor} does not ask environments for rewards: install trl>=1.8, or train by "
            f"turnwise.learn.export.trl.Rollouts"
        )

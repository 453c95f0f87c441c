"""`verifiers:ENV`: any environment of the `verifiers` library that is installed.

The library plays its own rollout, with its own stops, tools and rubric; our agent is the client it asks for
a response. The rows of its data set are the tasks, its reward is the score, and its other measures are
metrics. Nothing is promised of such an environment (sandboxes, judges, global random numbers), so each of
its answers is recorded: a replay needs neither the library nor the environment.

verifiers: W. Brown, "Verifiers: Environments for LLM Reinforcement Learning", 2025; version 0.1.14.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar, Literal

import msgspec

from turnwise.environment import Capabilities, Environment
from turnwise.environments.adapters import vf_messages
from turnwise.environments.adapters.foreign import Frame, Game, Paid, Said, derived, play
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError, TurnwiseError
from turnwise.log import Stop
from turnwise.message import Message, ToolSpec
from turnwise.task import Task

_STOPS = {
    "max_turns_reached": Stop.MAX_TURNS,
    "max_total_completion_tokens_reached": Stop.MAX_TOKENS,
    "prompt_too_long": Stop.MAX_TOKENS,
    "timeout_reached": Stop.TIMEOUT,
}
"""Ours, by what the library calls those that break a rollout off."""


class VerifiersTask(Task, frozen=True, kw_only=True):
    """A row of an environment's data set."""

    row: dict[str, Any]


class Verifiers(Environment, kw_only=True, frozen=True):
    """An environment of the `verifiers` library."""

    capabilities: ClassVar[Capabilities] = Capabilities(deterministic=False)
    task_type: ClassVar[type[Task]] = VerifiersTask
    environment_id: ClassVar[str] = ""

    args: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """Arguments for the environment's `load_environment`."""
    split: Literal["eval", "train"] = "eval"
    """Which of its data sets; the training set stands in where there is no other."""
    turns: int = 1000
    """Most replies, where the environment itself knows no end."""

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ConfigError(f"{self.name}: expected turns >= 1, got {self.turns}")

    @property
    def max_replies(self) -> int:
        """See `turns`."""
        return self.turns

    def loaded(self) -> Any:
        """The library's environment.

        Raises:
            ConfigError: it cannot be loaded.
        """
        return _loaded(self.environment_id, msgspec.json.encode(self.args, order="sorted"))

    def tasks(self) -> Iterable[Task]:
        """The rows of the data set."""
        made = self.loaded()
        rows: Any = made.get_eval_dataset() if self.split == "eval" else made.get_dataset()
        return [self._task(number, row) for number, row in enumerate(rows.to_list())]

    async def run(self, task: VerifiersTask, episode: Episode) -> None:
        """One rollout."""
        await play(episode, lambda: VerifiersGame(self.loaded(), task.row), self.turns, record=True)

    def _task(self, number: int, row: dict[str, Any]) -> VerifiersTask:
        try:
            msgspec.json.encode(row)
        except (TypeError, ValueError) as error:
            raise TaskError(f"{self.name}: row {number} of its data set is no JSON: {error}") from None
        return VerifiersTask(id=f"{self.split}-{number}", row=row)


class VerifiersGame(Game):
    """One rollout, as a task of its own that waits for us whenever it asks for a response.

    Args:
        environment: The library's environment.
        row: What to roll out.
    """

    def __init__(self, environment: Any, row: Mapping[str, Any]) -> None:
        self._environment = environment
        self._row = row
        self._requests: asyncio.Queue[_Request | None] = asyncio.Queue()
        """What it asks for; None at its end."""
        self._request: _Request | None = None
        self._rollout: asyncio.Task[Any] | None = None
        self._known: list[Message] = []
        """All that the role was shown and said."""
        self._afresh = False

    async def start(self) -> Frame:
        """The first prompt."""
        client = _client_type()(self._requests)
        rollout = asyncio.create_task(self._environment.rollout(dict(self._row), client, "turnwise", {}))
        self._rollout = rollout
        rollout.add_done_callback(lambda _: self._requests.put_nowait(None))
        return await self._next()

    async def reply(self, message: Message) -> Frame:
        """The next prompt, or the end."""
        assert self._request is not None
        self._known.append(_essence(message))
        self._request.response.set_result(message)
        return await self._next()

    async def close(self) -> None:
        """Break the rollout off, if it still runs."""
        if self._rollout is not None and not self._rollout.done():
            self._rollout.cancel()
            await asyncio.gather(self._rollout, return_exceptions=True)

    async def _next(self) -> Frame:
        self._request = await self._requests.get()
        if self._request is None:
            return await self._end()
        prompt = [vf_messages.message(message) for message in self._request.prompt]
        essence = [_essence(message) for message in prompt]
        known = len(self._known)
        self._afresh = self._afresh or essence[:known] != self._known
        self._known = essence
        return Frame(
            mover="agent",
            says=_said(prompt if self._afresh else prompt[known:]),
            tools=self._request.tools,
            afresh=self._afresh,
        )

    async def _end(self) -> Frame:
        """The rubric's verdict."""
        assert self._rollout is not None
        state: Any = self._rollout.result()
        if state.get("error") is not None:
            raise _failure(state["error"])
        await self._score(state)
        stop: str = state.get("stop_condition") or "done"
        metrics: dict[str, float] = state["metrics"] or {}
        final: Any = state.get("final_env_response") or []
        return Frame(
            mover="agent",
            says=_said([vf_messages.message(message) for message in final]),
            pays=(Paid(to="agent", value=float(state["reward"])),),
            over=True,
            stop=_STOPS.get(stop, Stop.COMPLETED),
            outcome=stop,
            metrics={name: float(value) for name, value in metrics.items()},
        )

    async def _score(self, state: Any) -> None:
        """As the library scores a rollout; where its rewards compare a group, this is a group of one."""
        rubric = self._environment.rubric
        if not self._environment.score_rollouts:
            await rubric.dummy_score_rollout(state)
        elif self._environment.requires_group_rollouts:
            await rubric.score_group([state])
        else:
            await rubric.score_rollout(state)
        await rubric.cleanup(state)


class _Request:
    """A response that a rollout waits for."""

    def __init__(self, prompt: Sequence[Any], tools: Sequence[Any]) -> None:
        self.prompt = list(prompt)
        self.tools: tuple[ToolSpec, ...] = tuple(vf_messages.spec(tool) for tool in tools)
        self.response: asyncio.Future[Message] = asyncio.get_running_loop().create_future()


def _said(messages: Iterable[Message]) -> tuple[Said, ...]:
    return tuple(Said(to="agent", message=message) for message in messages)


def _essence(message: Message) -> Message:
    """What two prompts have in common of one message."""
    return msgspec.structs.replace(message, reasoning=None, provider=None, name=None)


def _failure(error: Any) -> Exception:
    """What ended a rollout: the library's own infrastructure (not recorded: a retry asks again), or else."""
    vf = _verifiers()
    chain, cause = [f"{type(error).__name__}: {error}"], error.__cause__
    while cause is not None:
        chain.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__
    text = f"the rollout failed: {' from '.join(chain)}"
    return TurnwiseError(text) if isinstance(error, vf.InfraError) else RuntimeError(text)


@cache
def _client_type() -> Any:
    """The client that hands a rollout's requests to us."""
    from verifiers.clients import Client  # pyright: ignore[reportMissingTypeStubs]
    from verifiers.types import Response, ResponseMessage  # pyright: ignore[reportMissingTypeStubs]

    class Ours(Client[Any, Any, Any, Any]):
        def __init__(self, requests: asyncio.Queue[_Request | None]) -> None:
            super().__init__(requests)

        def setup_client(self, config: Any) -> Any:
            raise AssertionError("made with its client")

        async def to_native_tool(self, tool: Any) -> Any:
            return tool

        async def to_native_prompt(self, messages: Any) -> tuple[Any, dict[str, Any]]:
            return messages, {}

        async def get_native_response(
            self, prompt: Any, model: str, sampling_args: Any, tools: Any = None, **kwargs: Any
        ) -> Any:
            request = _Request(prompt, tools or ())
            self.client.put_nowait(request)
            return await request.response

        async def raise_from_native_response(self, response: Any) -> None:
            return

        async def from_native_response(self, response: Message) -> Response:
            finish = "tool_calls" if response.tool_calls else "stop"
            said = {**vf_messages.plain(response), "finish_reason": finish, "is_truncated": False}
            said["content"] = response.text
            return Response(
                id="turnwise", created=0, model="turnwise", message=ResponseMessage.model_validate(said)
            )

        async def close(self) -> None:
            return

    return Ours


@cache
def environment(rest: str) -> type[Verifiers]:
    """The environment `verifiers:ENV`, with `ENV` as `verifiers.load_environment` takes it."""
    attributes = {"__doc__": f"{rest}, an environment of the verifiers library.", "environment_id": rest}
    return derived(Verifiers, f"verifiers:{rest}", attributes)


def _verifiers() -> Any:
    try:
        import verifiers
    except ImportError:
        raise ConfigError("verifiers:… needs the library: install turnwise[verifiers]") from None
    return verifiers


@cache
def _loaded(environment_id: str, arguments: bytes) -> Any:
    vf = _verifiers()
    try:
        with _signals_left_alone():
            return vf.load_environment(environment_id, **msgspec.json.decode(arguments))
    except Exception as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"verifiers:{environment_id}: {text or type(error).__name__}") from error


@contextmanager
def _signals_left_alone() -> Generator[None]:
    """Environments of the library take over Ctrl-C when they are made; a run needs it itself."""
    set_handler = signal.signal

    def other(number: int, handler: Any) -> Any:
        if number in (signal.SIGINT, signal.SIGTERM):
            return signal.getsignal(number)
        return set_handler(number, handler)

    signal.signal = other
    try:
        yield
    finally:
        signal.signal = set_handler

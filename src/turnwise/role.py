"""One participant of a running episode: what was said to it, what it was shown, how to hear from it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec
from msgspec.structs import force_setattr

from turnwise.action import ActionSpace
from turnwise.agent import Agent, Ask, Calls, Entry
from turnwise.errors import ModelError, ReplayDivergence, ToolError, TurnwiseError, did_you_mean
from turnwise.log import Call, Ref, Timing, Turn, as_seen
from turnwise.message import Content, Message, Part, ToolCall
from turnwise.model import Request, Sample, Sampling
from turnwise.tool import terms

if TYPE_CHECKING:
    from turnwise.episode import Episode
    from turnwise.tool import Tool

Says: TypeAlias = str | Message | Turn | Sequence[Part]
"""What can be said to a role: text, content parts, a whole message, or another role's turn."""


_PLAIN = Ask()


class _Node(msgspec.Struct):
    """A call as a node of the role's view graph: its prompt, and what was said after it."""

    n: int
    parent: _Node | None
    prompt: Sequence[Ref]
    """Refs of the prompt; only the first `length` count (a history grows on behind them)."""
    length: int
    said: Ref | None
    """The sample: a message until it is posted, then the index of its turn."""
    ids: tuple[int, ...] | None = None
    """Token ids of prompt and sample, where the provider told."""

    def begins(self, refs: Sequence[Ref]) -> bool:
        """Whether prompt and sample of this call are the head of `refs`."""
        length = self.length
        if len(refs) <= length or refs[length] != self.said:
            return False
        return self.prompt is refs or list(self.prompt[:length]) == list(refs[:length])


class Role:
    """A handle on one role of one episode.

    `history` holds everything said by and to the role; `memory` is for scaffolds; `rng` draws for the role
    alone, seeded by the episode.
    """

    __slots__ = (
        "_last",
        "_messages",
        "_model",
        "_n",
        "_open",
        "_refs",
        "_rng_seed",
        "_seed",
        "_session",
        "_state",
        "_tip",
        "_to",
        "agent",
        "episode",
        "memory",
        "name",
    )

    def __init__(self, episode: Episode, name: str, agent: Agent, session: str, to: tuple[str, ...]) -> None:
        self.episode = episode
        self.name = name
        self.memory: dict[str, Any] = {}
        self.agent = agent
        self._model = agent.model
        self._state = agent.stateful
        self._session = session
        self._seed = episode.seed
        self._rng_seed = f"{episode.seed}/{name}"
        self._to = to
        self._n = 0
        self._last: _Node | None = None
        """The last call."""
        self._tip: _Node | None = None
        """The last call that was posted."""
        self._open: dict[int, _Node] = {}
        """Calls not posted yet."""
        if agent.system is None:
            self._refs: list[Ref] = []
            self._messages: list[Message] = []
        else:
            prompt = Message(role="system", content=agent.system)
            self._refs = [prompt]
            self._messages = [prompt]

    @property
    def history(self) -> list[Entry]:
        """What happened, as this role knows it: entries in order."""
        return [Entry(*pair) for pair in zip(self._refs, self._messages, strict=True)]

    @property
    def rng(self) -> random.Random:
        """The role's own random numbers: `memory`-like, the same in every replay."""
        key = f"rng/{self.episode.seed}"
        if key not in self.memory:
            self.memory[key] = random.Random(f"{self.episode.seed}/{self.name}")
        return self.memory[key]

    def respond(
        self,
        says: Says | None = None,
        *,
        tools: Sequence[Tool] = (),
        stop: tuple[str, ...] = (),
        until: Callable[[Turn], bool] | None = None,
        actions: ActionSpace | None = None,
        calls: Calls = "all",
    ) -> Coroutine[Any, Any, Turn]:
        """Say something to the role (or nothing) and, when awaited, wait for its answer.

        Args:
            says: Text, parts, a message, or another role's turn, which this role then sees as said to it.
            tools: Tools the environment offers for this response; calls are looped until the role answers.
            stop: Strings that end a sample.
            until: Ends the response early, after the first turn for which it holds.
            actions: What may be answered, for agents that choose actions by id.
            calls: Which tool calls of one message are made.

        Returns:
            The role's last turn.

        Raises:
            ModelError: where its model failed for good; uncaught, it fails the episode.
        """
        if says is not None:
            self.tell(says)
        plain = actions is None and not (tools or stop or until)
        return self.agent.act(self, _PLAIN if plain else Ask(tools, stop, until, actions, calls))

    def tell(self, says: Says) -> Turn:
        """Say something to the role without waiting for an answer; returns the turn that says it."""
        if isinstance(says, str):
            message = Message(role="user", content=says)
        elif isinstance(says, Turn):
            self._refs.append(says.index)
            self._messages.append(as_seen(says, self.name))
            return says
        elif isinstance(says, Message):
            message = says
        else:
            message = Message(role="user", content=tuple(says))
        episode = self.episode
        index = len(episode.turns)
        turn = Turn(index=index, message=message, to=self._to)
        self._refs.append(index)
        self._messages.append(message)
        episode.append(turn)
        return turn

    async def sample(
        self,
        entries: Sequence[Entry] | None = None,
        *,
        tools: Sequence[Tool] = (),
        stop: tuple[str, ...] = (),
        sampling: Sampling | None = None,
        actions: ActionSpace | None = None,
    ) -> Call:
        """One model call over a view, logged the moment it arrives; `post` makes its sample a turn.

        Args:
            entries: The view to show; by default what the agent's context policy makes of the history.
            tools: Tools to offer.
            stop: Strings that end the sample.
            sampling: Instead of the agent's.
            actions: What may be answered, for models that choose actions by id.

        Raises:
            ModelError: where the model failed for good.
            ReplayDivergence: where the log tells of another call.
        """
        episode, agent = self.episode, self.agent
        if episode.limited:
            episode.check_limits()
        if entries is None and agent.context is not None:
            entries = await agent.context.view(self)
        n = self._n
        self._n = n + 1
        if entries is None:
            refs, messages = self._refs, self._messages
        else:
            refs = [entry.ref for entry in entries]
            messages = [entry.message for entry in entries]
        length = len(refs)
        parent = self._tip
        if parent is None or parent.prompt is not refs or refs[parent.length] != parent.said:
            parent = None if self._last is None else self._parent(refs)
        if sampling is None and stop:
            sampling = msgspec.structs.replace(agent.sampling, stop=(*agent.sampling.stop, *stop))
        toolset = episode.toolset(tools) if tools else None
        ticket = episode.ticket()
        call = None if episode.recorded is None else self._recorded(n, parent, refs[:length])
        if call is not None:
            if call.parent != (None if parent is None else parent.n):
                parent = _ancestor(parent, call.parent)
            call = episode.keep_call(call)
            if self._state is not None and call.error is None:
                request = self._request(n, messages, toolset, sampling, actions)
                self._state.replayed(request, said_by(call), call.sampled_ids)
        else:
            start = perf_counter()
            try:
                sample = await self._model.sample(self._request(n, messages, toolset, sampling, actions))
                retries = sample.retries
            except ModelError as error:
                call = self._failed(n, parent, refs[:length], error)
                retries = error.retries
            except BaseException:
                episode.void(ticket)
                raise
            else:
                call, parent = self._call(n, parent, refs, length, sample, sampling, toolset)
            took = perf_counter() - start
            episode.add_call(call, Timing(self.name, n, start - episode.started, took, retries))
        if ticket is not None:
            await episode.passage(ticket)
        if call.error is not None:
            raise ModelError(call.error, kind=call.error_kind or "server")
        if episode.forking:
            episode.count_delivery()
        node = _Node(n, parent, refs, length, call.message)
        if call.added_ids is not None:
            before = () if parent is None else parent.ids or ()
            node.ids = (*before, *call.added_ids, *(call.sampled_ids or ()))
        self._last = self._open[n] = node
        return call

    def _request(
        self,
        n: int,
        messages: Sequence[Message],
        toolset: int | None,
        sampling: Sampling | None,
        actions: ActionSpace | None,
    ) -> Request:
        episode = self.episode
        return Request(
            messages=messages,
            tools=() if toolset is None else episode.toolsets[toolset],
            sampling=sampling or self.agent.sampling,
            session=self._session,
            ordinal=n,
            rng_seed=self._rng_seed if episode.seed == self._seed else self._reseed(),
            actions=actions,
            task=episode.task,
        )

    def _reseed(self) -> str:
        """The seed of the role's models, which changes where a fork draws anew."""
        self._seed = self.episode.seed
        self._rng_seed = f"{self._seed}/{self.name}"
        return self._rng_seed

    def hand_over(self, agent: Agent) -> None:
        """Another agent takes the role over (a fork); it knows what was said, under its own system prompt."""
        self.close()
        if self.agent.system is not None:
            del self._refs[0], self._messages[0]
        if agent.system is not None:
            prompt = Message(role="system", content=agent.system)
            self._refs.insert(0, prompt)
            self._messages.insert(0, prompt)
        if agent.system != self.agent.system:
            # Earlier prompts began otherwise; the successor's first call starts a branch of the view graph.
            self._last = self._tip = None
        self.agent = agent
        self._model = agent.model
        self._state = agent.stateful

    def close(self) -> None:
        """The episode is over: let a stateful model drop what it keeps for it."""
        if self._state is not None:
            self._state.forget(self._session)

    def post(self, said: Call | Message | str, *, calls: Calls = "all") -> Turn:
        """Make a call's sample (or other words of the scaffold's) the role's next visible turn.

        Args:
            said: What is said.
            calls: Which tool calls of a sample are; the whole sample stays on record at its call.
        """
        episode, refs = self.episode, self._refs
        index = len(episode.turns)
        parent = refs[-1] if refs else None
        if parent == index - 1 or not isinstance(parent, int):
            parent = None
        if isinstance(said, Call):
            n = said.n
            message = said.message or said_by(said)
            node = self._open.pop(n)
            if calls == "first" and len(message.tool_calls) > 1:
                # What is shown from now on is not what was sampled, so that no later call extends this one.
                message = _with_first_call(message)
            else:
                self._tip = node
                node.said = index
                # The turn says it: the call need not say it again.
                force_setattr(said, "message", None)
            turn = Turn(index=index, role=self.name, message=message, calls=(n,), parent=parent)
        else:
            message = Message(role="assistant", content=said) if isinstance(said, str) else said
            turn = Turn(index=index, role=self.name, message=message, parent=parent)
        refs.append(index)
        self._messages.append(message)
        episode.append(turn)
        return turn

    async def use(self, tool_call: ToolCall, tools: Mapping[str, Tool]) -> Turn:
        """Run a tool the role asked for and show it the result; whatever goes wrong is an observation."""
        episode = self.episode
        if episode.limited:
            episode.check_tool_limit()
        episode.tool_calls += 1
        content = await self._result(tool_call, tools)
        message = Message(role="tool", content=content, tool_call_id=tool_call.id, name=tool_call.name)
        turn = Turn(index=len(episode.turns), role="tool", message=message, to=self._to)
        self._refs.append(turn.index)
        self._messages.append(message)
        episode.append(turn)
        return turn

    async def _result(self, tool_call: ToolCall, tools: Mapping[str, Tool]) -> Content:
        name = tool_call.name
        tool = tools.get(name)
        if tool is None:
            return f"error: there is no tool {name!r}{did_you_mean(name, tools)}; tools: {', '.join(tools)}"
        try:
            arguments = msgspec.json.decode(tool_call.arguments or "{}")
        except (msgspec.DecodeError, RecursionError) as error:
            return f"error: the arguments of {name!r} are not JSON ({error}); expected one JSON object"
        if not isinstance(arguments, dict):
            return f"error: the arguments of {name!r} must be one JSON object, not {type(arguments).__name__}"
        return await self.answer(tool, cast("dict[str, Any]", arguments))

    async def answer(self, tool: Tool, arguments: dict[str, Any]) -> Content:
        """What a tool says, from the record where it is to be had there; no turn is made of it.

        What goes wrong with the call is an observation.

        Raises:
            TurnwiseError: infrastructure failed, or the tool is not what it says.
        """

        async def run() -> Content:
            if not terms(tool).allow(self.name):
                return f"error: {tool.spec.name}: this tool is not for {self.name}"
            try:
                return await tool.call(arguments, self)
            except ToolError as error:
                return f"error: {error}"
            except TurnwiseError:
                # Nothing a model did, or could mend.
                raise
            except Exception as error:
                self.episode.metric("tool_errors", self.episode.metrics.get("tool_errors", 0) + 1)
                return f"error: {tool.spec.name!r} failed: {type(error).__name__}: {error}"

        if tool.replay == "record":
            value = await self.episode.effect(f"tool:{self.name}", lambda: _as_json(run()))
            return value if isinstance(value, str) else msgspec.convert(value, tuple[Part, ...])
        return await self.episode.in_turn(run)

    def _parent(self, refs: Sequence[Ref]) -> _Node | None:
        """The deepest call whose prompt and sample begin `refs`."""
        best: _Node | None = None
        for node in (self._last, self._tip):
            while node is not None and not node.begins(refs):
                node = node.parent
            if node is not None and (best is None or node.length > best.length):
                best = node
        return best

    def _recorded(self, n: int, parent: _Node | None, refs: Sequence[Ref]) -> Call | None:
        """The recorded call, if there is one; it must have been shown what this one would be.

        Raises:
            ReplayDivergence: where it was not, unless the record is only a help (`Recording.lenient`).
        """
        recorded = self.episode.recorded
        call = None if recorded is None else recorded.call(self.name, n)
        if recorded is None or call is None:
            return None
        parent = _ancestor(parent, call.parent)
        start = 0 if parent is None else parent.length + 1
        if (parent is None) == (call.parent is None) and call.added == tuple(refs[start:]):
            return call
        if recorded.lenient:
            recorded.forget(self.name, n)
            return None
        turn = len(self.episode.turns)
        raise ReplayDivergence(
            f"turn {turn}: call {call.n} of {self.name!r} was recorded after being shown "
            f"{_brief(call.added)}, but replay now shows it {_brief(tuple(refs[start:]))}"
        )

    def _failed(self, n: int, parent: _Node | None, refs: Sequence[Ref], error: ModelError) -> Call:
        return Call(
            role=self.name,
            n=n,
            parent=None if parent is None else parent.n,
            added=tuple(refs[0 if parent is None else parent.length + 1 :]),
            finish="error",
            error=str(error),
            error_kind=error.kind,
        )

    def _call(
        self,
        n: int,
        parent: _Node | None,
        refs: Sequence[Ref],
        length: int,
        sample: Sample,
        sampling: Sampling | None,
        toolset: int | None,
    ) -> tuple[Call, _Node | None]:
        """The record of a sample, and the call it extends, down to the exact tokens where they are known."""
        added_ids = None
        if sample.prompt_ids is not None:
            prompt = tuple(sample.prompt_ids)
            # Where the history was rendered otherwise than it was sampled, an earlier call (or none) is
            # the parent: the concatenated spans are always exactly what the model was fed.
            while parent is not None and (parent.ids is None or prompt[: len(parent.ids)] != parent.ids):
                parent = parent.parent
            added_ids = prompt if parent is None else prompt[len(parent.ids or ()) :]
        usage = sample.usage
        if usage is not None:
            self.episode.spend(usage)
        call = Call(
            role=self.name,
            n=n,
            parent=None if parent is None else parent.n,
            added=tuple(refs[0 if parent is None else parent.length + 1 : length]),
            message=sample.message,
            finish=sample.finish,
            model=sample.model,
            version=sample.version,
            usage=usage,
            sampling=sampling,
            tools=toolset,
            added_ids=added_ids,
        )
        if sample.sampled_ids is not None or sample.logprobs is not None:
            call = _with_tokens(call, sample)
        return call, parent


def _with_tokens(call: Call, sample: Sample) -> Call:
    """The call with what its provider told of the sampled tokens."""
    told = {name: getattr(sample, name) for name in _OF_TOKENS}
    return msgspec.structs.replace(
        call, **{name: None if values is None else tuple(values) for name, values in told.items()}
    )


_OF_TOKENS = ("sampled_ids", "logprobs", "sampled_texts", "alternatives")


def _with_first_call(message: Message) -> Message:
    """The message as if it made one tool call; what its provider wants back tells of all, and is left out."""
    return msgspec.structs.replace(message, tool_calls=message.tool_calls[:1], provider=None)


def _ancestor(node: _Node | None, n: int | None) -> _Node | None:
    """The node of call `n` on the way from `node` to the root, or None where it is not."""
    while node is not None and node.n != n:
        node = node.parent
    return node


def said_by(call: Call) -> Message:
    """The sample of a call that is not posted yet."""
    if call.message is None:
        raise ReplayDivergence(f"call {call.n} of {call.role!r} was posted before; its turn says it")
    return call.message


def _brief(refs: Sequence[Ref]) -> str:
    """A view's additions in a few words, for an error message."""
    return (
        ", ".join(f"turn {ref}" if isinstance(ref, int) else repr(ref.text[:60]) for ref in refs) or "nothing"
    )


async def _as_json(content: Awaitable[Content]) -> Any:
    return msgspec.to_builtins(await content)

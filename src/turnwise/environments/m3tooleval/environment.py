"""M3ToolEval: one task, several tools, ten turns; actions are text, JSON or Python code.

The loop, the markers and the end reasons are those of the published harness (`xingyaoww/code-act`,
`scripts/eval/m3tooleval`). By default the tasks are a few of our own; `split=published` has the 82 published
ones, from `TURNWISE_DATA` (`load.py`). The wording of prompts and tools is ours. What differs: code runs in
the sandbox, under the harness's 30 seconds; the agent sees its replies as it wrote them, not as they were
cut; a tool that refuses says why; a tool's pair is a list in code; which answers count (`variant`).

With `actions="tools"` the same tasks are offered by the agent's own way of calling tools, so that any agent
or scaffold can be compared on them: the JSON tool loop (`--agent solver`) and CodeAct (`--agent coder`,
`--agent codeact:openai/MODEL`). A turn is then one reply of the model, too.

Each score is 1 or 0; the end reasons `correct`, `limit` and `context_limit` are the stop's detail. Settings
of the published runs: temperature 0, 512 tokens. Its measures are the mean score (success rate) and the mean
of `turns`, in which what is not solved counts ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.agents.codeact import CodeAct
from turnwise.environment import Capabilities, Environment
from turnwise.environments.m3tooleval import families, load, protocol
from turnwise.environments.m3tooleval.agents import coder, empty, oracle, random_agent, solver
from turnwise.environments.m3tooleval.desks import FAMILIES, desk
from turnwise.environments.m3tooleval.rows import ToolTask
from turnwise.episode import Episode
from turnwise.errors import ConfigError, ModelError, did_you_mean
from turnwise.log import Turn
from turnwise.models.scripted import ScriptedModel
from turnwise.task import Task
from turnwise.tool import Tool
from turnwise.tools.code import CodeSession
from turnwise.tools.sandbox import SandboxLimits

_PYTHONS_OWN = ("max", "min")
"""Published tools that are Python's own functions, and in code stay these."""


class M3ToolEval(Environment, kw_only=True, frozen=True):
    """Tasks that take several tools."""

    name: ClassVar[str] = "m3tooleval"
    roles: ClassVar[tuple[str, ...]] = ("agent",)
    task_type: ClassVar[type[Task]] = ToolTask
    # What an agent's code prints may hang on the clock or on chance; it is recorded, not repeated.
    capabilities: ClassVar[Capabilities] = Capabilities(deterministic=False, known_answer=True)

    split: Literal["sample", "published"] = "sample"
    """A few tasks of our own, or the published ones."""
    actions: Literal["code", "json", "text", "tools"] = "code"
    """How the agent acts: by code, JSON or text within its replies, or by calling tools in its own way."""
    max_turns: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Replies the agent may give."""
    family: str = ""
    """Only this family's tasks."""
    variant: Literal["published", "corrected"] = "corrected"
    """Whether, as published, answers are compared as text and as whole numbers: a list counts only where it
    is written as Python writes it, and 161 does for 161.25. Else by their values, numbers to the cent."""

    def tasks(self) -> Iterable[Task]:
        """All tasks, or those of one family."""
        known = FAMILIES[self.split]
        if self.family and self.family not in known:
            near = did_you_mean(self.family, known) or f"; known: {', '.join(known)}"
            raise ConfigError(f"m3tooleval: there is no family {self.family!r} in split={self.split}{near}")
        made = families.tasks() if self.split == "sample" else load.tasks()
        return [task for task in made if self.family in ("", task.family)]

    @property
    def reward_range(self) -> tuple[float, float]:
        """A task is solved or not."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """One a turn."""
        return self.max_turns

    async def run(self, task: ToolTask, episode: Episode) -> None:
        """Let the agent act until its answer is right or its turns are used up."""
        async with CodeSession(limits=SandboxLimits(wall_seconds=30.0)) as session:
            attempt = _Attempt(self, task, episode, session)
            play = attempt.play_tools if self.actions == "tools" else attempt.play
            try:
                await play()
            except ModelError as error:
                if error.kind != "context_length":
                    raise
                episode.end("context_limit")
            episode.end("limit")

    async def score(self, task: ToolTask, episode: Episode) -> None:
        """1 for a right answer, 0 for anything else, running into a limit of the run included."""
        solved = bool(episode.metrics.get("solved"))
        episode.metric("turns", episode.turns_said if solved else self.max_turns)
        episode.reward(float(solved), name="correct")

    def agents(self) -> Mapping[str, Any]:
        """`solver` acts out each solution, `coder` does by CodeAct; `oracle` answers, `empty` is silent."""
        actions = self.actions

        def acting(task: ToolTask, rng: Any) -> Any:
            return solver(task, actions)

        made: dict[str, Callable[..., Any]] = {
            "solver": _generator(acting),
            "random": random_agent,
            "oracle": oracle,
            "empty": empty,
        }
        if actions == "tools":
            return {**made, "coder": CodeAct(ScriptedModel(coder), name="coder")}
        return made


class _Attempt:
    """One task being tried."""

    def __init__(self, settings: M3ToolEval, task: ToolTask, episode: Episode, session: CodeSession) -> None:
        self.settings = settings
        self.task = task
        self.episode = episode
        self.session = session
        self.tools: dict[str, Tool] = {tool.spec.name: tool for tool in desk(task).tools()}

    async def play(self) -> None:
        """Turn by turn, actions in the words of the protocol."""
        mode: protocol.Mode = "code" if self.settings.actions == "tools" else self.settings.actions
        listed = [_signature(tool) for tool in self.tools.values()]
        says = protocol.prompt(listed, self.task.instruction, mode)
        for _ in range(self.settings.max_turns):
            reply = await self.episode.agent.respond(says)
            reading = protocol.read(protocol.trimmed(reply.text))
            says = reading.content
            if reading.kind == "answer":
                self.check(reading.content)
                says = protocol.WRONG
            elif reading.kind == "action":
                says = await self.act(reading.content, mode)
            if reading.reminder:
                says += f"\n*{reading.reminder}"

    async def play_tools(self) -> None:
        """The agent calls tools in its own way; what it then says is its answer."""
        says = f"{self.task.instruction}\nWhen you are done, reply with the answer alone, and no other text."
        while (left := self.settings.max_turns - self.episode.turns_said) > 0:
            heard = _Counted(self.episode, left)
            reply = await self.episode.agent.respond(says, tools=list(self.tools.values()), until=heard)
            if heard.spent:
                return
            self.check(reply.text.strip().removeprefix(protocol.ANSWER).strip())
            says = protocol.WRONG

    def check(self, answer: str) -> None:
        """End the episode where an answer is right."""
        published = self.settings.variant == "published"
        if protocol.is_right(answer, self.task.answer, published=published):
            self.episode.metric("solved", 1)
            self.episode.end("correct")

    async def act(self, action: str, mode: protocol.Mode) -> str:
        """Carry an action out; says what came of it."""
        if mode == "code":
            tools = [tool for name, tool in self.tools.items() if name not in _PYTHONS_OWN]
            execution = await self.session.run(action, self.episode.agent, tools)
            return protocol.printed(execution.text)
        try:
            name, arguments = protocol.from_text(action) if mode == "text" else protocol.from_json(action)
        except ValueError as error:
            return f"This is no JSON object with the fields 'tool' and 'args': {error}"
        return protocol.told(await self.use(name, arguments))

    async def use(self, name: str, arguments: list[Any]) -> str:
        """Call one tool by the order of its arguments."""
        tool = self.tools.get(name)
        if tool is None:
            return f"There is no tool {name!r}{did_you_mean(name, self.tools)}."
        given = protocol.by_name(arguments, tool.spec.parameters)
        if given is None:
            most = len(tool.spec.parameters["properties"])
            return f"{name} takes {most} arguments, not {len(arguments)}. One tool at a time?"
        self.episode.check_tool_limit()
        self.episode.tool_calls += 1
        content = await self.episode.agent.answer(tool, given)
        return content if isinstance(content, str) else ""


class _Counted:
    """Ends a response in which the turns are used up before there is an answer."""

    def __init__(self, episode: Episode, left: int) -> None:
        self._episode = episode
        self._most = episode.turns_said + left
        self.spent = False

    def __call__(self, turn: Turn) -> bool:
        if turn.role == "agent" or self._episode.turns_said < self._most:
            return False
        self.spent = True
        return True


def _signature(tool: Tool) -> str:
    from turnwise.agents.codeact import as_function

    return as_function(tool).replace("\n    ", ": ", 1)


def _generator(write: Callable[..., Any]) -> Callable[..., Any]:
    """`write`, known for a generator function."""

    def script(task: Any, rng: Any) -> Any:
        yield from write(task, rng)

    return script

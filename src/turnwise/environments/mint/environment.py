"""MINT (Wang et al. 2023, arXiv 2309.10691): problems to solve in k turns, with code and feedback.

Each turn the agent runs code in a Python session that keeps its variables, or proposes a solution. A wrong
solution comes back as such; where somebody fills the role `feedback`, an expert comments on every action that
did not end the episode. The benchmark's two measures are made by `turnwise.metrics.mint` from several runs:
the success rate at k = 1 … 5 steps with its slope, and what feedback adds at k = 5. `BUDGETS` are the
official pairs of steps and proposals.

The built-in sample set is our own. The official problems (`subset="all"`: 316 of reasoning, 136 of code) are
read from `mint/*.jsonl`; ALFWorld, the other part of the published 586, is not here.

What differs from the official environment:

- the wording of the prompts is ours, and so is the worked example; markers and fixed phrases are the same.
  Official settings of the agent are temperature 0 and 512 tokens; of the expert temperature 0 and 1024.
- an agent sees its own turns as it wrote them, without "Assistant:" put before them.
- `wikipedia_search`, the one tool function of the official reasoning tasks, needs the network: it is there,
  and named in the prompt, only where the setting `search` says which function answers it.
- a session prints Python's plain tracebacks and `repr`s instead of IPython's.

`variant="published"` checks answers as the official code does, which is generous (see `scoring`).

Each task's score is 1 or 0. `detail` of the episode's stop is the official reason: `task_success`,
`max_propose_steps`, `max_steps`, or `error` where the conversation outgrew the model's context, which counts
as a failure, as published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.environment import Capabilities, Environment
from turnwise.environments.mint import agents, prompts, protocol, scoring
from turnwise.environments.mint.load import load
from turnwise.environments.mint.lookup import DESCRIPTION, search_function
from turnwise.environments.mint.notebook import Notebook
from turnwise.environments.mint.program import passes
from turnwise.environments.mint.rows import MintTask, Subset
from turnwise.environments.parts.feedback import comment
from turnwise.environments.parts.ledger import Budget, Ledger
from turnwise.episode import Episode
from turnwise.errors import ConfigError, ModelError
from turnwise.log import Turn
from turnwise.task import Task

BUDGETS: tuple[tuple[int, int], ...] = ((1, 1), (2, 2), (3, 2), (4, 2), (5, 2))
"""The official budgets: (max_steps, max_proposals) for k = 1 … 5."""

_REASONS = {"proposals": "max_propose_steps", "steps": "max_steps"}

Count = Annotated[int, msgspec.Meta(ge=1)]


class Mint(Environment, kw_only=True, frozen=True):
    """MINT's reasoning and code tasks."""

    name: ClassVar[str] = "mint"
    roles: ClassVar[tuple[str, ...]] = ("agent",)
    optional_roles: ClassVar[tuple[str, ...]] = ("feedback",)
    task_type: ClassVar[type[Task]] = MintTask
    # What the agent's code prints may hang on the clock or on chance; it is recorded, not repeated.
    capabilities: ClassVar[Capabilities] = Capabilities(deterministic=False, known_answer=True)

    subset: Subset = "sample"
    """A small set of our own, one of the seven sources, or `reasoning`, `code`, `all`."""
    max_steps: Count = 5
    """Actions the agent may take: cells run, solutions proposed, and words that are neither."""
    max_proposals: Count = 2
    """Solutions it may propose, readable or not."""
    tools: bool = True
    """Whether there is a Python session."""
    count_down: bool = True
    """Whether each observation says how many steps and proposals are left."""
    feedback: Literal["none", "textual", "binary"] = "none"
    """Whether the role `feedback` comments, freely or by GOOD and BAD alone."""
    ground_truth: bool = False
    """Whether it is shown the right answer (with an order to keep it to itself)."""
    search: str = ""
    """Import path, `module:function`, of what answers `wikipedia_search` in reasoning tasks: text to text."""
    variant: Literal["published", "corrected"] = "corrected"
    """Check answers as the official code does, or strictly."""

    def tasks(self) -> Iterable[Task]:
        """The tasks of the chosen subset."""
        return load(self.subset)

    def sweep(self) -> tuple[Mint, ...]:
        """These settings under each of the official budgets: one run each gives SR_1 … SR_5."""
        return tuple(
            msgspec.structs.replace(self, max_steps=steps, max_proposals=proposals)
            for steps, proposals in BUDGETS
        )

    async def run(self, task: MintTask, episode: Episode) -> None:
        """Let the agent act until it succeeds or a budget is spent."""
        if self.feedback != "none" and not episode.has("feedback"):
            raise ConfigError(
                f"mint: feedback={self.feedback!r} needs somebody in the role 'feedback'; "
                f"give it an agent, e.g. feedback=oracle"
            )
        search = search_function(self.search) if self.search and not task.is_code else None
        async with Notebook(episode, search) as notebook:
            await _Attempt(self, task, episode, notebook).play()

    async def score(self, task: MintTask, episode: Episode) -> None:
        """1 for success, 0 for anything else, running into a limit of the run included."""
        episode.reward(episode.metrics.get("success", 0.0), name="success")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver`, `random`, `tool_user`, `listener`; `feedback/oracle` comments without a model."""
        return {
            "solver": agents.solver,
            "random": agents.random_agent,
            "tool_user": agents.tool_user,
            "listener": agents.listener,
            "feedback/oracle": agents.oracle,
        }


class _Attempt:
    """One task being tried: the budgets, the counters and the transcript."""

    def __init__(self, settings: Mint, task: MintTask, episode: Episode, notebook: Notebook) -> None:
        self.settings = settings
        self.task = task
        self.episode = episode
        self.notebook = notebook
        # Proposals first: where both end at once, the official reason is `max_propose_steps`.
        self.ledger = Ledger(
            (
                Budget(name="proposals", limit=settings.max_proposals),
                Budget(name="steps", limit=settings.max_steps),
            )
        )
        self.counts = {"propose_solution": 0, "use_tool": 0, "invalid_action": 0}
        self.tools = self._tools()
        self.transcript = [f"Task:\n{task.prompt}\n"]

    def _tools(self) -> str | None:
        """What functions the session has, as the prompts tell it; None where there is no session."""
        if not self.settings.tools:
            return None
        return DESCRIPTION if self.settings.search and not self.task.is_code else ""

    async def play(self) -> None:
        """Turn by turn, until the episode ends."""
        settings = self.settings
        says = prompts.opening(
            self.task.family,
            self.task.prompt,
            steps=settings.max_steps,
            proposals=settings.max_proposals,
            tools=self.tools,
            feedback=settings.feedback != "none",
        )
        while True:
            try:
                reply = await self.episode.agent.respond(says, stop=protocol.STOP)
            except ModelError as error:
                if error.kind != "context_length":
                    raise
                self.episode.end("error")
                return
            says = await self.answer(reply)

    async def answer(self, reply: Turn) -> str:
        """Carry out an action; returns the observation, or ends the episode."""
        action = protocol.read_action(reply.text)
        solved = False
        if action.kind == "execute":
            said = await self.execute(action.content)
        else:
            solved = await self.propose(action.content, reply)
            said = protocol.NOT_UNDERSTOOD if action.content is None else protocol.WRONG
        for name, count in self.counts.items():
            self.episode.metric(name, count)
        self.episode.metric("success", solved)
        if solved:
            self.episode.end("task_success")
        if self.ledger.ran_out is not None:
            self.episode.end(_REASONS[self.ledger.ran_out])
        left = int(self.ledger.left("steps")), int(self.ledger.left("proposals"))
        observed = protocol.observation(said, left if self.settings.count_down else None)
        self.transcript += [protocol.as_action(reply.text), observed]
        return protocol.with_feedback(observed, await self.comment())

    async def propose(self, answer: str | None, reply: Turn) -> bool:
        """Spend a proposal, readable or not; whether it is right."""
        self.counts["propose_solution"] += 1
        self.ledger.spend("proposals")
        self.ledger.spend("steps")
        return answer is not None and await self.is_right(answer, reply)

    async def is_right(self, answer: str, reply: Turn) -> bool:
        """Whether a proposed solution is right; of a program, the failed stage is noted."""
        if not self.task.is_code:
            return scoring.is_right(self.task, answer, published=self.settings.variant == "published")
        mark = f"passed {self.episode.rng.getrandbits(64):016x}"
        report = await passes(answer, self.task.reference, mark, self.episode.effect)
        if not report.passed:
            self.episode.note({"failed": report.failed, "why": report.feedback[-1000:]}, reply, name="tests")
        return report.passed

    async def execute(self, code: str | None) -> str:
        """Run a cell, if there is one and a session to run it in."""
        self.ledger.spend("steps")
        if code is None or not self.settings.tools:
            self.counts["invalid_action"] += 1
            return protocol.NOT_UNDERSTOOD
        self.counts["use_tool"] += 1
        execution = await self.notebook.run(code)
        return protocol.show_execution(execution, self.notebook.cells)

    async def comment(self) -> str:
        """The expert's feedback on the last action; empty where nobody is asked, or it has none."""
        settings = self.settings
        if settings.feedback == "none":
            return ""
        prompt = prompts.expert(
            self.task.family,
            "\n".join(self.transcript),
            answer=str(self.task.reference) if settings.ground_truth else None,
            tools=self.tools,
            binary=settings.feedback == "binary",
        )
        said = await comment(self.episode.feedback, prompt, form=settings.feedback, stop=prompts.EXPERT_STOP)
        if said:
            self.transcript[-1] = protocol.with_feedback(self.transcript[-1], said)
        return said

"""TravelBench's three subtasks: what is asked at once, what takes a conversation, what cannot be done.

An agent with ten tools, whose results come from a cache of calls that were made once (`tools/cached.py`);
what is not in it, whoever fills the role `simulator` makes up. A judge's ratings become the score
(`scoring.py`); the requests made here are scored without one, too, by the facts that must be said.

What differs from the official program: prompts are in our own words, and in English; the calls most similar
to one that is missing are found by shared words, unless `similar` names chance or an embedding (published:
either); a judgement counts where all dimensions are rated; a call of which nothing is known, with nobody to
make it up, is told as an error, but does not count as the agent's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.agents.users.interruption import heeding
from turnwise.agents.users.manner import User, respond
from turnwise.agents.users.marks import FINISH, ended
from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts import reasons
from turnwise.environments.parts.alike import finder, ready
from turnwise.environments.parts.simulated import by_role
from turnwise.environments.parts.steps import respond_within
from turnwise.environments.parts.views import ask_alone
from turnwise.environments.service.travelbench import load, players, prompts, sample, scoring
from turnwise.environments.service.travelbench.rows import Form, TravelTask
from turnwise.environments.service.travelbench.tools import TOOLS
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.log import Turn
from turnwise.message import system
from turnwise.role import Role, Says
from turnwise.task import Task
from turnwise.tools.cached import CallCache, Layer, Mode, statistics
from turnwise.verdict import Asker, Unreadable, judged

JUDGEMENT = "judgement"
"""The note with a judge's ratings."""


class TravelBench(Environment, kw_only=True, frozen=True):
    """What the subtasks have in common."""

    form: ClassVar[Form]
    task_type: ClassVar[type[Task]] = TravelTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    split: Literal["sample", "published"] = "sample"
    """A few requests of our own, or the published rows."""
    mode: Mode = "simulate"
    """Where results of tools come from: asked `live`, asked and kept (`record`), kept ones alone (`replay`),
    or kept ones, and the simulator for those that are missing."""
    cache: str | None = None
    """Folder of kept results; by default those that go with the split."""
    examples: Annotated[int, msgspec.Meta(ge=0)] = 8
    """Similar calls that the simulator is shown."""
    similar: str = "words"
    """How they are found: by shared `words`, at `random`, or by `embedding:MODEL` (`openai/…`, `minilm`)."""
    similar_options: dict[str, Any] = {}
    """Options of the embedding model, such as `base_url`."""
    max_calls: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Messages with calls in one turn of the agent, after which an apology is said for it."""

    def __post_init__(self) -> None:
        if self.split == "published" and self.mode in ("live", "record"):
            raise ConfigError(
                f"{self.name}: the tools over the country made here know nothing of the published requests; "
                "set mode=replay or mode=simulate"
            )
        finder(self.similar, self.similar_options)

    @property
    def reward_range(self) -> tuple[float, float]:
        """Of the score, which is the published one divided by 100."""
        return (0.0, 1.0)

    def tasks(self) -> Iterable[Task]:
        """The requests of the split.

        Raises:
            ConfigError: the folder of kept results holds none, or the embedding model cannot be used.
        """
        if self.cache is not None and self.mode in ("replay", "simulate"):
            self.known()
        if self.mode == "simulate":
            ready(self.similar, self.similar_options)
        return sample.TASKS[self.form] if self.split == "sample" else load.tasks(self.form)

    def known(self) -> CallCache:
        """The results that are kept."""
        if self.cache is None and self.split == "sample":
            return sample.cache()
        return load.cache(self.cache)

    def layer(self, task: TravelTask, episode: Episode) -> Layer:
        """The tools of an episode."""
        return Layer(
            TOOLS,
            mode=self.mode,
            cache=self.known() if self.mode in ("replay", "simulate") else None,
            also={"time": task.time},
            simulate=by_role(episode.simulator) if episode.has("simulator") else None,
            examples=self.examples,
            find=finder(self.similar, self.similar_options),
        )

    async def run(self, task: TravelTask, episode: Episode) -> None:
        """Put the request; then have it judged, where there is a judge."""
        layer = self.layer(task, episode)
        episode.tell("agent", system(prompts.agent(self.form, task)))
        await self.converse(task, episode, layer)
        if self.form in scoring.DIMENSIONS and episode.has("judge"):
            await _judge(self.form, task, episode)

    async def converse(self, task: TravelTask, episode: Episode, layer: Layer) -> None:
        """The request, and the agent's answer."""
        await self.answer(task.query, episode, layer)

    async def answer(self, says: Says, episode: Episode, layer: Layer) -> Turn:
        """One turn of the agent's, with as many calls as it may make."""
        response = await respond_within(episode.agent, says, tools=layer.tools, most=self.max_calls)
        return episode.agent.post(prompts.APOLOGY) if response.stopped else response.turn

    async def score(self, task: TravelTask, episode: Episode) -> None:
        """The judge's score; without a judge, whether the facts were said, where they are known."""
        counts = _counted(episode)
        note = next((note.value for note in episode.notes if note.name == JUDGEMENT), None)
        if note is not None and note["ratings"] is not None and not note.get("unrated"):
            found = scoring.scores(
                note["ratings"], calls=counts["tool_calls"], errors=counts["bad_calls"], meta=note["meta"]
            )
            for name, value in found.final.items():
                episode.metric(name, value)
            episode.metric("rating", found.ratings["average"])
            episode.metric("penalised", found.penalised["average"])
            reasons.tell(episode, _short(note["ratings"], counts))
            episode.reward(found.final["average"] / 100, name="judged")
        elif episode.has("judge") or not task.facts:
            episode.reward(None, name="judged")
        else:
            untold = _untold(task, episode)
            reasons.tell(episode, untold)
            episode.reward(not untold, name="success")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver`, `nothing`, `random`; `user/scripted` and `simulator/country` need no model either."""
        return {
            "solver": players.solver,
            "nothing": players.nothing,
            "random": players.random_player,
            "simulator/country": players.stand_in,
        }

    def defaults(self) -> Mapping[str, str]:
        """Over the requests made here, the country made here answers for what is not kept."""
        return {"simulator": "country"} if self.split == "sample" and self.mode == "simulate" else {}


class TravelSingle(TravelBench, kw_only=True, frozen=True):
    """Answer a travel request alone, with tools."""

    name: ClassVar[str] = "travelbench_single"
    form: ClassVar[Form] = "single"
    optional_roles: ClassVar[tuple[str, ...]] = ("simulator", "judge", "meta_judge")


class TravelMulti(TravelBench, kw_only=True, frozen=True):
    """Find out what a user would like, and meet it, with tools."""

    name: ClassVar[str] = "travelbench_multi"
    form: ClassVar[Form] = "multi"
    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    optional_roles: ClassVar[tuple[str, ...]] = ("simulator", "judge", "meta_judge")

    max_turns: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Most turns of the agent."""

    async def converse(self, task: TravelTask, episode: Episode, layer: Layer) -> None:
        """The request in the user's words; then answer for answer, until the user ends it."""
        episode.tell("user", system(prompts.user(task)))
        said = episode.user.post(task.query)
        agent = episode.user.agent
        manner = heeding(task, agent.manner if isinstance(agent, User) else None, marks=(FINISH,))
        for _ in range(self.max_turns):
            reply = await self.answer(said, episode, layer)
            if manner is None:
                said = await episode.user.respond(reply)
            else:
                episode.user.tell(reply)
                said = await respond(episode.user, manner)
            if ended(said, (FINISH,)):
                episode.detail = "user_ended"
                return
        episode.detail = "max_turns"

    def agents(self) -> dict[str, Callable[..., Any]]:
        """Also `user/scripted`."""
        return {**super().agents(), "user/scripted": players.user}

    def defaults(self) -> Mapping[str, str]:
        """The user without a model."""
        return {**super().defaults(), "user": "scripted"}


class TravelUnsolvable(TravelBench, kw_only=True, frozen=True):
    """Recognise what cannot be done; success is to say so."""

    name: ClassVar[str] = "travelbench_unsolvable"
    form: ClassVar[Form] = "unsolvable"
    optional_roles: ClassVar[tuple[str, ...]] = ("simulator",)

    variant: Literal["published", "corrected"] = "corrected"
    """Whether, as published, only the agent's first message counts, be it one that calls tools: its prompt
    allows it to stop at any time, and `corrected` does, too."""

    async def score(self, task: TravelTask, episode: Episode) -> None:
        """1 for saying that it cannot be done where it cannot, and for doing it where it can."""
        _counted(episode)
        first = scoring.unsolved(episode.turns)
        anywhere = scoring.unsolved(episode.turns, anywhere=True)
        episode.metric("unsolved_first", first)
        abstains = first if self.variant == "published" else anywhere
        if task.reason is not None:
            reasons.tell(episode, [] if abstains else [f"never said that it cannot be done: {task.reason}"])
            episode.reward(abstains, name="recognised")
        else:
            wrong = ["said that it cannot be done, and it can"] if abstains else _untold(task, episode)
            reasons.tell(episode, wrong)
            episode.reward(not wrong, name="success")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """Also `abstain`, who never tries."""
        return {**super().agents(), "abstain": players.abstain}


def _counted(episode: Episode) -> dict[str, int]:
    """What came of its calls, which are metrics."""
    counts = statistics(episode.notes, calls=episode.tool_calls)
    for name, value in counts.items():
        episode.metric(name, value)
    return counts


def _untold(task: TravelTask, episode: Episode) -> list[str]:
    """Facts that the agent never said, as lines."""
    said = (turn.text for turn in episode.turns if turn.role == "agent")
    return [f"never said: {fact!r}" for fact in scoring.untold(said, task.facts)]


def _short(ratings: Mapping[str, float], counts: Mapping[str, int]) -> list[str]:
    """What a judged score is short of, as lines."""
    wrong, calls = counts["bad_calls"], counts["tool_calls"]
    lines = [f"{name}: rated {rating:g} of 5" for name, rating in ratings.items() if rating < 5]
    return [*lines, f"{wrong} of {calls} calls of tools ended in an error"] if wrong else lines


async def _judge(form: Form, task: TravelTask, episode: Episode) -> None:
    """Ask the judge, then the judge's judge; what they say is a note."""
    turns = list(episode.turns)
    read = scoring.reader(scoring.DIMENSIONS[form])
    verdict = await judged(_asker(episode.judge), prompts.judge(form, task, turns), read, AGAIN)
    if verdict.missing is not None:
        reasons.tell(episode, reasons.judged(verdict))
    note: dict[str, Any] = {"ratings": verdict.figures or None, "meta": None, "reason": verdict.reason}
    if verdict.missing is None and episode.has("meta_judge"):
        question = prompts.meta_judge(task, turns, verdict)
        meta = await judged(_asker(episode.meta_judge), question, scoring.read_meta, AGAIN)
        note |= {"meta": meta.score, "meta_reason": meta.reason, "unrated": meta.missing}
    episode.note(note, name=JUDGEMENT)


AGAIN = Unreadable(ask_again=9)
"""A judge is asked up to ten times, as published."""


def _asker(role: Role) -> Asker:
    async def ask(prompt: str) -> str:
        return (await ask_alone(role, prompt)).text

    return ask

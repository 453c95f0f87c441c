"""The environment: plays a `Game`, writes down what it shows, and scores the guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.environment import Capabilities, Environment
from turnwise.environments.games.wilt import agents, checker, complexity, prompts
from turnwise.environments.games.wilt.game import Game, Guess
from turnwise.environments.games.wilt.hypotheses import space
from turnwise.environments.games.wilt.rows import Observation, WiltTask, tasks_of
from turnwise.environments.games.wilt.rules import Split
from turnwise.environments.parts.views import ask_alone
from turnwise.episode import Episode
from turnwise.log import Turn
from turnwise.task import Task
from turnwise.verdict import Verdict, judged, no_verdict

_JUDGMENT = re.compile("|".join(map(re.escape, prompts.CLASSES)), re.IGNORECASE)


class Wilt(Environment, kw_only=True, frozen=True):
    """Find a hidden rule of three numbers with at most 30 tests and one guess."""

    name: ClassVar[str] = "wilt"
    roles: ClassVar[tuple[str, ...]] = ("agent",)
    optional_roles: ClassVar[tuple[str, ...]] = ("judge",)
    task_type: ClassVar[type[Task]] = WiltTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    split: Split = "full"
    """The 50 rules, or the 10 light ones."""
    max_attempts: Annotated[int, msgspec.Meta(ge=1)] = 30
    """Tests, and messages in no readable form, which cost as much."""
    variant: Literal["published", "corrected"] = "corrected"
    """Behave exactly as the official harness, or without its errors."""

    def tasks(self) -> Iterable[WiltTask]:
        """The rules of the split, in official order."""
        return tasks_of(self.split)

    async def run(self, task: WiltTask, episode: Episode) -> None:
        """Answer tests until there is a guess, or none is to be had."""
        published = self.variant == "published"
        game = Game(
            task.source,
            space(episode.rng, published=published),
            limit=1 if task.given else self.max_attempts,
            tests=0 if task.given and not published else None,
            published=published,
        )
        if task.given:
            says = prompts.opening_with([(one.input, one.result) for one in task.given])
        else:
            says = prompts.opening(self.max_attempts)
        while game.end is None:
            reply = await episode.agent.respond(says)
            made = len(game.tests)
            says = game.answer(reply.text)
            _write_down(game, made, episode, reply)
        episode.tell("agent", says)
        if game.guess is not None:
            await self._finish(game, game.guess, episode)
        episode.end(game.end)

    async def score(self, task: WiltTask, episode: Episode) -> None:
        """Nothing for an episode without a guess."""
        if not any(reward.name == "correct" for reward in episode.rewards):
            episode.reward(0.0, name="correct")
            episode.metric("points", 0)

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` halves, `random` guesses, `confirmation` believes."""
        return {
            "solver": agents.solver,
            "random": agents.random_agent,
            "confirmation": agents.confirmation,
        }

    async def _finish(self, game: Game, guess: Guess, episode: Episode) -> None:
        """Score the guess and say how it relates to the rule."""
        turn = episode.turns[-2]
        outcome = guess.judged.outcome
        episode.reward(float(outcome == "correct"), turn, name="correct")
        episode.metric("points", game.points)
        episode.metric(
            "guess_operators", complexity.operators(guess.source, published=self.variant == "published")
        )
        episode.metric("guess_length", len(guess.source))
        ratio = 1.0 if outcome == "correct" else checker.inclusion(game.rule, guess.source)
        if ratio is not None:
            episode.metric("set_inclusion", ratio)
        note = {"function": guess.source, "rule": game.rule, "outcome": outcome, "why": guess.judged.why}
        episode.note(note, turn, name="guess")
        if outcome != "invalid" and episode.has("judge"):
            verdict = await _ask_judge(episode, game.rule, guess)
            episode.note(verdict, turn, name="judgment")
            if verdict.missing is None:
                near = outcome != "correct" and verdict.label != prompts.CLASSES[-1]
                episode.metric("approximately_correct", near)


def _write_down(game: Game, made: int, episode: Episode, reply: Turn) -> None:
    """Note the reply's test, if it was one, and the counts so far."""
    for triple, value in game.tests[made:]:
        episode.note(Observation(input=triple, result=value), reply, name="test")
    counts = {
        "attempts": game.attempts,
        "tests": len(game.tests),
        "reused_tests": game.reused,
        "confirms_bias": game.confirming,
        "explored": game.tracker.explored,
    }
    for name, value in counts.items():
        episode.metric(name, value)


async def _ask_judge(episode: Episode, rule: str, guess: Guess) -> Verdict:
    """How near the guess came, in the judge's opinion; the checker's where it is the rule itself."""
    if guess.judged.outcome == "correct":
        return Verdict(label=prompts.CLASSES[0])

    async def ask(prompt: str) -> str:
        return (await ask_alone(episode.judge, prompt)).text

    return await judged(ask, prompts.judging(rule, guess.source), read_judgment)


def read_judgment(answer: str) -> Verdict:
    """The class a judge names last."""
    named = _JUDGMENT.findall(answer)
    if not named:
        return no_verdict(f"it names none of {', '.join(prompts.CLASSES)}")
    label = next(one for one in prompts.CLASSES if one.lower() == named[-1].lower())
    return Verdict(label=label, reason=answer)

"""EARL's interventions: a tool is entered where the policy came nearest to it, and the policy goes on.

Yue et al., "Expanding the Action Space of LLMs to Reason Beyond Language" (arXiv 2510.07581). A policy that
hardly ever enters a tool hardly ever learns what it is good for. So in groups in which all failed, its
entry is written for it into each episode, at a place drawn by how likely it was there, and what comes of it
is compared with what came without (`credit.cpo`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from turnwise.agent import Agent
from turnwise.errors import CapabilityError
from turnwise.learn.batch import Floats
from turnwise.learn.engine.local import LocalEngine
from turnwise.learn.engine.protocol import Drawn, Engine
from turnwise.learn.engine.totals import totals
from turnwise.learn.playing import Play
from turnwise.learn.replay import spoken, transitions
from turnwise.learn.rows import batch_of
from turnwise.log import EpisodeLog
from turnwise.model import Request, Sample
from turnwise.models.draws import Likeliest
from turnwise.models.hf.loading import adopt
from turnwise.models.hf.options import HFOptions
from turnwise.models.hf.speaker import Generated, Speaker
from turnwise.wire import Record


class Tools(Record, frozen=True, kw_only=True):
    """What entering each tool brought so far: a moving mean of the intervention's advantages."""

    worth: dict[str, float]
    """By the tool's entry, as it is written."""
    keep: float = 0.9
    """How much of the mean stays at each step."""

    @classmethod
    def of(cls, entries: Sequence[str], *, first: float = 0.001) -> Tools:
        """Tools of which nothing is known yet."""
        return cls(worth=dict.fromkeys(entries, first))

    def draw(self, rng: random.Random) -> str:
        """An entry, by the softmax of what they are worth."""
        weights = np.exp(np.array(list(self.worth.values())))
        return rng.choices(list(self.worth), weights.tolist())[0]

    def after(self, advantages: Mapping[str, Sequence[float]]) -> Tools:
        """With a step's advantages."""
        found = {
            entry: self.keep * worth + (1 - self.keep) * float(np.mean(new))
            if (new := advantages.get(entry))
            else worth
            for entry, worth in self.worth.items()
        }
        return msgspec.structs.replace(self, worth=found)


class Inserted(NamedTuple):
    """What came of an insertion."""

    log: EpisodeLog
    factual: EpisodeLog
    entry: str


async def intervene(
    engine: Engine, play: Play, logs: Sequence[EpisodeLog], tools: Tools, *, seed: int | str
) -> list[Inserted]:
    """Each episode once more, with an entry inserted at the beginning of one of its turns.

    Args:
        engine: The policy that played them.
        play: Where they were played.
        logs: The episodes.
        tools: What can be entered.
        seed: Of the choice of tools and places.

    Raises:
        CapabilityError: the policy is not in this process.
    """
    rng = random.Random(seed)
    entries = [tools.draw(rng) for _ in logs]
    turns = _places(engine, play, logs, entries, rng)
    found: list[Inserted] = []
    for entry in tools.worth:
        mine = [(log, at) for log, at, own in zip(logs, turns, entries, strict=True) if own == entry]
        if mine:
            begun = begun_for(play.agent, engine, entry)
            others = await play.anew(mine, agent=begun)
            found += [Inserted(new, log, entry) for new, (log, _) in zip(others, mine, strict=True)]
    return found


def place(
    scores: Floats, rng: random.Random, *, temperature: float = 10, most: int = 10, share: float = 0.9
) -> int:
    """A place drawn by the log-probabilities of an entry there.

    Args:
        scores: `[N]` Log-probability of the entry at each place.
        rng: To draw with.
        temperature: Scores are divided by it.
        most: Only so many of the likeliest places.
        share: Of these, the likeliest that together have this share of the probability.
    """
    order = np.argsort(-scores, kind="stable")[:most]
    weights = np.exp((scores[order] - scores.max()) / temperature)
    weights /= weights.sum()
    before = np.cumsum(weights) - weights
    kept = before < share
    return int(rng.choices(order[kept].tolist(), weights[kept].tolist())[0])


def begun_for(agent: Agent, engine: Engine, entry: str) -> Agent:
    """An agent whose first reply in each episode begins with an entry that was written for it.

    Raises:
        CapabilityError: the policy is not in this process.
    """
    if not isinstance(engine, LocalEngine):
        raise CapabilityError("an intervention needs the policy in this process: use the local engine")
    return Agent(_Begun(engine, entry), name=agent.name, system=agent.system, sampling=agent.sampling)


def _places(
    engine: Engine, play: Play, logs: Sequence[EpisodeLog], entries: Sequence[str], rng: random.Random
) -> list[int]:
    """For each episode the index of the turn where its entry is inserted."""
    batch = batch_of(logs, roles=play.role).batch
    assert batch.turn_at is not None
    states = [turn.state for turn in transitions(batch)]
    number = np.array([int(name) for name in batch.names], dtype=np.int64)[batch.turns.episode]
    ids = {entry: _ids(engine, entry) for entry in set(entries)}
    inserted = [ids[entries[int(which)]] for which in number]
    said = [Drawn(entry, [0.0] * len(entry), "stop") for entry in inserted]
    rows = spoken(states, said)
    logprobs = engine.forward_backward(rows, None).logprobs
    scores = totals(rows, logprobs.astype(np.float64))
    found: list[int] = []
    for which in range(len(logs)):
        mine = np.flatnonzero(number == which)
        found.append(int(batch.turn_at[mine[place(scores[mine], rng)]]))
    return found


def _ids(engine: Engine, entry: str) -> list[int]:
    """An entry in tokens."""
    assert isinstance(engine, LocalEngine)
    return list(engine.tokenizer.encode(entry, add_special_tokens=False))


class _Begun(Speaker):
    """The policy; what it samples first in a session is preceded by an entry, as if it had sampled that."""

    remote = False

    def __init__(self, engine: LocalEngine, entry: str) -> None:
        loaded = adopt("hf/policy", engine.module, engine.tokenizer)
        super().__init__(engine.policy.name, HFOptions(keep_thoughts=True), loaded)
        self.version = getattr(engine.policy, "version", None)
        self._engine, self._entry = engine, _ids(engine, entry)
        self._begun: set[str] = set()

    async def sample(self, request: Request) -> Sample:
        first = request.session not in self._begun
        sample = await super().sample(request)
        # Nobody sampled the entry: what it was as likely as is worked out by whoever wants it.
        return msgspec.structs.replace(sample, logprobs=None) if first else sample

    async def _generate(self, prompt: list[int], request: Request, version: str | None) -> Generated:
        entry = [] if request.session in self._begun else self._entry
        self._begun.add(request.session)
        seed = f"{request.rng_seed}/{request.ordinal}"
        (drawn,) = await self._engine.sample([*prompt, *entry], request.sampling, seed=seed)
        return _Sampled(prompt, [*entry, *drawn.tokens], drawn.logprobs, drawn.finish)

    async def close(self) -> None:
        """The policy is another's."""


class _Sampled(NamedTuple):
    prompt: list[int]
    sampled: list[int]
    logprobs: list[float]
    finish: str | None
    cached: int = 0
    alternatives: Sequence[Likeliest] = ()

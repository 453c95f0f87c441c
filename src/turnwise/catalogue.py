"""The catalogue: every published system that runs here, with the survey's taxonomy and how to run it."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

import msgspec

Family: TypeAlias = Literal["IF", "CE"]
Pattern: TypeAlias = Literal[
    "follow-up",
    "refinement",
    "expansion",
    "recollection",
    "clarification",
    "correction/feedback",
    "persistence",
    "topic switch",
    "execution feedback",
    "Socratic questioning",
    "interruption",
    "negotiation",
    "delegation",
    "tool negotiation",
]
Challenge: TypeAlias = Literal[
    "context/retention-coherence",
    "context/anaphora-ellipsis",
    "context/ambiguity-clarification",
    "reasoning/error-propagation",
    "reasoning/topic-switching",
    "reasoning/proactive-information-seeking",
    "reasoning/multilingual-code-switching",
    "adaptation/preference-adaptation",
    "adaptation/knowledge-adaptation",
    "adaptation/robustness-misinformation-adversarial",
    "evaluation/scalable-curation",
    "evaluation/metric-design",
    "evaluation/judge-vs-human-bias",
    "ethics-safety/bias-amplification",
    "ethics-safety/privacy-leakage",
    "ethics-safety/bonding-overtrust",
]
Kind: TypeAlias = Literal[
    "environment",
    "user",
    "tool",
    "scaffold",
    "estimator",
    "loss",
    "reward",
    "judge",
    "metric",
    "adapter",
    "synthesis",
    "attack",
    "defence",
    "context-manager",
    "kv-policy",
    "analysis",
]


class System(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published system. Tags: "Beyond Single-Turn", the survey's taxonomy of multi-turn work."""

    title: str
    """Of its paper."""
    paper: str
    """Authors, year, where."""
    kind: Kind
    place: str
    """Folder or file under `src/turnwise`."""
    here: str
    """What of it is here."""
    family: tuple[Family, ...] = ()
    """Instruction following, or conversational engagement."""
    domain: tuple[str, ...] = ()
    pattern: tuple[Pattern, ...] = ()
    """Moves of the conversation."""
    challenge: tuple[Challenge, ...]
    eval: tuple[Literal["rule", "human", "llm_judge"], ...] = ()
    verifiability: Literal["exact", "test", "judge", "human"] | None = None
    state: Literal["stateless", "db", "simulator", "filesystem", "game"] | None = None
    year: int
    run: tuple[str, ...] = ()
    """Commands after `turnwise`, each on its smallest setting."""
    study: tuple[str, ...] = ()
    """Commands that train by it and write a page of what came of it, in a checkout; `--smallest` takes
    seconds."""

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags that systems are looked up by."""
        return (*self.family, *self.domain, *self.pattern, *self.challenge)


@cache
def catalogue() -> dict[str, System]:
    """All systems by name, in the order of `catalogue.toml`.

    Raises:
        msgspec.ValidationError: a tag is not in the vocabulary, naming the place.
    """
    text = files("turnwise").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, System])

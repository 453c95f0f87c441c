"""What a training is, as data: one validated struct, from a TOML file, flags or Python, stored with the run.

The defaults are the vetted setting: name an environment and a model, and that is the algorithm.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args, get_origin

import msgspec

from turnwise.engine.config import AgentConfig, parse, read_config
from turnwise.errors import ConfigError, did_you_mean
from turnwise.limits import Limits

Part: TypeAlias = str | dict[str, Any]
"""Something chosen by its name: `"gigpo"`, or with settings of its own `{name = "gigpo", gamma = 0.95}`."""


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A learning rate that rises at first."""

    peak: float
    """Where it rises to."""
    warmup: int = 0
    """Steps in which it rises, in a line."""

    def __post_init__(self) -> None:
        if not 0 <= self.peak <= 1:
            raise ConfigError(f"lr: expected at least 0 and at most 1, got {self.peak!r}")
        if self.warmup < 0:
            raise ConfigError(f"lr.warmup: expected at least 0, got {self.warmup}")

    def at(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        return self.peak * min(1.0, (step + 1) / (self.warmup or 1))


class TrainConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that decides what a training does."""

    environment: str
    """What is played: a registered name, or `file.py:Class`."""
    settings: dict[str, Any] = {}
    """Settings of the environment."""
    tasks: str | None = None
    """A `.jsonl`, `.toml` or `.parquet` file of tasks; by default the environment's own."""
    limits: Limits = Limits()
    """Limits of an episode: `turns`, `tool_calls`, `tokens`, `cost`, `seconds`."""
    roles: list[str] = []
    """The roles that the policy plays and is trained in; by default the environment's first. Several are
    self-play."""
    agents: dict[str, AgentConfig] = {}
    """Who fills the other roles. `policy` is the policy as it is now, not trained there; `league` a past
    checkpoint of it, each as often, `league/pfsp` more often those that it does not beat."""
    learners: dict[str, dict[str, Any]] = {}
    """Further policies that are trained in the same episodes, by the role each plays: the keys in which it
    differs from this config, such as `model`, `credit` or `lr`."""

    model: str
    """The policy to begin with: `hf/FOLDER` or `hf/HUB-ID`."""
    system: str | None = None
    """A system prompt of the policy's own."""
    window: int | None = None
    """Most messages that the policy is shown, the last ones; all where it is left out."""
    temperature: float = 1.0
    """At which the policy samples, and at which its log-probabilities are taken."""
    max_tokens: int = 256
    """Most tokens of one reply."""
    engine: Part = "local"
    """What the policy runs on: `local`, `torchrun` or `tinker`, with settings such as `lora`; see
    `turnwise.learn.engine`."""

    seed: int = 0
    """Of all draws."""
    steps: int = 100
    """How often to collect and learn."""
    tasks_per_step: int = 8
    """Tasks played in a step, drawn without replacement until all were played."""
    group: int = 8
    """Episodes of each of these tasks, which are compared with each other."""
    concurrency: int = 64
    """Most episodes at a time."""
    lag: int = 0
    """Steps by which the weights that play may be behind: 0 plays, then learns; 1 plays the next step while
    it learns from this one."""
    curriculum: Part = "uniform"
    """What is played next: a name of `turnwise.learn.curriculum`."""
    filter: str | None = None
    """Which groups are learned from: `varied`, `top_p=0.9` or `top_share=0.25`; see
    `turnwise.learn.curriculum.filters`."""

    credit: Part = "grpo"
    """How rewards become advantages: a name of `turnwise.learn.credit`."""
    loss: Part = "ppo"
    """What is minimised: a name of `turnwise.learn.losses`."""
    aggregation: Part = "token-mean"
    """What counts the same in the loss: tokens, turns or episodes; see
    `turnwise.learn.losses.aggregation`. Its setting `truncated` says what becomes of episodes that a limit
    cut off: `penalize` learns from them as from any other, `mask` takes them out of the loss, `renormalize`
    out of what it is divided by, too (Mini-o3's over-turn masking)."""
    correction: Part = "auto"
    """How tokens count that other weights sampled than those that learn: `tis`, `icepop`, `rejection` or
    `none`; `auto` is `tis` where `lag`, the engine or the curriculum lets them differ, else `none`."""
    kl: float = 0.0
    """Weight of the divergence from the weights the training began with (k3) in the loss."""

    epochs: int = 1
    """How often to go through the episodes of a step."""
    minibatches: int = 1
    """Into how many updates one such pass is cut, by episodes."""
    lr: float | Rate = 1e-6
    """Learning rate of AdamW; `{peak = 1e-6, warmup = 20}` rises to it in as many steps."""
    weight_decay: float = 0.0
    """Decoupled, as in AdamW."""
    clip: float = 1.0
    """Greatest norm of a gradient; a longer one is shortened."""
    critic_lr: float = 1e-5
    """Learning rate of the critic, where the credit method needs values."""

    eval_every: int = 0
    """Evaluate before the first step, after every so many, and after the last; 0 never does."""
    eval_settings: dict[str, Any] = {}
    """Settings of the environment that evaluation changes, e.g. `split`."""
    save_every: int = 10
    """Write a checkpoint after every so many steps, and after the last."""
    folder: str | None = None
    """Where checkpoints and the log go; by default `turnwise-train/RUN`."""

    @property
    def rate(self) -> Rate:
        """The learning rate, step by step."""
        return self.lr if isinstance(self.lr, Rate) else Rate(peak=self.lr)

    def __post_init__(self) -> None:
        _ = self.rate
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most or value == inf:
                until = "" if most == inf else f" and at most {most:g}"
                raise ConfigError(f"{name}: expected at least {least:g}{until}, got {value!r}")
        for name in ("temperature", "clip"):
            if not (value := getattr(self, name)) > 0:
                raise ConfigError(f"{name}: expected above 0, got {value!r}")
        if self.window is not None and self.window < 1:
            raise ConfigError(f"window: expected at least 1 message, got {self.window}")
        for name in ("engine", "curriculum", "credit", "loss", "aggregation", "correction"):
            named(getattr(self, name), name)
        if not self.model.startswith("hf/") and self.model:
            raise ConfigError(
                f"model: expected hf/FOLDER or hf/HUB-ID, got {self.model!r}: only a model whose weights are "
                f"here can be trained, others give text alone"
            )


class Named(NamedTuple):
    """A `Part`, taken apart."""

    name: str
    options: dict[str, Any]


def named(part: Part, key: str) -> Named:
    """The name and the settings of a part.

    Raises:
        ConfigError: it is a table without a name.
    """
    if isinstance(part, str):
        return Named(part, {})
    name = part.get("name")
    if not isinstance(name, str):
        raise ConfigError(f'{key}: expected a name, or a table with one: {key} = {{name = "…", …}}')
    return Named(name, {option: value for option, value in part.items() if option != "name"})


def check_choice(place: str, value: Any, known: Iterable[str]) -> None:
    """Refuse what is none of some names.

    Raises:
        ConfigError: naming the nearest, or all.
    """
    known = list(known)
    if value not in known:
        near = did_you_mean(str(value), known) or f"; there are {', '.join(known)}"
        raise ConfigError(f"{place}: there is no {value!r}{near}")


_PLAIN = (bool, int, float, str, type(None))
"""What a config can hold."""


def check_value(place: str, value: Any, wanted: Any) -> None:
    """Refuse a setting that is not of its type, where that is one that a config can hold.

    Args:
        place: The setting.
        value: Given for it.
        wanted: Its type.

    Raises:
        ConfigError: saying what was expected.
    """
    if get_origin(wanted) is Literal:
        check_choice(place, value, get_args(wanted))
    elif all(part in _PLAIN for part in get_args(wanted) or [wanted]):
        try:
            msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            reason = str(error)
            raise ConfigError(f"{place}: {reason[0].lower()}{reason[1:]}") from None


_RANGES: dict[str, tuple[float, float]] = {
    "max_tokens": (1, inf),
    "steps": (1, inf),
    "tasks_per_step": (1, inf),
    "group": (1, inf),
    "concurrency": (1, inf),
    "lag": (0, 1),
    "kl": (0, inf),
    "epochs": (1, inf),
    "minibatches": (1, inf),
    "weight_decay": (0, inf),
    "critic_lr": (0, 1),
    "eval_every": (0, inf),
    "save_every": (1, inf),
}


def parse_training(raw: dict[str, Any], *, where: str = "config", text: str = "") -> TrainConfig:
    """`raw` as a `TrainConfig`.

    Raises:
        ConfigError: naming the place, the key and what was expected.
    """
    return parse(raw, TrainConfig, where=where, text=text)


def read_training(path: str | Path) -> dict[str, Any]:
    """The keys of a TOML file, validated except for what flags may still add.

    Raises:
        ConfigError: naming the file, the line, the key and what was expected.
    """
    return read_config(path, TrainConfig, needed={"environment": "", "model": ""})


@cache
def defaults() -> dict[str, Any]:
    """The value of each key that need not be given."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(TrainConfig):
        made = field.default_factory
        if made is not msgspec.NODEFAULT and callable(made):
            found[field.name] = made()
        elif field.default is not msgspec.NODEFAULT:
            found[field.name] = field.default
    return found


@cache
def helps() -> dict[str, str]:
    """What each key means, from the text below it."""
    source = ast.parse(textwrap.dedent(inspect.getsource(TrainConfig))).body[0]
    assert isinstance(source, ast.ClassDef)
    found: dict[str, str] = {}
    for field, told in zip(source.body, source.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(told, ast.Expr)
        ):
            found[field.target.id] = " ".join(str(ast.literal_eval(told.value)).split())
    return found

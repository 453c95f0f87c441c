"""What a training is, as data: one validated struct, from a TOML file, flags or Python, stored with the run.

The defaults are the vetted setting: name an environment and a model, and that is the algorithm.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, Literal

import msgspec

from turnwise.engine.config import AgentConfig, RunConfig, parse, read_config
from turnwise.errors import ConfigError
from turnwise.limits import Limits
from turnwise.model import Sampling


class TrainConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that decides what a training does."""

    environment: str
    """What is played: a registered name, or `file.py:Class`."""
    model: str
    """The policy to begin with: `hf/FOLDER` or `hf/HUB-ID`."""
    settings: dict[str, Any] = {}
    """Settings of the environment."""
    tasks: str | None = None
    """A `.jsonl` or `.parquet` file of tasks; by default the environment's own."""
    agents: dict[str, AgentConfig] = {}
    """Who fills the other roles."""
    role: str | None = None
    """The role that is trained; by default the environment's first."""
    limits: Limits = Limits()
    """Limits of an episode: `turns`, `tool_calls`, `tokens`, `cost`, `seconds`."""

    system: str | None = None
    """A system prompt of the policy's own."""
    temperature: float = 1.0
    """At which the policy samples, and at which its log-probabilities are taken."""
    max_tokens: int = 256
    """Most tokens of one reply."""
    lora: int | None = None
    """Rank of adapters to train instead of all weights."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of the weights; `auto` is bfloat16 on a GPU that has it, else float32."""

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

    credit: str = "grpo"
    """How rewards become advantages: a name of `turnwise.learn.credit`."""
    credit_options: dict[str, Any] = {}
    """Settings of that method, e.g. `gamma`."""
    loss: str = "ppo"
    """What is minimised: a name of `turnwise.learn.losses`."""
    loss_options: dict[str, Any] = {}
    """Settings of that loss, e.g. `high`."""
    aggregation: str = "token-mean"
    """What counts the same in the loss: tokens, turns or episodes; see
    `turnwise.learn.losses.aggregation`."""

    epochs: int = 1
    """How often to go through the episodes of a step."""
    minibatches: int = 1
    """Into how many updates one such pass is cut, by episodes."""
    lr: float = 1e-6
    """Learning rate of AdamW."""
    warmup: int = 0
    """Steps in which the learning rate rises to `lr`."""
    weight_decay: float = 0.0
    """Decoupled, as in AdamW."""
    clip: float = 1.0
    """Greatest norm of a gradient; a longer one is shortened."""
    critic_lr: float = 1e-5
    """Learning rate of the critic, where the credit method needs values."""
    micro_tokens: int = 8192
    """Most tokens in one forward pass of training."""
    checkpointing: bool = False
    """Compute activations anew in the backward pass instead of keeping them: less memory, a third slower."""

    eval_every: int = 0
    """Evaluate before the first step, after every so many, and after the last; 0 never does."""
    eval_settings: dict[str, Any] = {}
    """Settings of the environment that evaluation changes, e.g. `split`."""
    save_every: int = 10
    """Write a checkpoint after every so many steps, and after the last."""
    folder: str | None = None
    """Where checkpoints and the log go; by default `turnwise-train/RUN`."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < inf:
                raise ConfigError(f"{name}: expected at least {least}, got {value!r}")
        if self.temperature <= 0:
            raise ConfigError(f"temperature: expected above 0, got {self.temperature!r}")
        if not self.model.startswith("hf/") and self.model:
            raise ConfigError(
                f"model: expected hf/FOLDER or hf/HUB-ID, got {self.model!r}: only a model whose weights are "
                f"here can be trained, others give text alone"
            )

    def run_config(self, role: str) -> RunConfig:
        """How its episodes are played, as a run's config; the policy fills `role`."""
        sampling = Sampling(
            temperature=self.temperature, top_p=1.0, max_tokens=self.max_tokens, extra={"top_k": 0}
        )
        policy = AgentConfig(use=self.model, system=self.system, sampling=sampling)
        return RunConfig(
            environment=self.environment,
            settings=self.settings,
            agents={**self.agents, role: policy},
            tasks=self.tasks,
            seed=self.seed,
            limits=self.limits,
            concurrency=self.concurrency,
        )


_LEAST: dict[str, float] = {
    "max_tokens": 1,
    "lora": 1,
    "steps": 1,
    "tasks_per_step": 1,
    "group": 1,
    "concurrency": 1,
    "epochs": 1,
    "minibatches": 1,
    "lr": 0,
    "warmup": 0,
    "weight_decay": 0,
    "clip": 0,
    "critic_lr": 0,
    "micro_tokens": 1,
    "eval_every": 0,
    "save_every": 1,
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

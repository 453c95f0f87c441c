"""Losses by name: where each one is, and which tensors it needs."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from turnwise.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    import torch

    from turnwise.learn.losses.aggregation import Mode

LOSSES = {
    "archer_actor": "archer:actor",
    "archer_critic": "archer:critic",
    "archer_token_baseline": "archer:token_baseline",
    "cispo": "cispo:cispo",
    "dapo": "dapo:dapo",
    "distillation": "distillation:distillation",
    "dpo": "dpo:dpo",
    "dual_clip": "ppo:dual_clip",
    "epo": "epo:paper",
    "epo_code": "epo:code",
    "gmpo": "gmpo:gmpo",
    "gpg": "gpg:gpg",
    "gspo": "gspo:gspo",
    "ilql": "ilql:ilql",
    "kl": "kl:kl",
    "kto": "kto:kto",
    "mc_returns": "mc_returns:mc_returns",
    "on_policy_distillation": "distillation:on_policy",
    "ppo": "ppo:ppo",
    "recovery": "recovery:recovery",
    "refuel": "refuel:refuel",
    "rise": "rise:rise",
    "sapo": "sapo:sapo",
    "sft": "sft:sft",
    "value": "value:value",
}
"""Name of each loss: its file and its function."""

AGGREGATION: dict[str, Mode] = {
    "archer_actor": "seq-mean-token-sum",
    "archer_token_baseline": "token-mean",
    "cispo": "token-mean",
    "dapo": "token-mean",
    "dual_clip": "token-mean",
    "epo": "seq-mean-turn-mean",
    "epo_code": "seq-mean-turn-mean",
    "gmpo": "seq-mean-token-mean",
    "gpg": "token-mean",
    "gspo": "seq-mean-token-mean",
    "ilql": "token-mean",
    "mc_returns": "token-mean",
    "ppo": "token-mean",
    "sapo": "seq-mean-token-mean",
}
"""How the paper of each loss adds up tokens."""


def names() -> tuple[str, ...]:
    """The names of all losses."""
    return tuple(LOSSES)


def get(name: str) -> Callable[..., torch.Tensor]:
    """The loss called `name`.

    Raises:
        ConfigError: where there is no such loss (says the nearest names), or torch is not installed.
    """
    if name not in LOSSES:
        raise ConfigError(
            f"no loss is called {name!r}{did_you_mean(name, LOSSES)}; there are {', '.join(LOSSES)}"
        )
    module, function = LOSSES[name].split(":")
    try:
        return getattr(importlib.import_module(f"turnwise.learn.losses.{module}"), function)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ConfigError(f"the loss {name!r} needs torch: install turnwise[learn]") from None


def published_mode(name: str) -> Mode:
    """How the loss called `name` adds up tokens in its paper; `token-mean` where it says nothing."""
    get(name)
    return AGGREGATION.get(name, "token-mean")


def inputs(name: str) -> tuple[str, ...]:
    """The tensors the loss cannot do without, by parameter name: those that have no default."""
    parameters = inspect.signature(get(name)).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.default is parameter.empty)

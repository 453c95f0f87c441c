"""Published estimators, run from their own source where a checkout is there, to time and check against.

Checkouts lie below the folder `TURNWISE_PEERS` (see README.md):

    git clone https://github.com/volcengine/verl $TURNWISE_PEERS/verl
    git clone https://github.com/RAGEN-AI/RAGEN $TURNWISE_PEERS/RAGEN
    git clone https://github.com/WujiangXu/EPO $TURNWISE_PEERS/EPO      # carries GiGPO's core_gigpo.py

Only the functions named are taken, so that nothing they do not use has to be installed.
"""

from __future__ import annotations
import __future__

import ast
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import torch

ROOT = Path(os.environ.get("TURNWISE_PEERS", "peers"))
CORE = "verl/verl/trainer/ppo/core_algos.py"
MASKS = ("masked_sum", "masked_mean", "masked_var", "masked_whiten")


def functions(path: str, *names: str, **more: Any) -> dict[str, Callable[..., Any]]:
    """These functions of a file, without their decorators; empty where the file or one of them is missing."""
    file = ROOT / path
    if not file.exists():
        return {}
    found = [
        node
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name in names
    ]
    for node in found:
        node.decorator_list = []
    space: dict[str, Any] = {"torch": torch, "np": np, "defaultdict": defaultdict, **more}
    flags = __future__.annotations.compiler_flag
    exec(compile(ast.Module(found, []), str(file), "exec", flags=flags, dont_inherit=True), space)
    return {name: space[name] for name in names} if all(name in space for name in names) else {}


def masks() -> SimpleNamespace:
    """verl's masked means and whitening."""
    return SimpleNamespace(**functions("verl/verl/utils/torch_functional.py", *MASKS))


def verl(name: str) -> Callable[..., Any] | None:
    """`compute_<name>` of verl's estimators."""
    return functions(CORE, f"compute_{name}", verl_F=masks()).get(f"compute_{name}")


def ragen() -> Callable[..., Any] | None:
    """RAGEN's bi-level GAE."""
    name = "compute_bi_level_gae_advantage_return"
    return functions("RAGEN/ragen/trainer/core_algos.py", name, verl_F=masks()).get(name)


def gigpo() -> dict[str, Callable[..., Any]]:
    """GiGPO and its discounted returns."""
    names = ("to_hashable", "build_step_group", "episode_norm_reward", "step_norm_reward")
    public = ("compute_gigpo_outcome_advantage", "compute_step_discounted_returns")
    uuid = SimpleNamespace(uuid4=uuid4)
    return functions("EPO/gigpo/core_gigpo.py", *names, *public, uuid=uuid)

"""What no engine goes on with: numbers that are none, and weights of another model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from turnwise.errors import ConfigError
from turnwise.learn.engine.protocol import TrainingError


def check_loss(value: float) -> None:
    """Refuse a loss that is no finite number.

    Raises:
        TrainingError: saying so.
    """
    if not np.isfinite(value):
        raise TrainingError(f"the loss is {value}: expected a finite number; no weight was moved")


def check_logprobs(logprobs: npt.NDArray[np.float32]) -> None:
    """Refuse log-probabilities that show broken weights.

    Raises:
        TrainingError: saying so.
    """
    if not np.isfinite(logprobs).all():
        raise TrainingError(
            "the policy gives a sampled token no finite log-probability: its weights are broken; "
            "go back to an earlier checkpoint and lower the learning rate"
        )


def check_weights(weights: Iterable[Tensor]) -> None:
    """Refuse weights that are not worth keeping.

    Raises:
        TrainingError: one is no finite number.
    """
    if not all(bool(weight.isfinite().all()) for weight in weights):
        raise TrainingError(
            "a weight is no finite number any more, no checkpoint was written: go back to an earlier one "
            "and lower the learning rate"
        )


def check_same(
    folder: Path, mine: Mapping[str, tuple[int, ...]], stored: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse a checkpoint of another model.

    Args:
        folder: Where it is.
        mine: The shape of each trained weight, by its name.
        stored: The same of the checkpoint.

    Raises:
        ConfigError: naming the first weight that differs.
    """
    for key in sorted(mine.keys() | stored.keys()):
        here, there = mine.get(key), stored.get(key)
        if here != there:
            raise ConfigError(
                f"checkpoint {folder} is of another model: its {key!r} is {there or 'missing'}, this one's "
                f"{here or 'missing'}; name the model it was made from, with the same lora"
            )

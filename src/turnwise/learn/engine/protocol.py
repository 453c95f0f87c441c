"""What a trainer asks of an engine: four operations and no more (the vocabulary is Tinker's).

    forward_backward(batch, loss)   log-probabilities of what was sampled; gradients are added up
    optim_step(lr=...)              one step along them
    sample(prompt, ...)             tokens and their log-probabilities
    sync / save / load              weights to whoever samples; everything to disk and back

Episodes sample through `policy`, the same weights as a `Model`: messages in, a sample out, its tokens and
log-probabilities with it. A loss sees one number a sampled token, whichever row, turn or episode it is in,
and says by `Scored.places` which ones: so one loss goes with every layout, and a micro-batch is a slice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from turnwise.errors import TurnwiseError
from turnwise.learn.batch import Batch
from turnwise.model import Model, Sampling

if TYPE_CHECKING:
    from torch import Tensor


class TrainingError(TurnwiseError):
    """Training cannot go on: a loss or a reward that is no number, nothing to learn from. Weights did not
    move."""


class Scored(NamedTuple):
    """A micro-batch as a loss sees it: `m` of the batch's M sampled tokens, in the batch's order."""

    logprobs: Tensor
    """`[m]` Under the weights as they are, with their gradient, at the temperature that was sampled at."""
    places: Tensor
    """`[m]` Which of the batch's sampled tokens they are, 0 … M-1."""
    entropy: Tensor | None = None
    """`[m]` Entropy of the distribution each was drawn from, where it was asked for."""


Loss: TypeAlias = Callable[[Scored], "Tensor"]
"""A micro-batch's part of the loss: the parts of all add up to the whole, so means divide by the whole's
counts."""


class Pass(NamedTuple):
    """What a pass over a batch found."""

    loss: float
    """Sum over micro-batches; 0 without a loss."""
    logprobs: npt.NDArray[np.float32]
    """`[M]` Of the sampled tokens."""
    entropy: npt.NDArray[np.float32] | None
    """`[M]` Where it was asked for."""


class Drawn(NamedTuple):
    """A sample."""

    tokens: list[int]
    logprobs: list[float]
    finish: str
    """`stop` or `length`."""


class Engine(Protocol):
    """One policy: its weights, its optimiser, and a sampler that has the weights of the last `sync`."""

    @property
    def policy(self) -> Model:
        """Who samples, as an agent's model; its samples carry token ids, log-probabilities and `version`."""
        ...

    @property
    def exact(self) -> bool:
        """Whether the same weights, tasks and seeds sample the same tokens, bit for bit."""
        ...

    def forward_backward(self, batch: Batch, loss: Loss | None, *, entropy: bool = False) -> Pass:
        """Score a batch, and add the loss's gradient to what `optim_step` will go along.

        Args:
            batch: Rows of any number and length; they are cut into micro-batches here.
            loss: None only scores.
            entropy: Work out entropies, too.

        Raises:
            TrainingError: the loss is no finite number; no gradient is kept.
        """
        ...

    def optim_step(self, *, lr: float, clip: float, weight_decay: float = 0.0) -> dict[str, float]:
        """One step along the gradients added up so far, which are then forgotten.

        Args:
            lr: Learning rate of this step.
            clip: Greatest norm of the gradient; a longer one is shortened.
            weight_decay: Decoupled, as in AdamW.

        Returns:
            `grad_norm` before it was shortened, and `skipped`: 1 where it was no finite number and the
            weights were left as they are.
        """
        ...

    async def sample(
        self, prompt: Sequence[int], sampling: Sampling, *, count: int = 1, seed: int | str = 0
    ) -> list[Drawn]:
        """`count` samples after the token ids `prompt`."""
        ...

    def sync(self, version: int) -> None:
        """Let sampling go on with the weights as they are now, under this policy version."""
        ...

    def save(self, folder: Path) -> None:
        """Write weights, optimiser and random state into a folder; it is there only when it is complete.

        Raises:
            TrainingError: a weight is no finite number; nothing was written.
        """
        ...

    def load(self, folder: Path) -> None:
        """Be as when `save` was called.

        Raises:
            ConfigError: it is no checkpoint, or one of another model; nothing was changed.
        """
        ...

    async def close(self) -> None:
        """Let go of threads and memory."""
        ...

"""A rank's share of a policy in training: FSDP2 around the network's layers, an optimiser over the shares.

Every rank holds a part of each weight in single precision, gathers a layer when it is computed with, in the
type that is computed in, and lets go of it afterwards. All methods are called on all ranks at once, and those
with arguments for rank 0 alone say so.

**The loss is evaluated on rank 0**, between the forward and the backward pass of each micro-batch: every rank
sends the log-probabilities of its tokens there, and gets the loss's derivative by each of them back, which is
all that its backward pass needs. One float a token goes each way, against a whole forward pass, and in return
no rank but 0 needs the loss, which is a closure over arrays and may be anything; no pass is computed twice,
as it would be if the loss wanted all tokens of the batch at once; and a loss sees the micro-batches of all
ranks as one, so that it is the same whatever the number of ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from turnwise.learn.engine.layout import Micro
from turnwise.learn.engine.network import Network, read, ready, score
from turnwise.learn.engine.ranks import Group, told

_save = cast(Any, state_dict_saver).save
_load = cast(Any, state_dict_loader).load
Column: TypeAlias = npt.NDArray[np.float32]
_OURS = StateDictOptions(ignore_frozen_params=True, strict=False)


class Said(NamedTuple):
    """What the network said of a rank's micro-batch."""

    logprobs: Column
    """`[m]` Of its sampled tokens."""
    entropy: Column | None
    """`[m]` Where it was asked for."""


class Slope(NamedTuple):
    """The loss's derivatives by what was said."""

    logprobs: Column
    entropy: Column | None


Verdict: TypeAlias = Slope | bool
"""What a rank does after its forward pass: go back along a slope; or nothing, if the loss does not depend on
it (True), or if the whole batch is to be given up (False)."""
Judge: TypeAlias = Callable[[int, list[Said]], Sequence[Verdict]]
"""On rank 0: what all ranks said in pass number n, to what each does now. Must not raise."""


class How(NamedTuple):
    """How a policy is trained, the same on all ranks."""

    dtype: torch.dtype
    """What is computed in."""
    reduce: torch.dtype
    """What gradients are added up over ranks in."""
    reshard: bool
    lora: int | None
    seed: int
    checkpointing: bool
    trees: bool
    temperature: float

    def read(
        self, model: str, device: str = "cpu", dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    ) -> Network:
        """The policy's network, whole.

        Raises:
            ConfigError: it cannot be loaded or trained.
        """
        return ready(
            model,
            read(model, device=device, dtype=dtype),
            lora=self.lora,
            seed=self.seed,
            checkpointing=self.checkpointing,
            share=self.trees,
        )


class Shard:
    """See the module.

    Args:
        group: This rank among all.
        whole: The network, whole and on the CPU; it is shared out here.
        how: See there.
    """

    def __init__(self, group: Group, whole: Network, how: How) -> None:
        self._group = group
        self._how = how
        self._network = whole
        self._module: Any = whole.module
        _distribute(self._module, group, how)
        self.weights = whole.trained()
        """This rank's part of each trained weight, by name; shapes are those of the whole."""
        self._optimizer = torch.optim.AdamW(list(self.weights.values()), lr=1e-3, betas=(0.9, 0.95))

    def forward_backward(
        self,
        learning: bool,
        entropy: bool,
        shares: Sequence[Sequence[Micro]] | None = None,
        judge: Judge | None = None,
    ) -> None:
        """Score micro-batches and, while learning, add up gradients.

        Args:
            learning: Whether there is a loss.
            entropy: Whether entropies are wanted.
            shares: On rank 0: the passes of each rank, equally many.
            judge: On rank 0.
        """
        passes = self._group.scatter(shares)
        with self._training(learning):
            for number, micro in enumerate(passes):
                scored = score(
                    self._network,
                    micro,
                    self._group.device,
                    temperature=self._how.temperature,
                    entropy=entropy,
                )
                every = self._group.gather(_said(*scored))
                verdict = self._group.scatter(
                    None if judge is None or every is None else judge(number, every)
                )
                if isinstance(verdict, Slope):
                    _go_back(scored, verdict)
                elif not verdict:
                    self._give_up()
                    return

    def step(self, lr: float, clip: float, weight_decay: float) -> dict[str, float]:
        """See `Engine.optim_step`."""
        moved = [weight for weight in self.weights.values() if weight.grad is not None]
        total: Any = nn.utils.get_total_norm([weight.grad for weight in moved if weight.grad is not None])
        # The norm of shared out gradients is known to each rank in part.
        total = total.full_tensor() if isinstance(total, DTensor) else total
        norm = float(total)
        good = bool(np.isfinite(norm))
        if good:
            nn.utils.clip_grads_with_norm_(moved, clip, total)
            for group in self._optimizer.param_groups:
                group["lr"], group["weight_decay"] = lr, weight_decay
            self._optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        self._optimizer.zero_grad()
        return {"grad_norm": norm, "skipped": float(not good)}

    def whole(self) -> Iterator[tuple[str, Tensor]]:
        """The trained weights, one after the other, each gathered whole, in the type that is computed in.

        All ranks must go through all of them.
        """
        for name, weight in self.weights.items():
            part: Any = weight.detach().to(self._how.dtype)
            yield name, part.full_tensor()

    def show(self) -> None:
        """Go through `whole` for the sake of rank 0."""
        for _ in self.whole():
            pass

    def save(self, folder: str) -> str | None:
        """Write weights and optimiser into a folder that all ranks see; what went wrong, the same on all."""
        return _said_alike(lambda: _save(self._state(), checkpoint_id=folder))

    def load(self, folder: str) -> str | None:
        """Be as when `save` was called, by however many ranks; what went wrong, the same on all ranks.

        Where something did, nothing was changed.
        """
        state = _copied(self._state())
        if (why := _said_alike(lambda: _load(state, checkpoint_id=folder))) is None:
            set_state_dict(
                self._module,
                self._optimizer,
                model_state_dict=state["model"],
                optim_state_dict=state["optimizer"],
                options=_OURS,
            )
            self._optimizer.zero_grad()
        return why

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """What `save` writes of the network: the names and shapes of the whole weights."""
        weights: dict[str, Any] = get_model_state_dict(self._module, options=_OURS)
        return {key: tuple(weight.shape) for key, weight in weights.items()}

    def _give_up(self) -> None:
        """Drop all gradients, and what a pass without its way back has left."""
        self._optimizer.zero_grad()
        self._module.reset_iter_state()

    def _state(self) -> dict[str, Any]:
        fresh = not self._optimizer.state
        model, optimizer = get_state_dict(self._module, self._optimizer, options=_OURS)
        if fresh:
            # torch made a state by a step along nothing, which is to count as none.
            for moments in self._optimizer.state.values():
                moments["step"].zero_()
        return {"model": model, "optimizer": optimizer}

    @contextmanager
    def _training(self, learning: bool) -> Generator[None]:
        try:
            with self._network.training(learning):
                yield
        finally:
            # The outermost weights stay gathered after a forward pass; a step would not show in them.
            self._module.reshard()


def _distribute(module: Any, group: Group, how: How) -> None:
    """Leave this rank a part of each weight, layer by layer, so that no more than one is here whole."""
    mesh = init_device_mesh(group.device.type, (group.size,))
    policy = MixedPrecisionPolicy(param_dtype=how.dtype, reduce_dtype=how.reduce)
    kinds: set[str] = set(module._no_split_modules or ())
    layers = [part for part in module.modules() if type(part).__name__ in kinds and part is not module]
    for part in (*layers, module):
        for weight in part.parameters():
            # Steps are too small for a number of half precision to add up.
            if weight.dtype is not torch.float32:
                weight.data = weight.data.float()
        fully_shard(part, mesh=mesh, mp_policy=policy, reshard_after_forward=how.reshard)
    for part in module.modules():
        if isinstance(part, FSDPModule):
            # A loss is a sum over all ranks' tokens, and so is its gradient, not a mean over ranks.
            part.set_gradient_divide_factor(1.0)
            part.set_force_sum_reduction_for_comms(True)


def _said(logprobs: Tensor, entropy: Tensor | None) -> Said:
    return Said(
        logprobs.detach().float().cpu().numpy(),
        None if entropy is None else entropy.detach().float().cpu().numpy(),
    )


def _go_back(scored: tuple[Tensor, Tensor | None], slope: Slope) -> None:
    """The backward pass along a slope."""
    ends = [
        (tensor, torch.as_tensor(along, device=tensor.device))
        for tensor, along in zip(scored, slope, strict=True)
        if tensor is not None and along is not None
    ]
    torch.autograd.backward([tensor for tensor, _ in ends], [along for _, along in ends])


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    """A state to read another into, so that what cannot be read whole leaves no trace."""
    return {key: _copy(value) for key, value in state.items()}


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return _copied(cast("dict[str, Any]", value))
    return value.clone() if isinstance(value, Tensor) else value


def _said_alike(act: Callable[[], object]) -> str | None:
    """Why reading or writing failed; torch tells all ranks when it does on one."""
    try:
        act()
    except CheckpointException as error:
        first: Any = next(iter(error.failures.values()))[0]
        return told(first)
    return None

"""The engine on any number of processes: FSDP2 and distributed checkpoints, gloo on CPUs, nccl on GPUs.

Rank 0 runs the trainer, owns the store and samples; the others obey (`ranks`). They are started in one of two
ways: by torchrun, where every process must call `obey` first, or by the engine itself, on this machine. What
a rank does with its share of the policy is in `shard`, how rows are dealt in `shares`.

Whoever samples has a copy of the whole weights, those of the last `sync`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import numpy as np
import torch
from torch import Tensor
from torch.distributed.checkpoint.filesystem import FileSystemReader

from turnwise.errors import ConfigError, TurnwiseError
from turnwise.learn.batch import Batch, Ints
from turnwise.learn.engine import ranks
from turnwise.learn.engine.layout import Layout, Micro
from turnwise.learn.engine.network import Network
from turnwise.learn.engine.options import TorchOptions
from turnwise.learn.engine.protocol import Drawn, Loss, Pass, Scored
from turnwise.learn.engine.refusals import check_logprobs, check_loss, check_same, check_weights
from turnwise.learn.engine.sampling import serving
from turnwise.learn.engine.sampling.protocol import Sampler, Weights
from turnwise.learn.engine.sampling.shared import SharedSampler
from turnwise.learn.engine.shard import Column, How, Said, Shard, Slope, Verdict
from turnwise.learn.engine.shares import shares
from turnwise.model import Model, Sampling
from turnwise.models.hf.options import HFOptions

STATE = "training"
"""The folder of a checkpoint that only training reads; the rest is a model for `hf/FOLDER`."""
_ABOUT = "about.json"


class TorchrunOptions(TorchOptions, frozen=True, kw_only=True):
    """How many processes, and how they load, compute and sample."""

    processes: int = 0
    """How many to start on this machine, 0 being one for each GPU; under torchrun, as many as it started."""
    backend: ranks.Backend = "auto"
    """How they talk: `nccl` on GPUs, `gloo` on CPUs; `auto` is nccl where each process has a GPU."""
    timeout: float = 600.0
    """Seconds that one process waits for another before training stops."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """What is computed in, `auto` being bfloat16 on GPUs that have it, else float32; weights are kept and
    moved in float32."""
    reduce: Literal["float32", "bfloat16"] = "float32"
    """What gradients are added up over processes in."""
    reshard: bool = True
    """Let go of a layer's gathered weights after its forward pass and gather them anew in the backward pass:
    less memory, more talk."""
    sampler: Literal["copy", "vllm", "sglang"] = "copy"
    """Who samples: a copy of the weights on rank 0, or a server, to which they are pushed as files."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("processes", 0), ("timeout", 1)):
            if not (value := getattr(self, name)) >= least:
                raise ConfigError(f"{name}: expected at least {least}, got {value!r}")


class TorchrunEngine:
    """See the module and `protocol.Engine`. Lives on rank 0.

    Args:
        model: Folder or hub id of a transformers model, which every process can read.
        options: See there.

    Raises:
        ConfigError: it cannot be loaded, sampled from or trained.
        TrainingError: the processes did not come together.
    """

    def __init__(self, model: str, *, options: TorchrunOptions | None = None) -> None:
        self.options = options = options or TorchrunOptions()
        how = _how(options)
        # What is wrong with the model shows before anybody else is asked to load it.
        self._network = how.read(model)
        self.tokenizer: Any = self._network.loaded.tokenizer
        self._ranks = ranks.lead(options.processes, options.backend, options.timeout)
        group = self._ranks.group
        best = "rectangles" if group.device.type == "cpu" else "lines"
        self._layout: Layout = best if options.layout == "auto" else options.layout
        self._dtype = how.dtype
        self._part = self._ranks.part()
        with self._ranks.ordered(self._part, "make", model, how):
            self._shard = Shard(group, self._network, how)
            self._ranks.await_all(self._part)
        try:
            self.sampler: Sampler = (
                self._copy(model, how) if options.sampler == "copy" else self._served(model)
            )
            """Who samples."""
        except BaseException:
            self._ranks.drop(self._part)
            raise

    @property
    def policy(self) -> Model:
        """See `Engine.policy`."""
        return self.sampler.policy

    @property
    def exact(self) -> bool:
        """See `Engine.exact`."""
        return self.sampler.exact

    def forward_backward(self, batch: Batch, loss: Loss | None, *, entropy: bool = False) -> Pass:
        """See `Engine.forward_backward`."""
        dealt = shares(batch, self._ranks.group.size, self.options.tokens, self._layout)
        bench = _Bench(dealt, loss, int(batch.sampled.sum()), entropy)
        learning = loss is not None
        with self._ranks.ordered(self._part, "forward_backward", learning, entropy):
            self._shard.forward_backward(learning, entropy, dealt, bench.judge)
        if bench.error is not None:
            raise bench.error
        return Pass(bench.total, bench.logprobs, bench.entropy)

    def optim_step(self, *, lr: float, clip: float, weight_decay: float = 0.0) -> dict[str, float]:
        """See `Engine.optim_step`."""
        with self._ranks.ordered(self._part, "step", lr, clip, weight_decay):
            return self._shard.step(lr, clip, weight_decay)

    async def sample(
        self, prompt: Sequence[int], sampling: Sampling, *, count: int = 1, seed: int | str = 0
    ) -> list[Drawn]:
        """See `Engine.sample`."""
        return await self.sampler.draw(prompt, sampling, count=count, seed=seed)

    def sync(self, version: int) -> None:
        """See `Engine.sync`. One weight after the other is whole for a moment, on every rank."""
        self._shown(lambda weights: self.sampler.sync(weights, version))

    def save(self, folder: Path) -> None:
        """See `Engine.save`. Every process writes its share into a folder that all must see.

        Raises:
            ConfigError: it cannot be written.
        """
        folder = folder.absolute()
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
        weights: dict[str, Tensor] = {}
        self._shown(lambda whole: weights.update((name, weight.cpu()) for name, weight in whole))
        check_weights(weights.values())
        shutil.rmtree(partial, ignore_errors=True)
        state = partial / STATE
        state.mkdir(parents=True)
        with self._ranks.ordered(self._part, "save", str(state)):
            why = self._shard.save(str(state))
        if why is not None:
            raise ConfigError(f"cannot write the checkpoint {folder}: {why}")
        self._network.save_as(partial, weights, self._dtype)
        (state / _ABOUT).write_bytes(msgspec.json.encode({"version": self.sampler.version}))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)

    def load(self, folder: Path) -> None:
        """See `Engine.load`. It may have been saved by another number of processes."""
        state = folder.absolute() / STATE
        version = _check(folder, state, self._shard.shapes())
        with self._ranks.ordered(self._part, "load", str(state)):
            why = self._shard.load(str(state))
        if why is not None:
            raise _unreadable(folder, why)
        self.sync(version)

    async def close(self) -> None:
        """End the sampler and, with the last engine, the processes that were started for it."""
        await self.sampler.close()
        await asyncio.to_thread(self._ranks.drop, self._part)

    def _shown(self, look: Callable[[Weights], object]) -> None:
        """Let somebody on rank 0 look at the whole weights; what he complains of is raised afterwards."""
        failed: TurnwiseError | None = None
        with self._ranks.ordered(self._part, "show"):
            weights = self._shard.whole()
            try:
                look(weights)
            except TurnwiseError as error:
                failed = error
            # The other ranks go through all of them, whatever was looked at.
            for _ in weights:
                pass
        if failed is not None:
            raise failed

    def _copy(self, model: str, how: How) -> Sampler:
        network = how.read(model, str(self._ranks.group.device), _NAMES[how.dtype])
        return _Gathered(model, network, self.options.sampling)

    def _served(self, model: str) -> Sampler:
        """A server, with the weights as they are now."""
        options = self.options
        served = serving.connect(options.sampler)(
            model,
            self._network.loaded,
            options.sampling,
            url=options.server,
            adapter=self._network.adapter,
            push="disk",
            folder=options.push_folder,
        )
        # That the server has got them is seen by another pass, when all ranks have gone through them.
        self._shown(lambda weights: serving.begin(served, self, weights, options.temperature))
        return served


def obey() -> bool:
    """What every process that torchrun starts must call before it does anything else.

    Returns:
        False on rank 0, and where there is no torchrun: go on, make engines, train. On other ranks it does
        what rank 0's engines ask for, and returns True when rank 0 ends: there is nothing left to do.
    """
    if not ranks.launched():
        return False
    if int(os.environ["RANK"]) == 0:
        ranks.dismiss()
        return False
    work()
    return True


def work() -> None:
    """Be a rank that is not 0, until rank 0 ends."""
    ranks.follow(_shard)


def _shard(group: ranks.Group, model: str, how: How) -> Shard:
    return Shard(group, how.read(model), how)


class _Bench:
    """Where the loss is evaluated, on what all ranks say of a pass.

    Args:
        dealt: The passes of each rank.
        loss: None only scores.
        count: Sampled tokens of the batch.
        entropy: Whether entropies are wanted.
    """

    def __init__(self, dealt: list[list[Micro]], loss: Loss | None, count: int, entropy: bool) -> None:
        self._dealt = dealt
        self._loss = loss
        self.total = 0.0
        self.logprobs = np.zeros(count, dtype=np.float32)
        self.entropy = np.zeros(count, dtype=np.float32) if entropy else None
        self.error: Exception | None = None
        """What went wrong, so that the batch was given up."""

    def judge(self, number: int, said: list[Said]) -> list[Verdict]:
        """See `shard.Judge`."""
        try:
            return self._judge([share[number].places for share in self._dealt], said)
        except Exception as error:
            self.error = error
            return [False] * len(said)

    def _judge(self, dealt: list[Ints], said: list[Said]) -> list[Verdict]:
        places = np.concatenate(dealt)
        logprobs = np.concatenate([one.logprobs for one in said])
        self.logprobs[places] = logprobs
        entropy = None
        if self.entropy is not None:
            entropy = np.concatenate([one.entropy for one in said if one.entropy is not None])
            self.entropy[places] = entropy
        slope = None if self._loss is None else self._slope(self._loss, places, logprobs, entropy)
        check_logprobs(logprobs)
        if slope is None:
            return [True] * len(said)
        ends = np.cumsum([len(one) for one in dealt])[:-1]
        parts = zip(*(_split(column, ends, len(said)) for column in slope), strict=True)
        return [Slope(*part) for part in parts]

    def _slope(self, loss: Loss, places: Ints, logprobs: Column, entropy: Column | None) -> Slope | None:
        """The loss's derivatives, in the order of `places`; None where it does not depend on them."""
        order = np.argsort(places)
        columns = [None if column is None else _leaf(column[order]) for column in (logprobs, entropy)]
        leaves = [leaf for leaf in columns if leaf is not None]
        with torch.enable_grad():
            value = loss(Scored(leaves[0], torch.as_tensor(places[order]), columns[1]))
        number = float(value.detach())
        check_loss(number)
        self.total += number
        if not value.requires_grad:
            return None
        found = cast("tuple[Tensor | None, ...]", torch.autograd.grad(value, leaves, allow_unused=True))
        if all(slope is None for slope in found):
            return None
        return Slope(*(_unsorted(slope, order) for slope in found), *([None] * (2 - len(found))))


def _leaf(column: Column) -> Tensor:
    return torch.as_tensor(column).requires_grad_()


def _unsorted(slope: Tensor | None, order: Ints) -> Column:
    """A derivative in the order in which ranks said it; 0 where there is none."""
    found = np.zeros(len(order), dtype=np.float32)
    if slope is not None:
        found[order] = slope.numpy()
    return found


def _split(column: Column | None, ends: Ints, count: int) -> Sequence[Column | None]:
    return [None] * count if column is None else np.split(column, ends)


class _Gathered(SharedSampler):
    """A network of its own that is sampled with; `sync` copies the gathered weights into it.

    Args:
        name: What to call the model.
        network: Whose trained weights are overwritten.
        options: How it samples.
    """

    def __init__(self, name: str, network: Network, options: HFOptions) -> None:
        self._weights = network.trained()
        for weight in self._weights.values():
            weight.requires_grad_(False)
        super().__init__(name, network.loaded, options)

    def changing(self) -> nullcontext[None]:
        """The trained weights are not those that are sampled with: nothing need rest."""
        return nullcontext()

    @torch.no_grad()
    def sync(self, weights: Weights, version: int) -> None:
        """Copy the weights; generation rests between two tokens meanwhile."""
        with self.policy.changing(str(version)):
            for key, weight in weights:
                self._weights[key].copy_(weight)


_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_NAMES: dict[torch.dtype, Literal["float32", "bfloat16"]] = {
    torch.float32: "float32",
    torch.bfloat16: "bfloat16",
}


def _how(options: TorchrunOptions) -> How:
    dtype = options.dtype
    if dtype == "auto":
        half = options.backend != "gloo" and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        dtype = "bfloat16" if half else "float32"
    return How(
        dtype=_TYPES[dtype],
        reduce=_TYPES[options.reduce],
        reshard=options.reshard,
        lora=options.lora,
        seed=options.seed,
        checkpointing=options.checkpointing,
        trees=options.layout == "trees",
        temperature=options.temperature,
    )


def _check(folder: Path, state: Path, mine: dict[str, tuple[int, ...]]) -> int:
    """Whether a checkpoint is of this model; the version of its policy.

    Raises:
        ConfigError: it is not, naming the first weight that differs, or it is none.
    """
    try:
        version = int(msgspec.json.decode((state / _ABOUT).read_bytes())["version"])
        entries: dict[str, Any] = FileSystemReader(state).read_metadata().state_dict_metadata
    except Exception as error:
        raise _unreadable(folder, ranks.told(error)) from None
    prefix = "model."
    stored = {
        key.removeprefix(prefix): tuple(entry.size)
        for key, entry in entries.items()
        if key.startswith(prefix) and hasattr(entry, "size")
    }
    check_same(folder, mine, stored)
    return version


def _unreadable(folder: Path, why: str) -> ConfigError:
    return ConfigError(f"checkpoint {folder}: cannot be read ({why})")

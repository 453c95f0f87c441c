"""The engine in this process: any transformers causal model, all of it or LoRA, on the CPU or one GPU.

Who samples is an option (`sampling`): by default the network that is trained, so there is nothing to copy and
`sync` only drops what was cached under the old weights; or a copy of it, or a server. Weights in half
precision are trained through masters in single precision (`_Masters`), because a small step added to a
bfloat16 number is lost.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch
from turnwise.learn.engine import network
from turnwise.learn.engine.layout import Layout, Micro, micro_batches
from turnwise.learn.engine.options import TorchOptions
from turnwise.learn.engine.protocol import Drawn, Loss, Pass, Scored
from turnwise.learn.engine.refusals import check_logprobs, check_loss, check_same, check_weights
from turnwise.learn.engine.sampling import serving
from turnwise.learn.engine.sampling.copied import CopySampler
from turnwise.learn.engine.sampling.protocol import Sampler
from turnwise.learn.engine.sampling.shared import SharedSampler
from turnwise.model import Model, Sampling
from turnwise.models.hf.loading import Loaded, adopt
from turnwise.models.hf.model import HFModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel

STATE = "training.pt"
"""The file of a checkpoint that only training reads; the rest of the folder is a model for `hf/FOLDER`."""

Result = TypeVar("Result")


class LocalOptions(TorchOptions, frozen=True, kw_only=True):
    """How to load, compute and sample in this process."""

    device: str = "auto"
    """A torch device; `auto` takes the first accelerator, else the CPU."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the weights; `auto` is bfloat16 on a GPU that has it, else float32."""
    sampler: Literal["shared", "copy", "vllm", "sglang"] = "shared"
    """Who samples: the trained weights themselves; a copy of them that an update does not touch, so that
    episodes and an update can overlap; or a server, to which weights are pushed after each step."""
    push: Literal["auto", "disk", "nccl"] = "auto"
    """How weights get to the server: as files that it reads, or from GPU to GPU; `auto` is files for adapters
    and on a CPU, else NCCL."""


class LocalEngine:
    """See the module and `protocol.Engine`.

    Args:
        model: Folder or hub id of a transformers model, or such a model itself.
        tokenizer: Of a model that is given itself.
        options: See there.

    Raises:
        ConfigError: it cannot be loaded, sampled from or trained.
    """

    def __init__(
        self, model: str | PreTrainedModel, tokenizer: Any = None, *, options: LocalOptions | None = None
    ) -> None:
        self.options = options = options or LocalOptions()
        name = model if isinstance(model, str) else "model"
        loaded = _loaded(model, tokenizer, options)
        self._device: torch.device = loaded.model.device
        best = "rectangles" if self._device.type == "cpu" else "lines"
        self._layout: Layout = best if options.layout == "auto" else options.layout
        automatic = options.layout == "auto" and best == "rectangles"
        self._network = network.ready(
            name,
            loaded,
            lora=options.lora,
            seed=options.seed,
            checkpointing=options.checkpointing,
            share=None if automatic else options.layout == "trees",
        )
        self._weights = self._network.trained()
        self._masters = _Masters(list(self._weights.values()))
        # One operation instead of a dozen a weight, where there is such a thing.
        fused = self._device.type in ("cpu", "cuda")
        self._optimizer = torch.optim.AdamW(self._masters.weights, lr=1e-3, betas=(0.9, 0.95), fused=fused)
        self.sampler: Sampler = self._sampler(name)
        """Who samples."""

    @property
    def module(self) -> Any:
        """The network that is trained and sampled from."""
        return self._network.module

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return self._network.loaded.tokenizer

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
        return self._compute(lambda: self._pass(batch, loss, entropy))

    def optim_step(self, *, lr: float, clip: float, weight_decay: float = 0.0) -> dict[str, float]:
        """See `Engine.optim_step`."""
        return self._compute(lambda: self._step(lr, clip, weight_decay))

    async def sample(
        self, prompt: Sequence[int], sampling: Sampling, *, count: int = 1, seed: int | str = 0
    ) -> list[Drawn]:
        """See `Engine.sample`."""
        return await self.sampler.draw(prompt, sampling, count=count, seed=seed)

    def sync(self, version: int) -> None:
        """See `Engine.sync`."""
        self.sampler.sync(self._weights.items(), version)

    def save(self, folder: Path) -> None:
        """See `Engine.save`. What is not for training alone is a model that `hf/FOLDER` loads."""
        check_weights(self._masters.weights)
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self._network.save(partial)
        state = {
            "weights": dict(zip(self._weights, self._masters.weights, strict=True)),
            "optimizer": self._optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "version": str(self.sampler.version),
        }
        with (partial / STATE).open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)

    def load(self, folder: Path) -> None:
        """See `Engine.load`."""
        try:
            state = torch.load(folder / STATE, map_location=self._device, weights_only=True)
            weights: dict[str, Tensor] = state["weights"]
        except (OSError, RuntimeError, KeyError, EOFError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"checkpoint {folder}: cannot be read ({type(error).__name__}: {reason})"
            ) from None
        mine, stored = (_shapes(one) for one in (self._weights, weights))
        check_same(folder, mine, stored)
        with torch.no_grad(), self.sampler.changing():
            for key, weight in zip(self._weights, self._masters.weights, strict=True):
                weight.copy_(weights[key])
            self._masters.publish()
        self._optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"].cpu())
        self.sync(int(state["version"]))

    async def close(self) -> None:
        """End the sampler's threads and connections."""
        await self.sampler.close()

    def _sampler(self, name: str) -> Sampler:
        """Who samples, with the weights as they are now."""
        options, loaded = self.options, self._network.loaded
        if options.sampler in _HERE:
            return _HERE[options.sampler](name, loaded, options.sampling)
        served = serving.connect(options.sampler)(
            name,
            loaded,
            options.sampling,
            url=options.server,
            adapter=self._network.adapter,
            push=options.push,
            folder=options.push_folder,
        )
        serving.begin(served, self, self._weights.items(), options.temperature)
        return served

    def _compute(self, work: Callable[[], Result]) -> Result:
        """Do work in the thread that samples, where sampling is done with this very network; see `aside`."""
        if self.options.sampler == "shared" and isinstance(self.policy, HFModel):
            return self.policy.run(work)
        return work()

    def _pass(self, batch: Batch, loss: Loss | None, entropy: bool) -> Pass:
        count = int(batch.sampled.sum())
        logprobs = np.zeros(count, dtype=np.float32)
        entropies = np.zeros(count, dtype=np.float32) if entropy else None
        total = 0.0
        try:
            with self._network.training(loss is not None):
                for micro in micro_batches(
                    batch, self.options.tokens, self._layout, share=self._network.trees
                ):
                    scored = self._score(micro, entropy)
                    logprobs[micro.places] = scored.logprobs.detach().cpu().numpy()
                    if entropies is not None and scored.entropy is not None:
                        entropies[micro.places] = scored.entropy.detach().cpu().numpy()
                    if loss is not None:
                        total += self._learn(loss(scored))
            check_logprobs(logprobs)
        except BaseException:
            # What is given up leaves nothing behind for the next step.
            self._masters.forget()
            raise
        return Pass(total, logprobs, entropies)

    def _step(self, lr: float, clip: float, weight_decay: float) -> dict[str, float]:
        weights = self._masters.collect()
        norm = float(nn.utils.clip_grad_norm_(weights, clip))
        good = np.isfinite(norm)
        if good:
            for group in self._optimizer.param_groups:
                group["lr"], group["weight_decay"] = lr, weight_decay
            with self.sampler.changing():
                cast(Any, self._optimizer).step()
                self._masters.publish()
        self._masters.forget()
        return {"grad_norm": norm, "skipped": float(not good)}

    def _score(self, micro: Micro, entropy: bool) -> Scored:
        """Log-probabilities of a micro-batch's sampled tokens."""
        found = network.score(
            self._network, micro, self._device, temperature=self.options.temperature, entropy=entropy
        )
        return Scored(found[0], torch.as_tensor(micro.places, device=self._device), found[1])

    def _learn(self, loss: Tensor) -> float:
        value = float(loss.detach())
        check_loss(value)
        if loss.requires_grad:
            loss.backward()  # pyright: ignore[reportUnknownMemberType]
            self._masters.gather()
        return value


class _Masters:
    """Weights as the optimiser sees them: in single precision, with gradients added up in it.

    Weights that are in single precision are their own masters.

    Args:
        weights: What is trained.
    """

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        self._trained = list(weights)
        self.weights = [
            weight if weight.dtype is torch.float32 else nn.Parameter(weight.detach().float())
            for weight in weights
        ]
        """The masters."""

    def gather(self) -> None:
        """Move gradients of half precision to the masters, where they add up without loss."""
        for weight, master in self._pairs():
            if weight.grad is not None:
                grad = weight.grad.float()
                master.grad = grad if master.grad is None else master.grad.add_(grad)
                weight.grad = None

    def collect(self) -> list[nn.Parameter]:
        """The masters that have a gradient."""
        return [master for master in self.weights if master.grad is not None]

    @torch.no_grad()
    def publish(self) -> None:
        """Round the masters into the weights that are computed with."""
        for weight, master in self._pairs():
            weight.copy_(master)

    def forget(self) -> None:
        """Drop all gradients."""
        for weight in (*self.weights, *self._trained):
            weight.grad = None

    def _pairs(self) -> list[tuple[nn.Parameter, nn.Parameter]]:
        pairs = zip(self._trained, self.weights, strict=True)
        return [(weight, master) for weight, master in pairs if weight is not master]


def _loaded(model: str | PreTrainedModel, tokenizer: Any, options: LocalOptions) -> Loaded:
    """The model on its device in its type."""
    if isinstance(model, str):
        return network.read(model, device=options.device, dtype=_dtype(options))
    if tokenizer is None:
        raise ConfigError("a model given as an object needs its tokenizer, too: give `tokenizer`")
    if options.device != "auto":
        model = cast("PreTrainedModel", cast(Any, model).to(options.device))
    return adopt("hf/model", model.eval(), tokenizer)


def _dtype(options: LocalOptions) -> Literal["float32", "bfloat16"]:
    if options.dtype != "auto":
        return options.dtype
    on_gpu = options.device.startswith("cuda") or (options.device == "auto" and torch.cuda.is_available())
    return "bfloat16" if on_gpu and torch.cuda.is_bf16_supported() else "float32"


_HERE = {"shared": SharedSampler, "copy": CopySampler}
"""Samplers in this process."""


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(weight.shape) for key, weight in weights.items()}

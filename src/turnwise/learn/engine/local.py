"""The engine in this process: any transformers causal model, all of it or LoRA, on the CPU or one GPU.

Who samples is an option (`sampling`): by default the network that is trained, so there is nothing to copy and
`sync` only drops what was cached under the old weights; or a copy of it, or a server. Weights in half
precision are trained through masters in single precision (`_Masters`), because a small step added to a
bfloat16 number is lost.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch
from turnwise.learn.engine import trees
from turnwise.learn.engine.layout import Layout, Micro, micro_batches
from turnwise.learn.engine.protocol import Drawn, Loss, Pass, Scored, TrainingError
from turnwise.learn.engine.sampling import serving
from turnwise.learn.engine.sampling.copied import CopySampler
from turnwise.learn.engine.sampling.protocol import Sampler
from turnwise.learn.engine.sampling.shared import SharedSampler
from turnwise.model import Model, Sampling
from turnwise.models.hf.aside import aside
from turnwise.models.hf.loading import Loaded, adopt, load
from turnwise.models.hf.model import HFModel
from turnwise.models.hf.options import HFOptions

if TYPE_CHECKING:
    from transformers import PreTrainedModel

STATE = "training.pt"
"""The file of a checkpoint that only training reads; the rest of the folder is a model for `hf/FOLDER`."""
_LORA_TARGETS = "all-linear"

Result = TypeVar("Result")


class LocalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to load, sample and train."""

    device: str = "auto"
    """A torch device; `auto` takes the first accelerator, else the CPU."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the weights; `auto` is bfloat16 on a GPU that has it, else float32."""
    lora: int | None = None
    """Rank of adapters to train instead of all weights; their scale is twice the rank."""
    checkpointing: bool = False
    """Compute activations anew in the backward pass instead of keeping them."""
    tokens: int = 8192
    """Most tokens in one forward pass of training, padding included."""
    layout: Literal["auto", "rectangles", "lines", "trees"] = "auto"
    """See `layout`; `auto` is, on a CPU, trees where rows share much of their tokens and the model takes
    them, else rectangles; on a GPU lines."""
    temperature: float = 1.0
    """At which episodes are sampled; log-probabilities are those of the distribution that was drawn from."""
    max_tokens: int = 256
    """Most tokens of one reply."""
    batch: int = 64
    """Most replies to sample at once."""
    seed: int = 0
    """Of adapters' first weights."""
    sampler: Literal["shared", "copy", "vllm", "sglang"] = "shared"
    """Who samples: the trained weights themselves; a copy of them that an update does not touch, so that
    episodes and an update can overlap; or a server, to which weights are pushed after each step."""
    server: str | None = None
    """Address of the server, such as `http://localhost:8000`."""
    push: Literal["auto", "disk", "nccl"] = "auto"
    """How weights get to the server: as files that it reads, or from GPU to GPU; `auto` is files for adapters
    and on a CPU, else NCCL."""
    push_folder: str | None = None
    """Where these files are written, a folder that the server sees under the same path; by default a
    temporary one, for a server on this machine."""


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
        self.module: Any = loaded.model
        """The network that is trained and sampled from."""
        self.tokenizer: Any = loaded.tokenizer
        self._adapter: Any = None
        if options.lora is not None:
            self._adapter = _with_lora(loaded.model, options)
        self._device: torch.device = loaded.model.device
        self._head = _head(f"hf/{name}", self.module)
        best = "rectangles" if self._device.type == "cpu" else "lines"
        self._layout: Layout = best if options.layout == "auto" else options.layout
        self._trees = False
        _without_dropout(self.module)
        if options.layout == "trees" or (options.layout == "auto" and best == "rectangles"):
            # Found out here, with the weights that were loaded, so that a resumed run finds the same.
            self._trees = aside(lambda: trees.fits(self.module))
        if options.layout == "trees" and not self._trees:
            raise ConfigError(
                f"model 'hf/{name}' ({type(self.module).__name__}) cannot be trained in trees: what it "
                f"computes is not full attention, or not by transformers' sdpa; leave `layout` at 'auto'"
            )
        if options.checkpointing:
            # The newer name of the same thing, where transformers has it.
            older = self.module.gradient_checkpointing_enable
            getattr(self.module, "activation_checkpointing_enable", older)({"use_reentrant": False})
        self._weights = {key: p for key, p in self.module.named_parameters() if p.requires_grad}
        self._masters = _Masters(list(self._weights.values()))
        # One operation instead of a dozen a weight, where there is such a thing.
        fused = self._device.type in ("cpu", "cuda")
        self._optimizer = torch.optim.AdamW(self._masters.weights, lr=1e-3, betas=(0.9, 0.95), fused=fused)
        self.sampler: Sampler = self._sampler(name, loaded)
        """Who samples."""

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
        if not all(bool(weight.isfinite().all()) for weight in self._masters.weights):
            raise TrainingError(
                "a weight is no finite number any more, no checkpoint was written: go back to an earlier one "
                "and lower the learning rate"
            )
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with _quiet():
            (self._adapter or self.module).save_pretrained(partial)
            self.tokenizer.save_pretrained(partial)
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
        _check_same(folder, self._weights, weights)
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

    def _sampler(self, name: str, loaded: Loaded) -> Sampler:
        """Who samples, with the weights as they are now."""
        options = self.options
        how = _sampling_options(options)
        if options.sampler in _HERE:
            return _HERE[options.sampler](name, loaded, how)
        served = serving.connect(options.sampler)(
            name,
            loaded,
            how,
            url=options.server,
            adapter=self._adapter,
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
        with self._training(loss is not None):
            for micro in micro_batches(batch, self.options.tokens, self._layout, share=self._trees):
                scored = self._score(micro, entropy)
                logprobs[micro.places] = scored.logprobs.detach().cpu().numpy()
                if entropies is not None and scored.entropy is not None:
                    entropies[micro.places] = scored.entropy.detach().cpu().numpy()
                if loss is not None:
                    total += self._learn(loss(scored))
        if not np.isfinite(logprobs).all():
            self._masters.forget()
            raise TrainingError(
                "the policy gives a sampled token no finite log-probability: its weights are broken; "
                "go back to an earlier checkpoint and lower the learning rate"
            )
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

    @contextmanager
    def _training(self, gradients: bool) -> Generator[None]:
        """Training's switches, turned back for sampling."""
        self.module.train(self.options.checkpointing and gradients)
        attention = trees.growing(self.module) if self._trees else nullcontext()
        try:
            with torch.set_grad_enabled(gradients), attention:
                yield
        finally:
            self.module.eval()

    def _score(self, micro: Micro, entropy: bool) -> Scored:
        """Log-probabilities of a micro-batch's sampled tokens; logits are made for these alone."""
        once, which = micro.once()
        logits = self._outputs(once).float()
        if self.options.temperature != 1:
            logits = logits / self.options.temperature
        every = torch.log_softmax(logits, dim=-1)
        chosen = every.gather(1, self._tensor(once.target)[:, None]).squeeze(1)
        spread = -(every.exp() * every).sum(-1) if entropy else None
        if which is not None:
            again = self._tensor(which)
            chosen = chosen.index_select(0, again)
            spread = None if spread is None else spread.index_select(0, again)
        return Scored(chosen, self._tensor(micro.places), spread)

    def _outputs(self, micro: Micro) -> Tensor:
        """`[m, outputs]` What the network's head says where sampled tokens are predicted, and only there."""
        predict = self._tensor(micro.predict)
        inputs: dict[str, Any] = {"input_ids": self._tensor(micro.ids), "use_cache": False}
        if micro.positions is not None:
            inputs["position_ids"] = self._tensor(micro.positions)
        if self._trees and micro.segments is not None:
            inputs |= trees.inputs(micro.segments, self._device)

        def only_needed(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
            return (args[0].flatten(0, 1).index_select(0, predict)[None],)

        hook = self._head.register_forward_pre_hook(only_needed)
        try:
            return self.module(**inputs).logits[0]
        finally:
            hook.remove()

    def _learn(self, loss: Tensor) -> float:
        value = float(loss.detach())
        if not np.isfinite(value):
            self._masters.forget()
            raise TrainingError(f"the loss is {value}: expected a finite number; no weight was moved")
        if loss.requires_grad:
            loss.backward()  # pyright: ignore[reportUnknownMemberType]
            self._masters.gather()
        return value

    def _tensor(self, array: Any) -> Tensor:
        return torch.as_tensor(array, device=self._device)


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
        with _quiet():
            return load(model, HFOptions(device=options.device, dtype=_dtype(options)))
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


def _sampling_options(options: LocalOptions) -> HFOptions:
    return HFOptions(
        max_tokens=options.max_tokens,
        max_batch=options.batch,
        keep_thoughts=True,
        lockstep=True,
        logprobs="raw" if options.temperature == 1 else "sampled",
    )


def _with_lora(model: Any, options: LocalOptions) -> Any:
    """Put adapters into the model; it is changed in place, and only they are trained."""
    try:
        import peft
    except ImportError:
        raise ConfigError("lora needs peft: install turnwise[learn]") from None
    rank = options.lora or 0
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=_LORA_TARGETS, task_type="CAUSAL_LM")
    torch.manual_seed(options.seed)  # pyright: ignore[reportUnknownMemberType]
    return peft.get_peft_model(model, config)


@contextmanager
def _quiet() -> Generator[None]:
    """No progress bars of transformers' own: a training says itself how it goes."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _head(full: str, module: Any) -> nn.Module:
    head = module.get_output_embeddings()
    if not isinstance(head, nn.Module):
        raise ConfigError(
            f"model {full!r} ({type(module).__name__}) has no output embeddings to train through"
        )
    return head


def _without_dropout(module: Any) -> None:
    """A policy is trained as it samples: with all its units."""
    parts: Iterable[Any] = module.modules()
    for part in parts:
        for name in ("p", "attention_dropout"):
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)


def _check_same(folder: Path, mine: dict[str, nn.Parameter], stored: dict[str, Tensor]) -> None:
    """Whether a checkpoint is of this model.

    Raises:
        ConfigError: naming the first weight that differs.
    """
    for key in sorted(mine.keys() | stored.keys()):
        here = tuple(mine[key].shape) if key in mine else None
        there = tuple(stored[key].shape) if key in stored else None
        if here != there:
            raise ConfigError(
                f"checkpoint {folder} is of another model: its {key!r} is {there or 'missing'}, this one's "
                f"{here or 'missing'}; name the model it was made from, with the same lora"
            )

"""A transformers model made ready for training, and what it says of a micro-batch's sampled tokens.

For engines that train with torch: nothing here knows of optimisers, samplers or ranks.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from turnwise.errors import ConfigError
from turnwise.learn.engine import trees
from turnwise.learn.engine.layout import Micro
from turnwise.models.hf.aside import aside
from turnwise.models.hf.loading import Loaded, load
from turnwise.models.hf.options import HFOptions


class Network(NamedTuple):
    """A model to train."""

    loaded: Loaded
    """The model on its device, with its tokenizer."""
    adapter: Any
    """peft's view of the model, where adapters are trained; else None."""
    head: nn.Module
    """What makes the last hidden state into logits."""
    trees: bool
    """Whether it may be fed lines of trees."""
    checkpointing: bool
    """Whether activations are computed anew in the backward pass."""

    @property
    def module(self) -> Any:
        """The `transformers.PreTrainedModel`."""
        return self.loaded.model

    def trained(self) -> dict[str, nn.Parameter]:
        """The weights that are trained, by name."""
        return {key: weight for key, weight in self.module.named_parameters() if weight.requires_grad}

    @contextmanager
    def training(self, gradients: bool) -> Generator[None]:
        """Training's switches, turned back for sampling.

        Args:
            gradients: Whether there will be a backward pass.
        """
        self.module.train(self.checkpointing and gradients)
        attention = trees.growing(self.module) if self.trees else nullcontext()
        try:
            with torch.set_grad_enabled(gradients), attention:
                yield
        finally:
            self.module.eval()

    def save(self, folder: Path) -> None:
        """Write a model for `hf/FOLDER`: the adapters alone where they alone are trained."""
        with quiet():
            (self.adapter or self.module).save_pretrained(folder)
            self.loaded.tokenizer.save_pretrained(folder)

    def save_as(self, folder: Path, weights: dict[str, Tensor], dtype: torch.dtype) -> None:
        """The same with other weights in the place of the trained ones.

        Args:
            folder: Where.
            weights: The trained weights, whole, under the names of `trained`.
            dtype: Their type.
        """
        with quiet():
            if self.adapter is None:
                self.module.save_pretrained(folder, state_dict=weights)
                # What stands there is the type of the weights that are trained.
                self.module.config.dtype = str(dtype).removeprefix("torch.")
                self.module.config.save_pretrained(folder)
            else:
                named = {f"base_model.model.{key}": weight for key, weight in weights.items()}
                self.adapter.save_pretrained(folder, state_dict=named)
            self.loaded.tokenizer.save_pretrained(folder)


def read(model: str, *, device: str, dtype: Literal["auto", "float32", "bfloat16"]) -> Loaded:
    """Load a model.

    Args:
        model: Folder or hub id.
        device: A torch device.
        dtype: Of the weights; `auto` is the type they are stored in.

    Raises:
        ConfigError: it cannot be loaded.
    """
    with quiet():
        return load(model, HFOptions(device=device, dtype=dtype))


def ready(
    name: str,
    loaded: Loaded,
    *,
    lora: int | None = None,
    seed: int = 0,
    checkpointing: bool = False,
    share: bool | None = False,
) -> Network:
    """Make a model ready for training, in place; the same arguments give the same weights in every process.

    Args:
        name: What to call it.
        loaded: The model.
        lora: Rank of adapters to train instead of all weights.
        seed: Of the adapters' first weights.
        checkpointing: Compute activations anew in the backward pass.
        share: Whether it will be fed lines of trees; None: if it takes them.

    Raises:
        ConfigError: it cannot be trained, or not in this way.
    """
    module: Any = loaded.model
    adapter = None if lora is None else _adapters(module, lora, seed)
    kind, head = type(module).__name__, module.get_output_embeddings()
    if not isinstance(head, nn.Module):
        raise ConfigError(f"model 'hf/{name}' ({kind}) has no output embeddings to train through")
    _without_dropout(module)
    # Found out here, with the weights that were loaded, so that a resumed run finds the same.
    fits = share is not False and aside(lambda: trees.fits(module))
    if share and not fits:
        raise ConfigError(
            f"model 'hf/{name}' ({kind}) cannot be trained in trees: what it computes is not full attention, "
            f"or not by transformers' sdpa; leave `layout` at 'auto'"
        )
    network = Network(loaded, adapter, head, fits, checkpointing)
    if not network.trained():
        raise ConfigError(f"model 'hf/{name}' has no weight to train: name the model under its adapters")
    if checkpointing:
        # The newer name of the same thing, where transformers has it.
        older = module.gradient_checkpointing_enable
        getattr(module, "activation_checkpointing_enable", older)({"use_reentrant": False})
    return network


def outputs(network: Network, micro: Micro, device: torch.device) -> Tensor:
    """`[m, outputs]` What the head says where sampled tokens are predicted, and only there."""
    predict = torch.as_tensor(micro.predict, device=device)
    inputs: dict[str, Any] = {"input_ids": torch.as_tensor(micro.ids, device=device), "use_cache": False}
    if micro.positions is not None:
        inputs["position_ids"] = torch.as_tensor(micro.positions, device=device)
    if micro.segments is not None:
        inputs |= trees.inputs(micro.segments, device)

    def only_needed(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (args[0].flatten(0, 1).index_select(0, predict)[None],)

    hook = network.head.register_forward_pre_hook(only_needed)
    try:
        return network.module(**inputs).logits[0]
    finally:
        hook.remove()


def score(
    network: Network, micro: Micro, device: torch.device, *, temperature: float, entropy: bool
) -> tuple[Tensor, Tensor | None]:
    """`[m]` Log-probabilities of a micro-batch's sampled tokens and, where asked for, `[m]` entropies; logits
    are made for these tokens alone, once for those that rows share."""
    once, which = micro.once()
    logits = outputs(network, once, device).float()
    if temperature != 1:
        logits = logits / temperature
    every = torch.log_softmax(logits, dim=-1)
    chosen = every.gather(1, torch.as_tensor(once.target, device=device)[:, None]).squeeze(1)
    spread = -(every.exp() * every).sum(-1) if entropy else None
    if which is not None:
        again = torch.as_tensor(which, device=device)
        chosen = chosen.index_select(0, again)
        spread = None if spread is None else spread.index_select(0, again)
    return chosen, spread


@contextmanager
def quiet() -> Generator[None]:
    """No progress bars of transformers' own: a training says itself how it goes."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _adapters(module: Any, rank: int, seed: int) -> Any:
    """Put adapters into the model; it is changed in place, and only they are trained."""
    try:
        import peft
    except ImportError:
        raise ConfigError("lora needs peft: install turnwise[learn]") from None
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
    return peft.get_peft_model(module, config)


def _without_dropout(module: Any) -> None:
    """A policy is trained as it samples: with all its units."""
    parts: Iterable[Any] = module.modules()
    for part in parts:
        for name in ("p", "attention_dropout"):
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)

"""A transformers model made ready for training, and what it says of a micro-batch's sampled tokens.

For engines that train in processes of their own: nothing here knows of optimisers, samplers or ranks.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from turnwise.errors import ConfigError
from turnwise.learn.engine.layout import Micro
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

    @property
    def module(self) -> Any:
        """The `transformers.PreTrainedModel`."""
        return self.loaded.model

    def save(self, folder: Path, weights: dict[str, Tensor], dtype: torch.dtype) -> None:
        """Write a model for `hf/FOLDER`: the adapters alone where they alone are trained.

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

    def trained(self) -> dict[str, nn.Parameter]:
        """The weights that are trained, by name."""
        return {key: weight for key, weight in self.module.named_parameters() if weight.requires_grad}


def read(
    model: str,
    *,
    device: str,
    dtype: Literal["auto", "float32", "bfloat16"],
    lora: int | None = None,
    seed: int = 0,
    checkpointing: bool = False,
) -> Network:
    """Load a model for training; the same arguments give the same weights in every process.

    Args:
        model: Folder or hub id.
        device: A torch device.
        dtype: Of the weights; `auto` is the type they are stored in.
        lora: Rank of adapters to train instead of all weights.
        seed: Of the adapters' first weights.
        checkpointing: Compute activations anew in the backward pass.

    Raises:
        ConfigError: it cannot be loaded or trained.
    """
    with quiet():
        loaded = load(model, HFOptions(device=device, dtype=dtype))
    adapter = None if lora is None else _adapters(loaded.model, lora, seed)
    head = loaded.model.get_output_embeddings()
    if not isinstance(head, nn.Module):
        kind = type(loaded.model).__name__
        raise ConfigError(f"model 'hf/{model}' ({kind}) has no output embeddings to train through")
    network = Network(loaded, adapter, head)
    if not network.trained():
        raise ConfigError(f"model 'hf/{model}' has no weight to train: name the model under its adapters")
    _without_dropout(loaded.model)
    if checkpointing:
        # The newer name of the same thing, where transformers has it.
        older = loaded.model.gradient_checkpointing_enable
        getattr(loaded.model, "activation_checkpointing_enable", older)({"use_reentrant": False})
    return network


def outputs(network: Network, micro: Micro, device: torch.device) -> Tensor:
    """`[m, outputs]` What the head says where sampled tokens are predicted, and only there."""
    predict = torch.as_tensor(micro.predict, device=device)
    inputs: dict[str, Any] = {"input_ids": torch.as_tensor(micro.ids, device=device), "use_cache": False}
    if micro.positions is not None:
        inputs["position_ids"] = torch.as_tensor(micro.positions, device=device)
    if micro.mask is not None:
        inputs["attention_mask"] = torch.as_tensor(micro.mask, device=device)[None, None]

    def only_needed(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (args[0].flatten(0, 1)[predict][None],)

    hook = network.head.register_forward_pre_hook(only_needed)
    try:
        return network.module(**inputs).logits[0]
    finally:
        hook.remove()


def score(
    network: Network, micro: Micro, device: torch.device, *, temperature: float, entropy: bool
) -> tuple[Tensor, Tensor | None]:
    """`[m]` Log-probabilities of a micro-batch's sampled tokens and, where asked for, `[m]` entropies."""
    logits = outputs(network, micro, device).float() / temperature
    every = torch.log_softmax(logits, dim=-1)
    chosen = every.gather(1, torch.as_tensor(micro.target, device=device)[:, None]).squeeze(1)
    return chosen, -(every.exp() * every).sum(-1) if entropy else None


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

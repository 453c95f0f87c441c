"""Loads weights and tokenizer, and finds out what generation needs to know of them."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from turnwise.errors import ConfigError
from turnwise.models.hf.aside import aside
from turnwise.models.hf.checkpoint import Checkpoint, reason_of
from turnwise.models.hf.options import HFOptions
from turnwise.models.options import sdk_of


class Loaded(NamedTuple):
    """A model ready to run."""

    model: Any
    """`transformers.PreTrainedModel` in evaluation mode, on its device."""
    tokenizer: Any
    rows: int | None
    """Token ids that the model has rows for, where it says so."""
    eos: frozenset[int]
    """Token ids that end a sample."""
    context: int | None
    """Most tokens of prompt and sample together, where the model has such a limit."""
    defaults: dict[str, float]
    """What the model's generation config says of `temperature`, `top_p` and `top_k`. Empty where it does
    not ask for sampling: then a call that says nothing either is answered greedily, as by `generate`."""


def load(name: str, options: HFOptions) -> Loaded:
    """Load `name`, a folder or a hub id.

    Raises:
        ConfigError: a package is missing, there is no such model, or it is of a kind that cannot run here.
    """
    full = f"hf/{name}"
    torch = sdk_of(full, "torch", "local")
    transformers = sdk_of(full, "transformers", "local")
    device = _device(full, torch, options.device)
    dtype = options.dtype if options.dtype == "auto" else getattr(torch, options.dtype)
    read: tuple[Any, Any, int | None] = aside(
        lambda: Checkpoint(full, name, options).read(transformers, dtype)
    )
    model, tokenizer, rows = read
    try:
        aside(lambda: model.to(device).eval())
    except RuntimeError as error:
        raise ConfigError(
            f"model {full!r} cannot be put on {str(device)!r} ({reason_of(error)}); name another by the "
            f"option 'device', or smaller weights by 'dtype'"
        ) from error
    return adopt(full, model, tokenizer, rows)


def adopt(full: str, model: Any, tokenizer: Any, rows: int | None = None) -> Loaded:
    """A model that is in memory already, on its device; it is not copied.

    Args:
        full: What errors call it.
        model: `transformers.PreTrainedModel`.
        tokenizer: Its tokenizer.
        rows: Token ids it has rows for; by default what its embeddings say.

    Raises:
        ConfigError: it is of a kind that cannot run here.
    """
    _check(full, sdk_of(full, "transformers", "local"), model)
    if rows is None:
        rows = getattr(model.get_input_embeddings(), "num_embeddings", None)
    generation = model.generation_config
    eos, defaults = _eos(full, tokenizer, generation), _defaults(full, generation)
    return Loaded(model, tokenizer, rows, eos, _context(model), defaults)


def _device(full: str, torch: Any, wanted: str) -> Any:
    if wanted == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return torch.device("cpu") if accelerator is None else accelerator
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"model {full!r}, option 'device': cannot use {wanted!r} ({reason})") from None
    return device


def _check(full: str, transformers: Any, model: Any) -> None:
    """Whether the model's past is keys and values by position and nothing else, which can be cut and joined.

    Raises:
        ConfigError: it is not.
    """
    known = {"DynamicLayer", "DynamicSlidingWindowLayer"}
    try:
        layers = transformers.DynamicCache(config=model.config).layers
    except Exception as error:
        raise ConfigError(
            f"model {full!r}: its config.json describes no keys and values ({reason_of(error)}); "
            f"put the config.json there that was saved with the weights"
        ) from error
    kinds = {type(layer).__name__ for layer in layers}
    if other := sorted(kinds - known):
        raise ConfigError(
            f"model {full!r} keeps more than keys and values ({', '.join(other)}), which hf/ cannot batch; "
            f"serve it, for instance with `transformers serve`, and name it openai/{full[3:]}"
        )
    if "position_ids" not in inspect.signature(model.forward).parameters:
        raise ConfigError(
            f"model {full!r} ({type(model).__name__}) takes no position_ids, which batches need; serve it "
            f"and name it openai/{full[3:]}"
        )


def _eos(full: str, tokenizer: Any, generation: Any) -> frozenset[int]:
    given: Any = generation.eos_token_id
    ids: list[Any] = [tokenizer.eos_token_id]
    ids += given if isinstance(given, list) else [given]
    for token in ids:
        if not isinstance(token, (int, type(None))):
            raise ConfigError(
                f"model {full!r}, generation_config.json: eos_token_id must be token ids, not {token!r}"
            )
    return frozenset(token for token in ids if token is not None)


def _context(model: Any) -> int | None:
    limit = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    return int(limit) if isinstance(limit, int) and limit > 0 else None


def _defaults(full: str, generation: Any) -> dict[str, float]:
    if not generation.do_sample:
        return {}
    defaults = {"temperature": 1.0}
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(generation, name, None)
        if value is None:
            continue
        if not isinstance(value, (int, float)):
            raise ConfigError(
                f"model {full!r}, generation_config.json: {name} must be a number, not {value!r}"
            )
        defaults[name] = float(value)
    return defaults

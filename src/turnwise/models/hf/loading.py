"""Loads weights and tokenizer, and finds out what generation needs to know of them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, NamedTuple

from turnwise.errors import ConfigError
from turnwise.models.hf.options import HFOptions
from turnwise.models.options import sdk_of


class Loaded(NamedTuple):
    """A model ready to run."""

    model: Any
    """`transformers.PreTrainedModel` in evaluation mode, on its device."""
    tokenizer: Any
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
    if (name.startswith((".", "/", "~")) or name.count("/") > 1) and not Path(name).expanduser().is_dir():
        raise ConfigError(f"model {full!r}: there is no folder {name!r}")
    source = str(Path(name).expanduser()) if name.startswith("~") else name
    common = {"revision": options.revision, "trust_remote_code": options.trust_remote_code}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **common)
        dtype = options.dtype if options.dtype == "auto" else getattr(torch, options.dtype)
        model = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=dtype, **common)
    except (OSError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"model {full!r} cannot be loaded: {reason}") from error
    model = model.to(device).eval()
    _check(full, transformers, model)
    generation = model.generation_config
    return Loaded(model, tokenizer, _eos(tokenizer, generation), _context(model), _defaults(generation))


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
    kinds = {type(layer).__name__ for layer in transformers.DynamicCache(config=model.config).layers}
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


def _eos(tokenizer: Any, generation: Any) -> frozenset[int]:
    given = generation.eos_token_id
    ids = [given] if isinstance(given, int) else list(given or ())
    if tokenizer.eos_token_id is not None:
        ids.append(tokenizer.eos_token_id)
    return frozenset(int(token) for token in ids)


def _context(model: Any) -> int | None:
    limit = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    return int(limit) if isinstance(limit, int) and limit > 0 else None


def _defaults(generation: Any) -> dict[str, float]:
    if not generation.do_sample:
        return {}
    given = {name: getattr(generation, name, None) for name in ("temperature", "top_p", "top_k")}
    return {"temperature": 1.0} | {name: float(value) for name, value in given.items() if value is not None}

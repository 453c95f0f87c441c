"""Engines by name: where each one is, and its options, which a training's config gives as `engine`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import msgspec

from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn.config import TrainConfig, check_value, named

if TYPE_CHECKING:
    from turnwise.learn.engine.protocol import Engine

ENGINES = {
    "local": "local:LocalEngine:LocalOptions",
    "torchrun": "torchrun:TorchrunEngine:TorchrunOptions",
    "tinker": "tinker:TinkerEngine:TinkerOptions",
}
"""Name of each engine: its file, its class, and the class of its options."""


def options(config: TrainConfig) -> Any:
    """The options of a config's engine: what the config itself says, and what stands under `engine`.

    Raises:
        ConfigError: there is no such engine or option, or a package that it needs is not installed.
    """
    part = named(config.engine, "engine")
    known = _load(part.name, config.model)[1]
    given: dict[str, Any] = {
        "temperature": config.temperature,
        "max_tokens": config.max_tokens,
        "batch": config.concurrency,
        "seed": config.seed,
    }
    own = [field.name for field in msgspec.structs.fields(known) if field.name not in given]
    for key in part.options:
        if key not in own:
            near = did_you_mean(key, own) or f"; it has {', '.join(own)}"
            raise ConfigError(f"engine.{key}: unknown key{near}")
    if config.lag and "sampler" in own:
        # Who plays while it learns must not see weights that are half moved.
        given["sampler"] = "copy"
        if part.options.get("sampler") == "shared":
            raise ConfigError(
                "engine.sampler: with lag 1 the weights move while episodes are played, expected another "
                "than 'shared'"
            )
    types = {field.name: field.type for field in msgspec.structs.fields(known)}
    for key, value in part.options.items():
        check_value(f"engine.{key}", value, types[key])
    try:
        return msgspec.convert({**given, **part.options}, known)
    except ConfigError as error:
        # What the struct says of one of its keys.
        raise ConfigError(f"engine.{error}") from None


def engine_of(config: TrainConfig) -> Engine:
    """A config's engine with its model.

    Raises:
        ConfigError: it cannot be made.
    """
    wanted = options(config)
    made = _load(named(config.engine, "engine").name, config.model)[0]
    return made(config.model.removeprefix("hf/"), options=wanted)


def _load(name: str, model: str) -> tuple[Any, Any]:
    """The class of an engine, and that of its options."""
    if name not in ENGINES:
        near = did_you_mean(name, ENGINES) or f"; there are {', '.join(ENGINES)}"
        raise ConfigError(f"engine: there is no {name!r}{near}")
    from turnwise.models.options import sdk_of

    sdk_of(model, "torch", "learn")
    file, *classes = ENGINES[name].split(":")
    module = importlib.import_module(f"turnwise.learn.engine.{file}")
    made, wanted = (getattr(module, found) for found in classes)
    return made, wanted

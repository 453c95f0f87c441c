"""Reads the folder of a tiny policy, as `save_pretrained` writes it. What does not fit is one line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from turnwise.errors import ConfigError, did_you_mean
from turnwise.models.hf.loading import Loaded
from turnwise.models.tiny import safetensors
from turnwise.models.tiny.llama import Llama, Shape, tensors
from turnwise.models.tiny.template import TEMPLATE
from turnwise.models.tiny.tokenizer import Tokenizer, Words

SHIPPED = Path(__file__).parent / "weights"
"""Where the policies are that come with the package."""
_Json = TypeVar("_Json")


class _Rope(msgspec.Struct):
    rope_type: str = "default"
    rope_theta: float = 10000.0


class _Config(msgspec.Struct):
    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    rms_norm_eps: float = 1e-6
    rope_theta: float = 10000.0
    rope_parameters: _Rope | None = None
    rope_scaling: Any = None
    hidden_act: str = "silu"
    tie_word_embeddings: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    eos_token_id: int | list[int] | None = None


class _Generation(msgspec.Struct):
    eos_token_id: int | list[int] | None = None
    do_sample: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None


class _TokenizerConfig(msgspec.Struct):
    eos_token: str | dict[str, Any] | None = None
    chat_template: str | None = None


class Policy(NamedTuple):
    """A policy ready to run."""

    network: Llama
    loaded: Loaded
    """What rendering needs to know of it."""
    version: str
    """Fingerprint of its weights."""


def find(name: str) -> Path:
    """The folder of a shipped policy or the folder that `name` is.

    Raises:
        ConfigError: neither is there.
    """
    shipped = {file.parent.name: file.parent for file in SHIPPED.glob("*/config.json")}
    folder = shipped.get(name) or Path(name).expanduser()
    if not (folder / "config.json").is_file():
        near = did_you_mean(name, shipped) or f"; shipped: {', '.join(sorted(shipped))}"
        raise ConfigError(
            f"model 'tiny/{name}': neither a policy that is shipped nor a folder with config.json, "
            f"model.safetensors and tokenizer.json{near}"
        )
    return folder


def read(folder: Path) -> Policy:
    """Everything in a folder.

    Raises:
        ConfigError: a part is missing, broken or of another kind, or the parts do not belong together.
    """
    config = _json(folder / "config.json", _Config)
    shape = _shape(folder / "config.json", config)
    generation = folder / "generation_config.json"
    said = _json(generation, _Generation) if generation.exists() else _Generation(config.eos_token_id)
    tokenizer = Tokenizer(folder / "tokenizer.json", _words(folder))
    if len(tokenizer) > shape.vocabulary:
        raise ConfigError(
            f"{folder}: its tokenizer has {len(tokenizer)} tokens, its model {shape.vocabulary} rows; put "
            f"the tokenizer.json there that was saved with the weights"
        )
    file = folder / "model.safetensors"
    network = Llama(shape, _weights(file, shape))
    eos = frozenset([*_many(tokenizer.eos_token_id), *_many(said.eos_token_id)])
    loaded = Loaded(None, tokenizer, shape.vocabulary, eos, shape.context, _defaults(said))
    return Policy(network, loaded, hashlib.sha256(file.read_bytes()).hexdigest()[:12])


def _weights(file: Path, shape: Shape) -> dict[str, Any]:
    found, asked = safetensors.read(file), tensors(shape)
    for name, size in asked.items():
        if name not in found:
            raise ConfigError(f"{file}: lacks {name!r}, which its config.json asks for: copy both again")
        if found[name].shape != size:
            raise ConfigError(
                f"{file}: {name!r} has the size {found[name].shape}, its config.json asks for {size}; put "
                f"the config.json there that was saved with it"
            )
    return {name: found[name] for name in asked}


def _shape(path: Path, config: _Config) -> Shape:
    rope = config.rope_parameters or _Rope(rope_theta=config.rope_theta)
    for what, there in (
        (f"a model of type {config.model_type!r}", config.model_type != "llama"),
        (f"the activation {config.hidden_act!r}", config.hidden_act != "silu"),
        (f"rotary positions of type {rope.rope_type!r}", rope.rope_type != "default"),
        ("rope_scaling", config.rope_scaling is not None),
        ("biases", config.attention_bias or config.mlp_bias),
    ):
        if there:
            raise ConfigError(f"{path}: {what} is none that runs here: name the model hf/{path.parent}")
    heads = config.num_attention_heads
    shape = Shape(
        vocabulary=config.vocab_size,
        hidden=config.hidden_size,
        inner=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=heads,
        groups=config.num_key_value_heads or heads,
        width=config.head_dim or config.hidden_size // max(1, heads),
        context=config.max_position_embeddings,
        theta=rope.rope_theta,
        epsilon=config.rms_norm_eps,
        tied=config.tie_word_embeddings,
    )
    if min(shape[:10]) <= 0 or shape.heads % shape.groups or shape.width % 2:
        raise ConfigError(
            f"{path}: expected sizes above 0, heads in groups of one size and an even head_dim, got {shape}"
        )
    return shape


def _words(folder: Path) -> Words:
    config = _json(folder / "tokenizer_config.json", _TokenizerConfig)
    eos = config.eos_token["content"] if isinstance(config.eos_token, dict) else config.eos_token
    jinja = folder / "chat_template.jinja"
    template = jinja.read_text() if jinja.exists() else config.chat_template
    if template is not None and template.strip() != TEMPLATE:
        raise ConfigError(
            f"{folder}: its chat template is none of turnwise.learn.tiny, and templates in Jinja are not run "
            f"here: name the model hf/{folder}"
        )
    return Words(eos, template)


def _json(path: Path, kind: type[_Json]) -> _Json:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: {error}; put the file there that was saved with the weights") from None


def _many(ids: int | list[int] | None) -> list[int]:
    return [] if ids is None else [ids] if isinstance(ids, int) else ids


def _defaults(said: _Generation) -> dict[str, float]:
    if not said.do_sample:
        return {}
    given = {"temperature": said.temperature, "top_p": said.top_p, "top_k": said.top_k}
    return {"temperature": 1.0} | {name: value for name, value in given.items() if value is not None}

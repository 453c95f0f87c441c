"""A Llama in numpy: RMS norm, rotary positions, grouped heads, SwiGLU (Touvron et al. 2023, Shazeer 2020).

What can be multiplied into the weights once is: the norms' factors into the matrices behind them, the scale
of the scores into the queries, the half of the sigmoid into the gates. The two halves that a rotation turns
into each other are laid side by side, so that a head is complex numbers and a rotation one multiplication.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Shape(NamedTuple):
    """Sizes of a network."""

    vocabulary: int
    hidden: int
    inner: int
    """Width between gate and down projection."""
    layers: int
    heads: int
    groups: int
    """Heads of keys and values, each for `heads / groups` heads of queries."""
    width: int
    """Of a head."""
    context: int
    """Most tokens."""
    theta: float
    """Base of the rotary frequencies."""
    epsilon: float
    """Of the norms."""
    tied: bool
    """Whether the head is the embedding."""


def tensors(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Name and size of each tensor, as transformers saves a `LlamaForCausalLM`."""
    hidden, keys = shape.hidden, shape.groups * shape.width
    layer = {
        "input_layernorm": (hidden,),
        "self_attn.q_proj": (shape.heads * shape.width, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, shape.heads * shape.width),
        "post_attention_layernorm": (hidden,),
        "mlp.gate_proj": (shape.inner, hidden),
        "mlp.up_proj": (shape.inner, hidden),
        "mlp.down_proj": (hidden, shape.inner),
    }
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (shape.vocabulary, hidden)}
    for number in range(shape.layers):
        found |= {f"model.layers.{number}.{name}.weight": size for name, size in layer.items()}
    found["model.norm.weight"] = (hidden,)
    if not shape.tied:
        found["lm_head.weight"] = (shape.vocabulary, hidden)
    return found


class Cache:
    """Keys and values of one sequence, with room to grow.

    Args:
        shape: Of the network.
    """

    def __init__(self, shape: Shape) -> None:
        self.length = 0
        """Tokens in it."""
        self._shape = shape
        self.data: Array = np.zeros((shape.layers, 2, shape.groups, 0, shape.width), np.float32)
        """`[layers, keys and values, groups, slots, width]`"""

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.data.nbytes

    def reserve(self, length: int) -> None:
        """Have room for `length` tokens."""
        slots = self.data.shape[3]
        if length <= slots:
            return
        grown = np.zeros((*self.data.shape[:3], max(length, 2 * slots, 64), self._shape.width), np.float32)
        grown[:, :, :, : self.length] = self.data[:, :, :, : self.length]
        self.data = grown


class _Layer(NamedTuple):
    """Matrices of one layer, inputs by outputs."""

    attend: Array
    """Queries, keys and values of a token."""
    joined: Array
    gated: Array
    """Gate and up projection."""
    down: Array


class Llama:
    """See the module.

    Args:
        shape: Its sizes.
        weights: By the names of `tensors`, of the sizes there.
    """

    def __init__(self, shape: Shape, weights: Mapping[str, Array]) -> None:
        self.shape = shape
        self._embedding = weights["model.embed_tokens.weight"]
        self._layers = [_layer(shape, weights, f"model.layers.{n}.") for n in range(shape.layers)]
        head = self._embedding if shape.tied else weights["lm_head.weight"]
        self._head = _inputs_first(head * weights["model.norm.weight"])
        self._turns = _turns(shape)
        self._mean, self._epsilon = np.float32(1 / shape.hidden), np.float32(shape.epsilon)
        self._one = np.float32(1)

    def feed(self, ids: Sequence[int], cache: Cache) -> Array:
        """Logits of the token behind `ids`, which follow what is in `cache` and are added to it.

        Args:
            ids: One token or more.
            cache: Of the sequence; with `ids` it holds at most `shape.context` tokens.

        Returns:
            `[vocabulary]`
        """
        shape, count, begin = self.shape, len(ids), cache.length
        end = begin + count
        cache.reserve(end)
        turns = self._turns[begin:end, None]
        hidden: Array = self._embedding[np.asarray(ids)]
        # What a token must not see: those behind it.
        hides = None if count == 1 else np.triu(np.full((count, end), -np.inf, np.float32), begin + 1)
        for layer, past in zip(self._layers, cache.data, strict=True):
            mixed = (self._normed(hidden) @ layer.attend).reshape(count, -1, shape.width)
            turned = mixed[:, : -shape.groups].view(np.complex64) * turns
            turned = turned.view(np.float32)
            past[0, :, begin:end] = turned[:, shape.heads :].swapaxes(0, 1)
            past[1, :, begin:end] = mixed[:, -shape.groups :].swapaxes(0, 1)
            told = _attended(turned[:, : shape.heads], past[:, :, :end], hides)
            hidden += told @ layer.joined
            gated = self._normed(hidden) @ layer.gated
            half, up = gated[:, : shape.inner], gated[:, shape.inner :]
            # x * sigmoid(x) is h * (1 + tanh(h)) of its half h, which cannot overflow.
            hidden += (half * (np.tanh(half) + self._one) * up) @ layer.down
        cache.length = end
        return (self._normed(hidden[-1:]) @ self._head)[0]

    def _normed(self, hidden: Array) -> Array:
        squares: Array = np.add.reduce(hidden * hidden, axis=-1, keepdims=True)
        roots: Array = np.sqrt(squares * self._mean + self._epsilon)
        return np.divide(hidden, roots)


def _attended(queries: Array, past: Array, hides: Array | None) -> Array:
    """What each token is told by those it sees.

    Args:
        queries: `[tokens, heads, width]`, scaled.
        past: Keys and values, `[2, groups, slots, width]`.
        hides: Added to the scores, `[tokens, slots]`.

    Returns:
        `[tokens, heads * width]`
    """
    count, heads, width = queries.shape
    groups = past.shape[1]
    by_group = queries.reshape(count, groups, heads // groups, width).transpose(1, 2, 0, 3)
    scores = by_group.reshape(groups, -1, width) @ past[0].swapaxes(1, 2)
    if hides is not None:
        split = scores.reshape(groups, heads // groups, count, -1)
        split += hides
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    told = scores @ past[1]
    told /= np.add.reduce(scores, axis=-1, keepdims=True)
    return told.reshape(heads, count, width).swapaxes(0, 1).reshape(count, heads * width)


def _layer(shape: Shape, weights: Mapping[str, Array], name: str) -> _Layer:
    def matrix(part: str) -> Array:
        return weights[f"{name}{part}.weight"]

    before, after = matrix("input_layernorm"), matrix("post_attention_layernorm")
    queries = _paired(matrix("self_attn.q_proj"), shape.width) * np.float32(shape.width**-0.5)
    keys = _paired(matrix("self_attn.k_proj"), shape.width)
    attend = np.concatenate([queries, keys, matrix("self_attn.v_proj")])
    gated = np.concatenate([matrix("mlp.gate_proj") * np.float32(0.5), matrix("mlp.up_proj")])
    return _Layer(
        _inputs_first(attend * before),
        _inputs_first(matrix("self_attn.o_proj")),
        _inputs_first(gated * after),
        _inputs_first(matrix("mlp.down_proj")),
    )


def _inputs_first(matrix: Array) -> Array:
    return np.ascontiguousarray(matrix.T)


def _paired(matrix: Array, width: int) -> Array:
    """Rows of each head ordered 0, w/2, 1, w/2 + 1, …: what is turned into each other, side by side."""
    halves = matrix.reshape(-1, 2, width // 2, matrix.shape[1])
    return halves.swapaxes(1, 2).reshape(matrix.shape)


def _turns(shape: Shape) -> NDArray[np.complex64]:
    """The rotation of each pair at each position, `[context, width / 2]`, rounded as transformers does."""
    powers = np.arange(0, shape.width, 2, dtype=np.float32) / np.float32(shape.width)
    speeds = (1 / np.float32(shape.theta) ** powers).astype(np.float32)
    angles = np.arange(shape.context, dtype=np.float32)[:, None] * speeds
    return (np.cos(angles) + 1j * np.sin(angles)).astype(np.complex64)

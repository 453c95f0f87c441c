"""Networks of the Llama family, written out: on small ones, transformers' own code spends more time in Python
than in computing, because a token passes through hundreds of calls.

The network's own modules are called where it has weights (embeddings, linear layers, the head); so what is
trained, adapters put into it and the type of its numbers are as they are, and nothing is copied. Only what
lies between them is written out here. `Llama.find` takes the classes that are known to be alike, and a
network only where its own logits come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import nn
from torch.nn import functional

from turnwise.models.hf.linear import Linears, shared_places
from turnwise.models.hf.memory import Memory

if TYPE_CHECKING:
    from torch import Tensor

_CLASSES = {"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"}
_ROPES = {"default", "linear", "llama3", "yarn"}
"""Rotary embeddings whose angles do not depend on how long a sequence is."""
_GAP = 100.0
"""Most by which logits may differ from the network's own, in units of their type's precision: 1e-5 of their
size in single precision; in half precision no more than `_MOST_GAP`."""
_MOST_GAP = 0.05


class _Norm(NamedTuple):
    """Root mean square normalisation of the last axis."""

    weight: Tensor
    eps: float
    least: Tensor
    """`[1]` The same as `eps`."""

    @classmethod
    def of(cls, module: Any) -> _Norm:
        weight, eps = module.weight, module.variance_epsilon
        return cls(weight, eps, weight.detach().new_full((1,), eps))

    def __call__(self, x: Tensor) -> Tensor:
        if x.dtype is not torch.float32 or x.is_cuda:
            return functional.rms_norm(x, self.weight.shape, self.weight, self.eps)
        # On a CPU, the same in two thirds of the time.
        length: Tensor = cast(Any, torch.linalg).vector_norm(x, dim=-1, keepdim=True)
        scale = torch.addcmul(self.least, length, length, value=1 / x.shape[-1]).rsqrt_()
        return scale.mul(x).mul_(self.weight)


class _Layer(NamedTuple):
    """The parts of a layer in the order they are used."""

    before: _Norm
    project: Linears
    """Queries, keys and values."""
    query_norm: _Norm | None
    key_norm: _Norm | None
    out: Linears
    between: _Norm
    widen: Linears
    """The gate and what goes through it."""
    act: nn.Module
    narrow: Linears

    @classmethod
    def of(cls, block: Any, join: bool, shared: frozenset[int]) -> _Layer:
        attention, mlp = block.self_attn, block.mlp
        normed = hasattr(attention, "q_norm")
        return cls(
            before=_Norm.of(block.input_layernorm),
            project=Linears(attention.q_proj, attention.k_proj, attention.v_proj, join=join, shared=shared),
            query_norm=_Norm.of(attention.q_norm) if normed else None,
            key_norm=_Norm.of(attention.k_norm) if normed else None,
            out=Linears(attention.o_proj),
            between=_Norm.of(block.post_attention_layernorm),
            widen=Linears(mlp.gate_proj, mlp.up_proj, join=join, shared=shared),
            act=mlp.act_fn,
            narrow=Linears(mlp.down_proj),
        )


class Call(NamedTuple):
    """Where the tokens of a call belong: `rows` times `width` of them."""

    rows: int
    width: int
    slots: int
    """Slots that are looked at, from the first."""
    seats: slice | Tensor
    """Of the rows; a slice where they are side by side."""
    positions: Tensor | None
    """`[rows, width]`; None where all rows end at the last of `slots`, in seats side by side."""
    angles: Tensor
    """`[tokens or 1, 2, 1, head width]` See `Llama._table`."""
    mask: Tensor | None
    """`[rows or 1, 1, width, slots]` To add to attention's scores."""

    @property
    def causal(self) -> bool:
        """Whether each token attends to those of its row up to itself, and there is no past."""
        return self.width == self.slots > 1

    def write(self, kept: Tensor, fed: Tensor) -> None:
        """Put the tokens' keys and values where they belong.

        Args:
            kept: `[2, seats, heads, slots, head width]`.
            fed: `[tokens, 2, heads, head width]`.
        """
        fed = fed.view(self.rows, self.width, *fed.shape[1:])
        if self.positions is None:
            first = self.slots - self.width
            kept[:, self.seats, :, first : self.slots] = fed.permute(2, 0, 3, 1, 4)
            return
        seats = self.seats
        if isinstance(seats, slice):
            seats = torch.arange(seats.start, seats.stop, device=kept.device)
        kept[:, seats[:, None], :, self.positions] = fed

    def ends(self, last: Sequence[int]) -> tuple[Call, Tensor]:
        """The same with one token of each row alone, once its keys and values are written.

        Args:
            last: Which of its tokens, for each row.

        Returns:
            Where they belong, with no use for their angles, and which tokens they are.
        """
        which = torch.tensor(last, device=self.angles.device)
        if self.positions is not None:
            positions = self.positions.gather(1, which[:, None])
        else:
            positions = which[:, None] + (self.slots - self.width)
        at_end = self.positions is None and min(last) == self.width - 1
        mask = None if at_end else _mask(positions, self.slots, self.angles)
        tokens = torch.arange(self.rows, device=which.device) * self.width + which
        return self._replace(width=1, positions=positions, mask=mask), tokens


class Llama:
    """A network's parts, and how tokens pass through them.

    Args:
        model: `transformers.PreTrainedModel` of a class that `find` takes.
    """

    def __init__(self, model: Any) -> None:
        inner, attention = model.model, model.model.layers[0].self_attn
        self._heads: int = model.config.num_attention_heads
        self._key_heads: int = model.config.num_key_value_heads
        self._head_width: int = attention.head_dim
        self._scale: float = attention.scaling
        self._embed: Any = model.get_input_embeddings()
        self._model = model
        self._read(join=True)
        self._rotary: nn.Module = inner.rotary_emb
        self._zero = self._norm.weight.detach().new_zeros(1)
        self._table = self._norm.weight.new_empty(0)
        """`[slots, 2, 1, head width]` Each position's cosines and sines, the latter's first half negative."""

    @classmethod
    def find(cls, model: Any) -> Llama | None:
        """The network, if it is of the family and its own logits come out."""
        kind = cast("type[object]", type(model))
        config = model.config
        if kind.__name__ not in _CLASSES or not kind.__module__.startswith("transformers.models."):
            return None
        try:
            windows = config.sliding_window if hasattr(config, "sliding_window") else None
            if hasattr(config, "layer_types"):
                windows = "sliding_attention" in config.layer_types
            if windows or config.rope_parameters["rope_type"] not in _ROPES:
                return None
            found = cls(model)
            return found if found._agrees(model) else None
        except (AttributeError, KeyError, TypeError, RuntimeError):
            # A version of transformers in which the parts have other names or do other things.
            return None

    def _read(self, *, join: bool) -> None:
        """Take the network's weights as they are now; see `Linears` for `join`."""
        inner = self._model.model
        shared = shared_places(self._model)
        self._layers = [_Layer.of(block, join, shared) for block in inner.layers]
        self._norm = _Norm.of(inner.norm)
        self._head: nn.Module = self._model.get_output_embeddings()
        self._linears = [
            each for layer in self._layers for each in (layer.project, layer.out, layer.widen, layer.narrow)
        ]

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self._norm.weight.device

    def memory(self) -> Memory:
        """Memory for its keys and values."""
        like = self._norm.weight.detach()
        return Memory(like, layers=len(self._layers), heads=self._key_heads, width=self._head_width)

    def place(self, start: Sequence[int], width: int, seats: Sequence[int], memory: Memory) -> Call:
        """Where tokens belong.

        Args:
            start: Position of each row's first token; as many slots of its seat are looked at, too.
            width: Tokens of each row. A row that is shorter may hold anything behind its end: it is written
                to slots that are written again before they are looked at.
            seats: Of each row.
            memory: With these seats, and slots up to the greatest `start` plus `width`.
        """
        first, slots = min(start), max(start) + width
        in_line = list(seats) == list(range(seats[0], seats[0] + len(seats)))
        where = slice(seats[0], seats[0] + len(seats)) if in_line else torch.tensor(seats, device=self.device)
        positions = torch.tensor(start, device=self.device)[:, None] + torch.arange(width, device=self.device)
        ragged = first + width < slots
        masked = ragged or 1 < width < slots
        call = Call(
            rows=len(start),
            width=width,
            slots=slots,
            seats=where,
            positions=positions if ragged or not in_line else None,
            angles=self._table,
            mask=_mask(positions if ragged else positions[:1], slots, memory.data) if masked else None,
        )
        table = self._angles(memory.slots)
        flat = positions.flatten()
        return call._replace(angles=table[slots - 1 : slots] if width == 1 and not ragged else table[flat])

    def after(self, call: Call) -> Call:
        """Where the tokens belong that follow those of a call, which fed one a row."""
        slots = call.slots + 1
        table = self._angles(slots)
        if call.positions is None:
            return call._replace(slots=slots, angles=table[slots - 1 : slots])
        positions = call.positions + 1
        mask = None if call.mask is None else _mask(positions, slots, table)
        return call._replace(slots=slots, positions=positions, angles=table[positions[:, 0]], mask=mask)

    def __call__(self, ids: Tensor, call: Call, memory: Memory, last: Sequence[int] = ()) -> Tensor:
        """Feed tokens, and write their keys and values.

        Args:
            ids: `[tokens]` Row after row.
            call: Where they belong.
            memory: As `place` was given.
            last: Which of its tokens each row gives the logits of; of one token, that.

        Returns:
            Logits `[rows, vocabulary]`.
        """
        if any(each.stale() for each in self._linears):
            self._read(join=False)
        x: Tensor = self._embed(ids)
        turn = call.angles.unbind(1)
        end = len(self._layers) - 1 if call.width > 1 else -1
        for number, (layer, kept) in enumerate(zip(self._layers, memory.data.unbind(), strict=True)):
            every = self._project(layer, layer.before(x), turn)
            call.write(kept, every[:, self._heads :].view(-1, 2, self._key_heads, self._head_width))
            query = every[:, : self._heads]
            if number == end:
                # Behind the last layer's keys and values, nobody looks at the other tokens.
                call, which = call.ends(last)
                x, query = x[which], query[which]
            x = layer.out.add(x, self._attend(query, kept, call))
            gate, up = layer.widen(layer.between(x)).chunk(2, dim=1)
            x = layer.narrow.add(x, layer.act(gate).mul_(up))
        return self._head(self._norm(x))

    def _project(self, layer: _Layer, x: Tensor, turn: Sequence[Tensor]) -> Tensor:
        """Queries, keys and values of tokens, `[tokens, heads of all, head width]`."""
        queries, keys = self._heads, self._heads + self._key_heads
        every = layer.project(x).view(x.shape[0], -1, self._head_width)
        if layer.query_norm is not None and layer.key_norm is not None:
            every[:, :queries] = layer.query_norm(every[:, :queries])
            every[:, queries:keys] = layer.key_norm(every[:, queries:keys])
        _turn(every[:, :keys], *turn)
        return every

    def _attend(self, query: Tensor, kept: Tensor, call: Call) -> Tensor:
        """What queries `[tokens, heads, width]` find in `kept`, `[2, seats, heads, slots, width]`."""
        queries, heads, width = self._heads, self._key_heads, self._head_width
        seen = kept[:, call.seats, :, : call.slots]
        if call.width == 1:
            return self._look_back(query.reshape(call.rows, heads, -1, width), seen, call.mask)
        query = query.view(call.rows, call.width, queries, width).transpose(1, 2)
        if queries > heads:
            seen = seen.repeat_interleave(queries // heads, dim=2)
        found = functional.scaled_dot_product_attention(
            query, seen[0], seen[1], attn_mask=call.mask, is_causal=call.causal, scale=self._scale
        )
        return found.transpose(1, 2).reshape(call.rows * call.width, -1)

    def _look_back(self, query: Tensor, seen: Tensor, mask: Tensor | None) -> Tensor:
        """Attention of one token a row.

        Args:
            query: `[rows, heads, each, width]` The queries that share a key lie side by side, as if they were
                tokens.
            seen: `[2, rows, heads, slots, width]`.
            mask: See `Call`.

        Returns:
            `[rows, heads * each * width]`.
        """
        rows, heads, each, width = query.shape
        if query.dtype is not torch.float32 or query.is_cuda:
            found = functional.scaled_dot_product_attention(
                query, seen[0], seen[1], attn_mask=mask, scale=self._scale
            )
            return found.reshape(rows, -1)
        # On a CPU, fused attention is made for many tokens: three plain products take a fifth less time.
        keys, values = seen.flatten(1, 2).unbind()
        flat = query.reshape(rows * heads, each, width)
        scores = torch.baddbmm(self._zero, flat, keys.transpose(1, 2), beta=0, alpha=self._scale)
        if mask is not None:
            scores.view(rows, heads * each, -1).add_(mask[:, 0])
        return torch.bmm(scores.softmax(dim=-1), values).view(rows, -1)

    def _angles(self, slots: int) -> Tensor:
        """The table of angles, for as many positions as there are slots at least."""
        if self._table.shape[0] < slots:
            every = torch.arange(slots, device=self.device)[None]
            cos, sin = self._rotary(self._norm.weight, every)
            half = self._head_width // 2
            sin = torch.cat([-sin[..., :half], sin[..., half:]], dim=-1)
            self._table = torch.stack([cos[0], sin[0]], dim=1)[:, :, None]
        return self._table

    @torch.inference_mode()
    def _agrees(self, model: Any) -> bool:
        """Whether prompts, their continuations and single tokens have the network's own logits."""
        rows: int = self._embed.weight.shape[0]
        ids = (torch.arange(24, device=self.device) * 7919 % rows).view(2, 12)
        own: Tensor = model(input_ids=ids, use_cache=False).logits.float()
        memory = self.memory()
        memory.reserve(2, 12)
        cuts = ((0, 6), (6, 10), (10, 11), (11, 12))
        mine = [
            self(ids[:, a:b].flatten(), self.place([a, a], b - a, [0, 1], memory), memory, [b - a - 1] * 2)
            for a, b in cuts
        ]
        gap = torch.stack(mine, dim=1).float() - own[:, [b - 1 for _, b in cuts]]
        most = min(_GAP * torch.finfo(self._norm.weight.dtype).eps, _MOST_GAP)
        return bool(gap.square().sum().sqrt() <= most * own.square().sum().sqrt())


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> None:
    """Rotary position embedding of heads `[tokens, heads, width]`, in place: the pair (i, i + width / 2) is
    turned by the i-th angle of its position (Su et al. 2021, in the order of halves)."""
    other = x.roll(x.shape[-1] // 2, dims=-1)
    x.mul_(cos).addcmul_(other, sin)


def _mask(positions: Tensor, slots: int, like: Tensor) -> Tensor:
    """`[rows, 1, width, slots]` Minus infinity where a slot is in a token's future."""
    future = torch.arange(slots, device=like.device) > positions[:, :, None]
    return like.new_zeros(future.shape).masked_fill_(future, -torch.inf)[:, None]

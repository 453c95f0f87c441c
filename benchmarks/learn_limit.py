"""The limit: the same Llama with nothing around it, in plain torch. Rows of one length, a cache laid out
before, positions and keys written in place, one draw at temperature 1 a step, log-probabilities kept.

`generate` samples 16 x 64 tokens; `converse` does 8 turns with the cache kept between them; `step` is a whole
policy-gradient step. Each is what a program could do that need not know when sequences come and go.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from common import report
from learn_model import GROUP, NEW, ROWS, SAID, SEEN, TEXT, TURNS, network, timed, tokenizer


class Bare(nn.Module):
    """A Llama with fused projections; starts from the weights of transformers' one."""

    def __init__(self, source: Any, slots: int) -> None:
        super().__init__()
        shape = source.config
        self.heads, self.eps = shape.num_attention_heads, shape.rms_norm_eps
        self.width = shape.hidden_size // self.heads
        inner = source.model
        self.embedding = _own(inner.embed_tokens.weight)
        self.head, self.norm = _own(source.lm_head.weight), _own(inner.norm.weight)
        self.layers = nn.ModuleList(_layer(block) for block in inner.layers)
        rates = shape.rope_parameters["rope_theta"] ** (-torch.arange(0, self.width, 2) / self.width)
        angles = torch.arange(slots)[:, None] * rates.repeat(2)
        self.cos, self.sin = angles.cos().to(source.device), angles.sin().to(source.device)

    def empty(self, rows: int, slots: int) -> Tensor:
        """A cache, `[layers, 2, rows, heads, slots, width]`."""
        return self.norm.new_zeros(len(self.layers), 2, rows, self.heads, slots, self.width)

    def forward(self, ids: Tensor, start: int = 0, cache: Tensor | None = None, keep: int = 1) -> Tensor:
        """Logits after the last `keep` of `ids` `[rows, length]`, which begin at the position `start`."""
        rows, length = ids.shape
        end = start + length
        cos, sin = self.cos[start:end], self.sin[start:end]
        mask = None
        if start and length > 1:
            mask = torch.ones(length, end, dtype=torch.bool, device=ids.device).tril(start)
        x = functional.embedding(ids, self.embedding)
        for number, layer in enumerate(self.layers):
            h = functional.linear(self._normed(x, layer.before), layer.project)
            q, k, v = h.view(rows, length, 3, self.heads, self.width).permute(2, 0, 3, 1, 4)
            qk = torch.stack([q, k])
            low, high = qk.chunk(2, dim=-1)
            q, k = qk * cos + torch.cat([-high, low], dim=-1) * sin
            if cache is not None:
                cache[number, 0, :, :, start:end], cache[number, 1, :, :, start:end] = k, v
                k, v = cache[number, :, :, :, :end]
            causal = length > 1 and mask is None
            h = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
            x = x + functional.linear(h.transpose(1, 2).reshape(rows, length, -1), layer.out)
            gate, up = functional.linear(self._normed(x, layer.between), layer.widen).chunk(2, dim=-1)
            x = x + functional.linear(functional.silu(gate) * up, layer.narrow)
        return functional.linear(self._normed(x[:, -keep:], self.norm), self.head)

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(x, weight.shape, weight, self.eps)


def _own(*weights: Tensor) -> nn.Parameter:
    return nn.Parameter(torch.cat(weights).detach().clone())


def _layer(block: Any) -> nn.Module:
    layer, attention, mlp = nn.Module(), block.self_attn, block.mlp
    layer.before, layer.between = (
        _own(block.input_layernorm.weight),
        _own(block.post_attention_layernorm.weight),
    )
    layer.project = _own(attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight)
    layer.out = _own(attention.o_proj.weight)
    layer.widen, layer.narrow = _own(mlp.gate_proj.weight, mlp.up_proj.weight), _own(mlp.down_proj.weight)
    return layer


def draw(logits: Tensor) -> tuple[Tensor, Tensor]:
    """A token of each row by a race of exponentials, and its log-probability; both `[rows, 1]`."""
    logprobs = logits[:, -1].log_softmax(dim=-1)
    tokens = (logprobs.exp() / torch.empty_like(logprobs).exponential_()).argmax(dim=-1, keepdim=True)
    return tokens, logprobs.gather(1, tokens)


@torch.inference_mode()
def sample(model: Bare, fed: Tensor, start: int, cache: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Feed tokens, then sample `count` more; ids and log-probabilities `[rows, count]`."""
    ids, logprob = draw(model(fed, start, cache))
    start += fed.shape[1]
    tokens, logprobs = [ids], [logprob]
    for place in range(start, start + count - 1):
        ids, logprob = draw(model(ids, place, cache))
        tokens.append(ids)
        logprobs.append(logprob)
    return torch.cat(tokens, dim=1), torch.cat(logprobs, dim=1)


def measure(threads: int) -> dict[str, float]:
    """Milliseconds of each."""
    torch.set_num_threads(threads)
    words = tokenizer()
    source = network(len(words))
    prompt = torch.tensor([words(TEXT)["input_ids"]] * ROWS)
    length = prompt.shape[1]
    model = Bare(source, length + 2 * TURNS * (SAID + SEEN))
    seen = torch.randint(3, len(words), (ROWS, SEEN))
    cache, longer = (model.empty(ROWS, length + times * TURNS * (SAID + SEEN)) for times in (1, 2))
    check(source, model, torch.cat([prompt, seen], dim=1), cache)

    def converse(turns: int, cache: Tensor = cache) -> None:
        fed, start = prompt, 0
        for _ in range(turns):
            tokens, _ = sample(model, fed, start, cache, SAID)
            start += fed.shape[1] + SAID - 1
            # The last token was drawn, but not fed.
            fed = torch.cat([tokens[:, -1:], seen], dim=1)

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0, fused=True)

    def step() -> None:
        tokens, old = sample(model, prompt, 0, cache, NEW)
        learn(model, optimizer, prompt, tokens.clone(), old.clone())

    return {
        "generate_ms": timed(lambda: sample(model, prompt, 0, cache, NEW), 20) * 1e3,
        "turns_ms": timed(lambda: converse(TURNS), 3, warm=1) * 1e3,
        "twice_the_turns_ms": timed(lambda: converse(2 * TURNS, longer), 3, warm=1) * 1e3,
        "one_turn_ms": timed(lambda: converse(1), 10) * 1e3,
        "step_ms": timed(step, 12) * 1e3,
    }


def check(source: Any, model: Bare, ids: Tensor, cache: Tensor) -> None:
    """Whether it says what transformers' one says, with and without a past."""
    with torch.inference_mode():
        wanted = source(ids).logits
        half = ids.shape[1] // 2
        model(ids[:, :half], 0, cache)
        found = model(ids[:, half:], half, cache, keep=ids.shape[1] - half)
        assert (found - wanted[:, half:]).abs().max() < 1e-4
        assert (model(ids, keep=ids.shape[1]) - wanted).abs().max() < 1e-4


def learn(model: Bare, optimizer: Any, prompt: Tensor, tokens: Tensor, old: Tensor) -> None:
    """GRPO of one group baseline: a reward, its advantages, the clipped loss, and a step of the optimiser."""
    reward = (tokens == 72).sum(dim=1).float().view(-1, GROUP)
    centred = reward - reward.mean(dim=1, keepdim=True)
    advantage = (centred / (reward.std(dim=1, keepdim=True) + 1e-4)).view(-1, 1)
    logits = model(torch.cat([prompt, tokens], dim=1)[:, :-1], keep=NEW)
    logprobs = logits.log_softmax(dim=-1).gather(-1, tokens[..., None]).squeeze(-1)
    ratio = (logprobs - old).exp()
    loss = -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


if __name__ == "__main__":
    report(measure(int(sys.argv[1])))

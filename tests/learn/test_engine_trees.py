"""What rows share is computed once, and nothing else changes: log-probabilities and gradients are those of
rows alone."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from handmade import batch_with, row
from hypothesis import given, settings
from hypothesis import strategies as st

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import torch  # noqa: E402
import transformers  # noqa: E402

from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch  # noqa: E402
from turnwise.learn.engine import trees  # noqa: E402
from turnwise.learn.engine.branches import Branches, attend  # noqa: E402
from turnwise.learn.engine.layout import micro_batches  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.protocol import Scored  # noqa: E402
from turnwise.learn.pack import mask_of, pack, segments_of  # noqa: E402

torch.set_num_threads(1)
SMALL: dict[str, Any] = {
    "vocab_size": 262,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "pad_token_id": 1,
}


def engine(module: Any = None, **options: Any) -> LocalEngine:
    module = module if module is not None else tiny.policy(hidden=32, heads=2)
    return LocalEngine(module, tiny.tokenizer(), options=LocalOptions(device="cpu", **options))


def made(kind: str, **changes: Any) -> Any:
    """A small model of a kind, of random weights."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**(SMALL | changes))
    return transformers.AutoModelForCausalLM.from_config(config).eval()


def forks(rng: random.Random, *, prompt: int = 40, width: int = 3, levels: int = 3, tail: int = 9) -> Batch:
    """Forked episodes: at each of some levels every row so far is continued in `width` ways."""

    def draw(size: int) -> list[int]:
        return [rng.randrange(3, 260) for _ in range(size)]

    rows = [[(token, False) for token in draw(prompt)]]
    for level in range(levels):
        size = tail + 11 * (levels - 1 - level)
        rows = [old + row(draw(3), draw(rng.randrange(size, size + 9))) for old in rows for _ in range(width)]
    return batch_with(*rows)


def weighted(scored: Scored) -> torch.Tensor:
    """A loss in which each token has a weight of its own, so that a mix-up of tokens shows."""
    return (scored.logprobs * torch.sin(1.0 + scored.places)).sum()


def learned(made: LocalEngine, batch: Batch) -> tuple[Any, torch.Tensor]:
    """Log-probabilities and the gradient."""
    found = made.forward_backward(batch, weighted)
    gradient = [p.grad.flatten().float() for p in made.module.parameters() if p.grad is not None]
    return found.logprobs, torch.cat(gradient)


def same(one: LocalEngine, other: LocalEngine, batch: Batch, *, close: float = 1e-5) -> None:
    (here, gradient), (there, expected) = learned(one, batch), learned(other, batch)
    np.testing.assert_allclose(here, there, rtol=close, atol=close)
    assert gradient.shape == expected.shape
    assert float((gradient - expected).norm()) <= close * float(expected.norm())


def fed(made: LocalEngine, batch: Batch) -> int:
    """How many tokens the network sees in a pass over a batch."""
    seen: list[int] = []
    embeddings = made.module.get_input_embeddings()
    hook = embeddings.register_forward_hook(lambda module, args, out: seen.append(args[0].numel()))
    made.forward_backward(batch, None)
    hook.remove()
    return sum(seen)


lengths = st.integers(1, 45)
trees_of_rows = st.recursive(
    st.tuples(lengths, st.just(())),
    lambda inner: st.tuples(lengths, st.lists(inner, max_size=4)),
    max_leaves=9,
)


def grown(shape: Any, rng: random.Random) -> list[list[tuple[int, bool]]]:
    """Rows of a tree: from its root to each node. Where nothing is new, a row is twice there."""
    size, inner = shape
    own = [(rng.randrange(3, 260), number > 0 and rng.random() < 0.5) for number in range(size)]
    return [own, *(own + below for part in inner for below in grown(part, rng))]


@settings(deadline=None, max_examples=40)
@given(
    shapes=st.lists(trees_of_rows, min_size=1, max_size=3), twice=st.booleans(), tokens=st.integers(1, 400)
)
def test_any_trees_give_what_rows_alone_give(shapes: list[Any], twice: bool, tokens: int) -> None:
    rng = random.Random(tokens)
    rows = [made for shape in shapes for made in grown(shape, rng)]
    rows = [[*made, (5, True), (6, True)] for made in rows] * (2 if twice else 1)
    batch = batch_with(*rows)
    # Single precision: of a gradient whose parts cancel, less is left than of its rounding.
    same(engine(layout="trees", tokens=tokens), engine(layout="rectangles"), batch, close=1e-4)


@settings(deadline=None, max_examples=25)
@given(
    shapes=st.lists(trees_of_rows, min_size=1, max_size=4),
    least=st.integers(1, 30),
    wide=st.booleans(),
    long=st.booleans(),
)
def test_attention_along_branches_is_attention_under_a_mask(
    shapes: list[Any], least: int, wide: bool, long: bool
) -> None:
    rng = random.Random(least)
    rows = [[*made, (5, True)] for shape in shapes for made in grown(shape, rng)]
    if long:  # more scores than are made at once
        rows.append([(number % 250, True) for number in range(500)])
    batch = batch_with(*rows)
    (line,) = pack(batch, len(batch.ids), share=True, least=least)
    size = len(line.ids)
    random_numbers = torch.Generator().manual_seed(0)

    def drawn(depth: int) -> torch.Tensor:
        return torch.randn(2, size, depth, generator=random_numbers, dtype=torch.float64).requires_grad_()

    # Values of another depth than keys go another way (not torch's fused kernel).
    inputs = q, k, v = drawn(4), drawn(4), drawn(6 if wide else 4)
    weight = torch.randn(2, size, v.shape[2], generator=random_numbers, dtype=torch.float64)
    out = attend(q, k, v, Branches(segments_of(line.reach), torch.device("cpu")), 0.7).transpose(0, 1)
    scores = (q @ k.transpose(1, 2) * 0.7).masked_fill(~torch.tensor(mask_of(line.reach)), -torch.inf)
    expected = scores.softmax(-1) @ v
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)
    found = torch.autograd.grad((out * weight).sum(), inputs)
    for here, there in zip(found, torch.autograd.grad((expected * weight).sum(), inputs), strict=True):
        torch.testing.assert_close(here, there, rtol=0, atol=1e-11)


@pytest.mark.parametrize("options", [{"checkpointing": True}, {"lora": 4}, {"tokens": 600}])
def test_other_ways_of_training_go_with_trees(options: dict[str, Any]) -> None:
    if "lora" in options:
        pytest.importorskip("peft")
    batch = forks(random.Random(1))
    both = [engine(layout=layout, **options) for layout in ("trees", "rectangles")]
    if "lora" in options:  # else half of the adapters would have no gradient yet
        for one in both:
            for name, weight in one.module.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(1))
    same(both[0], both[1], batch)
    assert fed(both[0], batch) < fed(both[1], batch) / 2


def test_half_precision_is_as_near_as_it_is_in_rows() -> None:
    batch = forks(random.Random(2))
    exact, *halves = (
        engine(tiny.policy(hidden=32, heads=2).to(dtype), layout=layout)
        for dtype, layout in ((None, "rectangles"), (torch.bfloat16, "rectangles"), (torch.bfloat16, "trees"))
    )
    expected = exact.forward_backward(batch, weighted)
    norm = exact.optim_step(lr=0.0, clip=1.0)["grad_norm"]
    apart: list[float] = []
    for one in halves:
        apart.append(np.abs(one.forward_backward(batch, weighted).logprobs - expected.logprobs).max())
        assert one.optim_step(lr=0.0, clip=1.0)["grad_norm"] == pytest.approx(norm, rel=0.02)
    assert fed(halves[1], batch) < fed(halves[0], batch) / 2
    assert apart[1] <= 2 * apart[0]


@pytest.mark.parametrize("kind", ["Llama", "Qwen2", "Qwen3", "Mixtral", "GPT2", "Olmo2", "Phi3"])
def test_kinds_of_models_that_take_trees(kind: str) -> None:
    changes: dict[str, Any] = {"sliding_window": None} if kind in ("Mixtral", "Phi3") else {}
    if kind == "GPT2":
        changes = {"head_dim": None, "num_key_value_heads": None}
    batch = forks(random.Random(3))
    shared = engine(made(kind, **changes))
    assert fed(shared, batch) < len(batch.ids) / 2
    same(shared, engine(made(kind, **changes), layout="rectangles"), batch)


ODD: dict[str, dict[str, Any]] = {
    "Mistral": {"sliding_window": 24},
    "Gemma2": {"sliding_window": 24},
    "Gemma3Text": {"sliding_window": 24},
    "GptOss": {"num_local_experts": 2, "num_experts_per_tok": 1, "sliding_window": 24},
    "Llama4Text": {"attention_chunk_size": 16, "num_local_experts": 2},
}
"""Models that look at some of what came before only, or at more than that."""


@pytest.mark.parametrize("kind", ODD)
def test_other_models_are_trained_in_rows(kind: str) -> None:
    batch = forks(random.Random(4))
    module = made(kind, **ODD[kind])
    assert not trees.fits(module)
    with pytest.raises(ConfigError, match=r"cannot be trained in trees: .*leave `layout` at 'auto'"):
        engine(module, layout="trees")
    automatic = engine(made(kind, **ODD[kind]))
    assert fed(automatic, batch) >= len(batch.ids) - batch.rows
    same(automatic, engine(module, layout="rectangles"), batch)


def test_a_model_that_looks_elsewhere_is_found_out() -> None:
    module = tiny.policy(hidden=32, heads=2)
    assert trees.fits(module)
    inner = module.model.layers[1].mlp.forward
    torch.nn.init.zeros_(module.lm_head.weight)  # as a critic's is, so that no output shows it
    # Each token is given something of its neighbour in the line, which is another in a tree.
    module.model.layers[1].mlp.forward = lambda x: inner(x + 0.1 * x.roll(1, dims=1))
    assert not trees.fits(module)


def test_a_group_sampled_apart_shares_its_prompt() -> None:
    rng = random.Random(5)
    draw = [rng.randrange(3, 260) for _ in range(200)]
    tails = [[rng.randrange(3, 260) for _ in range(10 + number)] for number in range(6)]
    batch = batch_with(*(row(draw, tail) for tail in tails))
    assert fed(engine(), batch) == 200 + sum(len(tail) - 1 for tail in tails)
    apart = batch_with(*(row([number, *draw], tail) for number, tail in enumerate(tails)))
    assert fed(engine(), apart) >= len(apart.ids) - apart.rows


def test_forks_at_several_turns_are_computed_once_each() -> None:
    batch = forks(random.Random(6), width=4)
    # The prompt, then 4, 16 and 64 continuations: what is learned from are the last token but one of each.
    nodes = {
        tuple(batch.ids[a : a + n])
        for a, b in zip(batch.row_start, batch.row_start[1:], strict=False)
        for n in range(1, int(b - a))
    }
    assert fed(engine(), batch) == len(nodes)
    assert len(batch.ids) > 3 * len(nodes)


def test_what_forks_say_alike_is_worked_out_once() -> None:
    batch = forks(random.Random(9))
    shared, alone = engine(), engine(layout="rectangles")
    rows: list[int] = []
    shared.module.lm_head.register_forward_hook(lambda module, args, out: rows.append(args[0].numel() // 32))
    found, expected = (one.forward_backward(batch, None, entropy=True) for one in (shared, alone))
    np.testing.assert_allclose(found.logprobs, expected.logprobs, atol=1e-5)
    assert found.entropy is not None
    assert expected.entropy is not None
    np.testing.assert_allclose(found.entropy, expected.entropy, atol=1e-5)
    said = {
        tuple(batch.ids[begin : token + 1])
        for begin, end in zip(batch.row_start[:-1], batch.row_start[1:], strict=True)
        for token in range(begin, end)
        if batch.sampled[token]
    }
    assert sum(rows) == len(said) < batch.sampled.sum() / 2


def test_a_trained_tree_resumes_to_the_same_bits(tmp_path: Any) -> None:
    batch = forks(random.Random(7))

    def step(one: LocalEngine) -> None:
        one.forward_backward(batch, weighted)
        one.optim_step(lr=1e-2, clip=1.0)

    first = engine()
    step(first)
    first.save(tmp_path / "here")
    step(first)
    again = engine()
    again.load(tmp_path / "here")
    step(again)
    for one, other in zip(first.module.parameters(), again.module.parameters(), strict=True):
        assert torch.equal(one, other)


def test_sampling_goes_on_as_before() -> None:
    one = engine()
    before = one.module(input_ids=torch.arange(9)[None]).logits
    one.forward_backward(forks(random.Random(8)), None)
    assert one.module.config._attn_implementation == "sdpa"
    assert torch.equal(before, one.module(input_ids=torch.arange(9)[None]).logits)
    with trees.growing(one.module):
        assert torch.equal(before, one.module(input_ids=torch.arange(9)[None]).logits)


def test_only_what_is_learned_from_is_fed() -> None:
    batch = batch_with(row([1, 2, 3], [4, 5]) + row([6, 7], []), row([1, 2, 9], []), row([1, 8], [9]))
    for layout in ("trees", "lines"):
        (micro,) = micro_batches(batch, 100, layout)  # pyright: ignore[reportArgumentType]
        assert micro.ids.tolist() == [[1, 2, 3, 4, 1, 8]]
        assert (micro.predict.tolist(), micro.target.tolist()) == ([2, 3, 5], [4, 5, 9])

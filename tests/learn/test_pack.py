"""Packing changes no number: log-probabilities and gradients are those of each row alone."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from handmade import batch_with, row
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import Toy, babble, play, tokenizer, wild

from turnwise.agent import Agent
from turnwise.engine.fork import prefix
from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch
from turnwise.learn.pack import Line, mask_rule, pack, segments_of
from turnwise.learn.rows import batch_of

torch = pytest.importorskip("torch", reason="needs pip install 'turnwise[learn]'")
transformers = pytest.importorskip("transformers", reason="needs pip install 'turnwise[learn]'")


@pytest.fixture(scope="module")
def llama() -> Any:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer()),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        attn_implementation="sdpa",
    )
    return transformers.LlamaForCausalLM(config)


def forward(model: Any, line: Line) -> Any:
    """Log-probabilities of the whole vocabulary at each place of a line `[N, V]`."""
    mask = torch.tensor(line.mask())
    added = torch.zeros(mask.shape, dtype=model.dtype).masked_fill(~mask, torch.finfo(model.dtype).min)
    out = model(
        input_ids=torch.tensor(line.ids, dtype=torch.long)[None],
        position_ids=torch.tensor(line.position)[None],
        attention_mask=added[None, None],
        use_cache=False,
    )
    return out.logits[0].log_softmax(-1)


def scored(model: Any, batch: Batch, lines: list[Line]) -> Any:
    """Log-probability of each sampled token of the batch, 0 elsewhere `[T]`."""
    found = torch.zeros(len(batch.ids), dtype=model.dtype)
    for line in lines:
        tokens, slots = line.targets(batch, batch.sampled)
        ids = torch.tensor(batch.ids[tokens], dtype=torch.long)
        found = found.index_add(0, torch.tensor(tokens), forward(model, line)[torch.tensor(slots), ids])
    return found


def alone(model: Any, batch: Batch) -> Any:
    """The same, each row in a forward pass of its own."""
    found: list[Any] = []
    for begin, end in zip(batch.row_start[:-1], batch.row_start[1:], strict=True):
        ids = torch.tensor(batch.ids[begin:end], dtype=torch.long)[None]
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
        told = logits.gather(-1, ids[0, 1:, None])[:, 0]
        found += [torch.zeros(1, dtype=model.dtype), told]
    return torch.cat(found) * torch.tensor(batch.sampled)


def test_a_tree_by_hand() -> None:
    # Rows 5 6 7 8, 5 6 9 and 4: the first two begin alike.
    batch = batch_with(row([5, 6, 7], [8]), row([5, 6], [9]), row([3], [4]))
    (line,) = pack(batch, 10, share=True, least=2)
    assert line.ids.tolist() == [5, 6, 7, 8, 9, 3, 4]
    assert line.position.tolist() == [0, 1, 2, 3, 2, 0, 1]
    assert line.reach.tolist() == [5, 5, 4, 4, 5, 7, 7]
    assert line.start.tolist() == [0, 5, 7]
    assert line.rows.tolist() == [0, 1, 2]
    assert line.token.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert line.slot.tolist() == [0, 1, 2, 3, 0, 1, 4, 5, 6]
    assert not line.plain
    tokens, slots = line.targets(batch, batch.sampled)
    assert (tokens.tolist(), slots.tolist()) == ([3, 6, 8], [2, 1, 5])
    expected = [
        "x......",
        "xx.....",
        "xxx....",
        "xxxx...",
        "xx..x..",
        ".....x.",
        ".....xx",
    ]
    assert ["".join("x" if seen else "." for seen in seen_by) for seen_by in line.mask()] == expected


def test_rows_alone_are_blocks() -> None:
    batch = batch_with(row([5, 6, 7], [8]), row([5, 6], [9]), row([3], [4]))
    lines = pack(batch, 7)
    # The longest first, each where the least room is left that will do.
    assert [line.rows.tolist() for line in lines] == [[0, 1], [2]]
    line = lines[0]
    assert line.plain
    assert (line.start.tolist(), line.start.dtype) == ([0, 4, 7], np.int32)
    blocks = np.zeros((7, 7), dtype=bool)
    blocks[:4, :4] = np.tri(4)
    blocks[4:, 4:] = np.tri(3)
    assert np.array_equal(line.mask(), blocks)


def test_the_first_token_of_a_row_is_predicted_from_nothing() -> None:
    batch = batch_with(row([], [5, 6]), row([7], [8]))
    (line,) = pack(batch, 8)
    tokens, slots = line.targets(batch, batch.sampled)
    assert (tokens.tolist(), slots.tolist()) == ([1, 3], [0, 2])
    # Anything may be predicted, what was observed too.
    assert line.targets(batch, ~batch.sampled)[0].tolist() == []


def test_where_rows_fork_again_soon_they_fork_at_once() -> None:
    ends = [[1, 1], [1, 2], [2, 1], [2, 2, 2, 2], [2, 2, 2, 3]]
    batch = batch_with(*(row([5] * 8, end) for end in ends))
    # The first two share one token more than all five do, the last two three more.
    (line,) = pack(batch, 100, share=True, least=3)
    stretches = [
        [0, 8, 19],
        [8, 10, 10],
        [10, 12, 12],
        [12, 14, 14],
        [14, 17, 19],
        [17, 18, 18],
        [18, 19, 19],
    ]
    assert segments_of(line.reach).tolist() == stretches


def test_a_row_that_fits_nowhere_is_told() -> None:
    batch = batch_with(row([1, 2], [3]), row([1, 2, 3, 4], [5]))
    for share in (False, True):
        with pytest.raises(ConfigError, match=r"row 1 .episode 1. has 5 tokens, more than the budget of 4"):
            pack(batch, 4, share=share)
    assert pack(batch_of([]).batch, 4) == []


rows_strategy = st.lists(
    st.tuples(st.lists(st.integers(0, 1), min_size=1, max_size=8), st.integers(1, 5)), min_size=1, max_size=9
)


@settings(deadline=None, max_examples=200)
@given(rows=rows_strategy, more=st.integers(0, 40), share=st.booleans(), least=st.integers(1, 4))
def test_each_token_stands_once_and_sees_its_own_past(
    rows: list[tuple[list[int], int]], more: int, share: bool, least: int
) -> None:
    rng = random.Random(len(rows))
    batch = batch_with(*(row(list(ids), [rng.randrange(3) for _ in range(size)]) for ids, size in rows))
    budget = int(np.diff(batch.row_start).max()) + more
    lines = pack(batch, budget, share=share, least=least)
    assert sorted(number for line in lines for number in line.rows) == list(range(batch.rows))
    targets = [token for line in lines for token in line.targets(batch, batch.sampled)[0]]
    assert sorted(targets) == np.flatnonzero(batch.sampled).tolist()
    for line in lines:
        assert len(line.ids) <= budget
        assert np.array_equal(line.ids[line.slot], batch.ids[line.token])
        # What is shared is worth it: each stretch up to a fork has some length.
        assert all(stop - start >= least for start, stop, reach in segments_of(line.reach) if reach > stop)
        mask = line.mask()
        place = 0
        for number in line.rows:
            size = batch.row_start[number + 1] - batch.row_start[number]
            slots = line.slot[place : place + size]
            assert np.array_equal(line.position[slots], np.arange(size))
            for at, slot in enumerate(slots):
                # It attends to the tokens before it in its row, and to nothing else.
                assert np.array_equal(np.flatnonzero(mask[slot]), np.sort(slots[: at + 1]))
            place += size
        if share and len(lines) == 1 and least == 1:
            beginnings = {
                tuple(batch.ids[begin : begin + at + 1])
                for begin, end in zip(batch.row_start[:-1], batch.row_start[1:], strict=True)
                for at in range(end - begin)
            }
            assert len(line.ids) == len(beginnings)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), budget=st.integers(0, 400), share=st.booleans(), least=st.integers(1, 64))
def test_log_probabilities_do_not_depend_on_the_packing(
    llama: Any, seed: int, budget: int, share: bool, least: int
) -> None:
    logs = [play(wild(seed, 4), {role: Agent(Toy(babble)) for role in ("agent", "user")}, seed=seed)]
    for number in range(2):
        past = prefix(logs[0], len(logs[0].turns) // 2, seed=number)
        logs.append(play(wild(seed, 4), {role: Agent(Toy(babble)) for role in ("agent", "user")}, past=past))
    batch = batch_of(logs, roles=("agent", "user")).batch
    budget += int(np.diff(batch.row_start).max())
    with torch.no_grad():
        packed = scored(llama, batch, pack(batch, budget, share=share, least=least))
        expected = alone(llama, batch)
    assert packed.numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def group(rng: random.Random) -> Batch:
    """Rows of one prompt that branch at several places."""
    draw = [rng.randrange(3, 300) for _ in range(200)]
    prompt, first, second = draw[:60], draw[60:80], draw[80:100]
    tails = [[rng.randrange(3, 300) for _ in range(12)] for _ in range(8)]
    return batch_with(
        *(row(prompt, first + tail) for tail in tails[:3]),
        *(row(prompt + first + second, tail) for tail in tails[3:6]),
        *(row(prompt, tail) for tail in tails[6:]),
        row(prompt, first),
        row(prompt, first),
    )


def test_a_tree_s_gradient_is_that_of_its_rows(llama: Any) -> None:
    batch = group(random.Random(0))
    weight = torch.tensor(np.random.default_rng(0).normal(size=len(batch.ids)))
    lines = pack(batch, 1000, share=True, least=20)
    assert sum(len(line.ids) for line in lines) == 60 + 20 + 3 * 12 + 20 + 3 * 12 + 2 * 12
    assert len(batch.ids) > 4 * len(lines[0].ids)
    model = llama.double()  # its rotations and norms stay in single precision
    try:
        gradients: list[Any] = []
        for told in (scored(model, batch, lines), alone(model, batch)):
            model.zero_grad()
            (told * weight).sum().backward()
            gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    finally:
        llama.float()
        llama.zero_grad()
    tree, separate = gradients
    assert float((tree - separate).norm() / separate.norm()) < 1e-6


def test_the_rule_of_flex_attention_is_the_mask() -> None:
    batch = group(random.Random(1))
    for share in (False, True):
        for line in pack(batch, 300, share=share):
            attends = mask_rule(torch.tensor(line.reach))
            place = torch.arange(len(line.ids))
            rule = torch.vmap(torch.vmap(attends, (None, None, None, 0)), (None, None, 0, None))
            made = rule(torch.tensor(0), torch.tensor(0), place, place)
            assert np.array_equal(made.numpy(), line.mask())


def test_many_rows_are_packed_tightly() -> None:
    rng = random.Random(0)
    batch = batch_with(*(row([0] * rng.randrange(1, 60), [1] * rng.randrange(1, 40)) for _ in range(600)))
    lines = pack(batch, 256)
    least = -(-len(batch.ids) // 256)
    assert len(lines) <= least + 1
    again = pack(batch, 256)
    assert [line.rows.tolist() for line in lines] == [line.rows.tolist() for line in again]

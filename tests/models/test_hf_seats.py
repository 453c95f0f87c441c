"""Local models of the Llama family: decoding written out here says what transformers' own code says."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]'")

import transformers  # noqa: E402

import tiny  # noqa: E402
from turnwise.message import Message, user  # noqa: E402
from turnwise.model import Request, Sample, Sampling  # noqa: E402
from turnwise.models.hf import connect  # noqa: E402
from turnwise.models.hf.loading import adopt  # noqa: E402
from turnwise.models.hf.model import HFModel  # noqa: E402
from turnwise.models.hf.options import HFOptions  # noqa: E402

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
FAMILY: list[tuple[str, dict[str, Any]]] = [
    ("llama", {}),
    (
        "llama",
        {"num_key_value_heads": 4, "tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True},
    ),
    ("llama", {"rope_parameters": LLAMA3, "head_dim": 16}),
    ("mistral", {"sliding_window": None, "num_key_value_heads": 1}),
    ("qwen2", {}),
    ("qwen3", {"head_dim": 8}),
]
WORDS = ["hi", "higher!", "The lazy dog", "I think of a number", "and then?", "so"]


def talk(model: Any, rounds: int, *, sessions: int, seed: int) -> list[Sample]:
    """Conversations of which some go on in each round, by lines and answers of any length."""
    rng = random.Random(seed)
    said: dict[str, list[Message]] = {str(number): [] for number in range(sessions)}

    async def go() -> list[Sample]:
        samples: list[Sample] = []
        for turn in range(rounds):
            asking = rng.sample(sorted(said), rng.randint(1, sessions))
            requests: list[Request] = []
            for session in asking:
                if rng.random() < 0.2:
                    # Another history under the same name: only its beginning is the same.
                    del said[session][2:]
                said[session].append(user(" ".join(rng.choices(WORDS, k=rng.randint(1, 9)))))
                sampling = Sampling(temperature=rng.choice([0.0, 1.0]), max_tokens=rng.randint(1, 9))
                requests.append(
                    Request(
                        messages=list(said[session]),
                        session=session,
                        ordinal=turn,
                        sampling=sampling,
                        rng_seed=session,
                    )
                )
            answers = await asyncio.gather(*(model.sample(request) for request in requests))
            for session, answer in zip(asking, answers, strict=True):
                said[session].append(answer.message)
            samples += answers
        await model.close()
        return samples

    return asyncio.run(go())


def assert_same(found: list[Sample], expected: list[Sample], gap: float = 1e-5) -> None:
    assert [one.sampled_ids for one in found] == [one.sampled_ids for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=gap)


@pytest.mark.parametrize(("kind", "changes"), FAMILY)
def test_the_family_says_what_transformers_says(kind: str, changes: dict[str, Any], tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, kind=kind, **changes)
    mine, theirs = (connect(folder, {"decoding": one, "lockstep": True}) for one in ("auto", "transformers"))
    assert (mine.decoding, theirs.decoding) == ("llama", "transformers")
    assert_same(talk(mine, 4, sessions=4, seed=1), talk(theirs, 4, sessions=4, seed=1), gap=3e-5)
    assert mine.counters == theirs.counters


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("room", [0.0, 0.02, 1.0])
def test_whoever_sits_where_finds_its_own_past(seed: int, room: float, tmp_path: Path) -> None:
    """Seats are fewer than sessions, and `room` is that for none, some 80 tokens, and all of their pasts."""
    folder = tiny.save(tmp_path)
    seats = connect(folder, {"lockstep": True, "max_batch": 3, "cache_mb": room})
    alone = connect(folder, {"lockstep": True, "decoding": "transformers", "max_batch": 1, "cache_mb": 0})
    assert_same(talk(seats, 8, sessions=6, seed=seed), talk(alone, 8, sessions=6, seed=seed), gap=3e-5)
    assert (seats.counters.cached > 0) == (room > 0)


def test_a_session_twice_in_one_batch(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path)

    def ask(**options: Any) -> list[Sample]:
        model = connect(folder, {"lockstep": True, **options})
        first = [user("I think of a number")]

        async def go() -> list[Sample]:
            one = await model.sample(Request(messages=first, session="s", sampling=Sampling(max_tokens=5)))
            more = [*first, one.message]
            both = [
                Request(
                    messages=[*more, user(text)], session="s", ordinal=n, sampling=Sampling(max_tokens=4 + n)
                )
                for n, text in enumerate(("higher!", "The lazy dog, so"), start=1)
            ]
            answers = await asyncio.gather(*map(model.sample, both))
            await model.close()
            return [one, *answers]

        return asyncio.run(go())

    assert_same(ask(), ask(decoding="transformers", cache_mb=0))


def test_adapters_are_decoded_with(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    folder = tiny.save(tmp_path)
    network = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    plain = talk(HFModel("plain", HFOptions(), adopt("hf/plain", network, tokens)), 2, sessions=2, seed=0)
    peft.get_peft_model(network, peft.LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    mine, theirs = (
        HFModel("mine", HFOptions(lockstep=True, decoding=one), adopt("hf/mine", network.eval(), tokens))
        for one in ("auto", "transformers")
    )
    assert mine.decoding == "llama"
    adapted = talk(mine, 2, sessions=2, seed=0)
    assert_same(adapted, talk(theirs, 2, sessions=2, seed=0), gap=3e-5)
    assert [one.sampled_ids for one in adapted] != [one.sampled_ids for one in plain]


def test_half_precision(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path)
    mine, theirs = (
        connect(folder, {"dtype": "bfloat16", "lockstep": True, "decoding": one})
        for one in ("auto", "transformers")
    )
    assert mine.decoding == "llama"
    first, other = (talk(model, 1, sessions=4, seed=3) for model in (mine, theirs))
    # Rounded so coarsely, continuations part ways; the first tokens are drawn from all but equal numbers.
    for one, its in zip(first, other, strict=True):
        assert one.prompt_ids == its.prompt_ids
        if (one.sampled_ids or ())[0] == (its.sampled_ids or ())[0]:
            assert (one.logprobs or ())[0] == pytest.approx((its.logprobs or ())[0], abs=0.25)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("mistral", {"sliding_window": 8}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}),
        ("llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}}),
        ("gemma2", {"sliding_window": 8, "head_dim": 8}),
    ],
)
def test_what_is_not_alike_is_left_to_transformers(
    kind: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    assert connect(tiny.save(tmp_path, kind=kind, **changes), {}).decoding == "transformers"


def test_a_network_with_logits_of_its_own_is_left_to_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = transformers.models.llama.modeling_llama.LlamaDecoderLayer
    own = layer.forward

    def louder(self: Any, *args: Any, **kwargs: Any) -> Any:
        return own(self, *args, **kwargs) * 1.001

    monkeypatch.setattr(layer, "forward", louder)
    assert connect(tiny.save(tmp_path), {}).decoding == "transformers"

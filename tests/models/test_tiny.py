"""The policy that comes with the package: by itself in numpy, and beside torch with the same files."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from asking import ask
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.engine.config import AgentConfig
from turnwise.errors import ConfigError, ModelError
from turnwise.log import EpisodeLog
from turnwise.message import Message, assistant, system, user
from turnwise.model import Request, Sample, Sampling
from turnwise.models.draws import Draw
from turnwise.models.tiny import connect, safetensors
from turnwise.models.tiny.blas import alone
from turnwise.models.tiny.draw import choose, likeliest
from turnwise.models.tiny.folder import SHIPPED, find, read
from turnwise.models.tiny.llama import Cache
from turnwise.models.tiny.template import SPECIAL, rendered
from turnwise.models.tiny.tokenizer import Tokenizer, Words

FOLDER = SHIPPED / "sprout"
OURS = read(FOLDER).loaded.tokenizer
LOOKALIKES = st.sampled_from([*SPECIAL, "<|", "|>", "<", "|", "<|end", "user|>"])
TEXTS = st.lists(
    st.one_of(
        LOOKALIKES,
        st.text(st.characters(exclude_categories=("Cs",))),
        st.text(st.sampled_from("aAzZ 0159\n.,:'<>|_-\t\u00e9\u4f60\U0001f600\u0301\u200d")),
        st.sampled_from(["Guess it: answer with one number.", "higher", "42", "move up", "\r\n", "\x00"]),
    )
).map("".join)


def theirs() -> Any:
    transformers = pytest.importorskip("transformers", reason="needs pip install 'turnwise[local]'")
    return transformers.AutoTokenizer.from_pretrained(FOLDER)


def network() -> Any:
    torch = pytest.importorskip("torch", reason="needs pip install 'turnwise[local]'")
    transformers = pytest.importorskip("transformers", reason="needs pip install 'turnwise[local]'")
    torch.set_num_threads(1)
    return transformers.AutoModelForCausalLM.from_pretrained(FOLDER, dtype="auto").eval()


# Words


@pytest.fixture(scope="module")
def reference() -> Any:
    return theirs()


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_any_text_has_the_tokens_of_the_tokenizers_package(reference: Any, text: str) -> None:
    ids = OURS.encode(text)
    assert ids == reference.encode(text, add_special_tokens=False)
    assert OURS.decode(ids) == text == reference.decode(ids)


@settings(max_examples=200, deadline=None)
@given(ids=st.lists(st.integers(0, len(OURS) - 1), max_size=40))
def test_any_tokens_have_the_text_of_the_tokenizers_package(reference: Any, ids: list[int]) -> None:
    assert OURS.decode(ids) == reference.decode(ids, skip_special_tokens=False)


@settings(max_examples=200, deadline=None)
@given(
    roles=st.lists(
        st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), TEXTS), min_size=1, max_size=4
    ),
    prompt=st.booleans(),
)
def test_a_conversation_is_rendered_as_the_stored_template_does(
    reference: Any, roles: list[tuple[str, str]], prompt: bool
) -> None:
    messages = [{"role": role, "content": text} for role, text in roles]
    expected = reference.apply_chat_template(messages, add_generation_prompt=prompt, tokenize=False)
    assert rendered(messages, prompt=prompt) == expected


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3))
def test_nobodys_words_become_a_special_token(texts: list[str]) -> None:
    ids = OURS.encode(rendered([{"role": "user", "content": text} for text in texts], prompt=True))
    user_, end, answer = (
        OURS.convert_tokens_to_ids(text) for text in ("<|user|>", "<|end|>", "<|assistant|>")
    )
    special = [number for number in ids if number in OURS.all_special_ids or number < len(SPECIAL)]
    assert special == [user_, end] * len(texts) + [answer]


def test_half_a_character_is_refused_in_one_line() -> None:
    with pytest.raises(ModelError, match="half a character"):
        ask(connect("sprout", {}), Request(messages=[user("a\ud800b")]))


# The same weights in torch


def prompts(count: int) -> list[list[int]]:
    """What players were shown in some worlds, the shortest first, in tokens."""
    found: dict[str, None] = {}
    for name in ("number_guess", "lock", "keydoor", "earl_compare"):
        run = turnwise.run(name, "random", seed=5, settings={"count": 200}, store=":memory:")
        for log in run.logs():
            for call in log.calls[:5]:
                shown = [{"role": one.role, "content": one.text} for one in log.shown(call)]
                found[rendered(shown, prompt=True)] = None
    return [OURS.encode(text) for text in sorted(found, key=len)[:count]]


def greedy(policy: Any, ids: list[int], most: int) -> tuple[list[int], list[float]]:
    """The likeliest tokens after `ids`, and their log-probabilities."""
    cache, draw = Cache(policy.network.shape), Draw(0.0, 1.0, 0, random.Random())
    tokens: list[int] = []
    logprobs: list[float] = []
    feed = ids
    while len(tokens) < most and (not tokens or tokens[-1] not in policy.loaded.eos):
        token, logprob = choose(policy.network.feed(feed, cache), draw)
        tokens.append(token)
        logprobs.append(logprob)
        feed = [token]
    return tokens, logprobs


def test_greedy_tokens_are_those_of_the_torch_weights() -> None:
    import torch

    module, policy = network(), read(FOLDER)
    given_ = prompts(150)
    assert len(given_) == 150
    for first in range(0, len(given_), 50):
        rows = given_[first : first + 50]
        with alone():
            said = [greedy(policy, ids, 8) for ids in rows]
        width = max(len(ids) + len(tokens) for ids, (tokens, _) in zip(rows, said, strict=True))
        # Fed the same tokens, each is torch's likeliest, too: then so are the greedy sequences the same.
        whole = [ids + tokens for ids, (tokens, _) in zip(rows, said, strict=True)]
        padded = torch.tensor([ids + [1] * (width - len(ids)) for ids in whole])
        with torch.inference_mode():
            logprobs = module(input_ids=padded).logits.log_softmax(-1)
        for row, ids, (tokens, mine) in zip(logprobs, rows, said, strict=True):
            its = row[len(ids) - 1 : len(ids) - 1 + len(tokens)]
            assert its.argmax(-1).tolist() == tokens
            np.testing.assert_allclose(its.max(-1).values.numpy(), mine, atol=1e-4)


def play(model: str, temperature: float, count: int, **more: Any) -> list[EpisodeLog]:
    agent = AgentConfig(use=model, sampling=Sampling(temperature=temperature, max_tokens=12))
    run = turnwise.run("number_guess", agent, seed=3, settings={"count": count}, store=":memory:", **more)
    return list(run.logs())


def said(logs: Sequence[EpisodeLog]) -> list[list[tuple[list[int], str]]]:
    return [[(list(c.sampled_ids or ()), log.message_of(c).text) for c in log.calls] for log in logs]


def test_torch_plays_the_same_greedy_episodes() -> None:
    network()
    mine, its = play("tiny/sprout", 0.0, 6), play(f"hf/{FOLDER}", 0.0, 6)
    assert said(mine) == said(its)
    assert [log.prompt_ids(log.calls[-1]) for log in mine] == [log.prompt_ids(log.calls[-1]) for log in its]
    assert [log.calls[-1].usage for log in mine] == [log.calls[-1].usage for log in its]


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    temperature=st.sampled_from([0.0, 0.3, 1.0, 1.7]),
    top_p=st.sampled_from([0.2, 0.9, 1.0]),
    top_k=st.sampled_from([0, 1, 5]),
    logprobs=st.sampled_from(["raw", "sampled"]),
)
def test_tokens_are_drawn_as_hf_models_draw_them(
    seed: int, temperature: float, top_p: float, top_k: int, logprobs: Any
) -> None:
    torch = pytest.importorskip("torch", reason="needs pip install 'turnwise[local]'")
    from turnwise.models.hf import draw as hf

    logits = np.random.default_rng(seed).normal(size=50).astype(np.float32) * 3
    draw, its = (Draw(temperature, top_p, top_k, random.Random(seed), 7) for _ in range(2))
    token, logprob = choose(logits, draw, logprobs)
    tokens, expected = hf.choose(torch.tensor(logits)[None], [its], logprobs)
    assert token == tokens[0]
    assert logprob == pytest.approx(expected[0], abs=1e-5)
    mine, others = likeliest(logits, draw, logprobs), hf.likeliest(torch.tensor(logits), its, logprobs)
    assert [one for one, _ in mine] == [one for one, _ in others]
    assert [value for _, value in mine] == pytest.approx([value for _, value in others], abs=1e-5)
    assert dict(mine).get(token, logprob) == pytest.approx(logprob, abs=1e-5)
    if logprobs == "raw":
        assert [one for one, _ in mine] == list(np.argsort(-logits, kind="stable")[:7])


def test_what_is_made_here_is_read_here(tmp_path: Path) -> None:
    network()
    from turnwise.learn import tiny

    run = turnwise.run("lock", "random", settings={"count": 20}, store=tmp_path / "runs.db")
    words = tiny.tokenizer(tiny.texts_of(run.logs()), size=300)
    module = tiny.policy(hidden=32, heads=4, groups=2, vocabulary=len(words), tied=True)
    tiny.shrunk(module, words, tmp_path / "shrunk")
    tiny.save(tmp_path / "bytes", hidden=32)
    for folder in (tmp_path / "shrunk", tmp_path / "bytes"):
        agents = [
            AgentConfig(use=f"{kind}/{folder}", sampling=Sampling(max_tokens=6)) for kind in ("tiny", "hf")
        ]
        mine, its = (
            said(list(turnwise.run("lock", agent, settings={"count": 2}, store=tmp_path / "runs.db").logs()))
            for agent in agents
        )
        assert mine == its
    assert "Wheels" in words.convert_ids_to_tokens(words.encode(" Wheels", add_special_tokens=False)[0])


# By itself


def test_the_base_install_is_enough(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'tokenizers', 'jinja2', 'safetensors', 'numba', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        "import turnwise\n"
        "run = turnwise.run('lock', 'tiny/sprout', settings={'count': 3}, store='runs.db')\n"
        "assert [log.error for log in run.logs()] == [None] * 3\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)


def test_it_talks_the_language_of_a_world_and_guesses_within_the_hints() -> None:
    logs = play("tiny/sprout", 1.0, 40)
    turns = sum(len(log.calls) for log in logs)
    assert sum(log.metrics["invalid"] for log in logs) / turns < 0.05
    solved = sum(log.score() or 0.0 for log in logs) / len(logs)
    assert solved > 0.25, "a blind guesser finds a tenth of the numbers in ten guesses"


def test_an_episode_is_the_same_at_any_concurrency() -> None:
    alone, together = (
        play("tiny/sprout", 1.0, 12, concurrency=1),
        play("tiny/sprout", 1.0, 12, concurrency=12),
    )
    assert said(alone) == said(together)
    for mine, other in zip(alone, together, strict=True):
        assert [call.logprobs for call in mine.calls] == [call.logprobs for call in other.calls]


def conversation(model: Any, *, until: int, replay: int = 0) -> list[Sample]:
    """Calls of one session; the first `replay` are served from the record of a first play."""
    recorded = conversation(connect("sprout", {}), until=replay) if replay else []
    messages: list[Message] = [
        user("I think of a whole number from 1 to 100. Guess it: answer with one number.")
    ]
    samples: list[Sample] = []

    async def go() -> None:
        for ordinal in range(until):
            sampling = Sampling(temperature=1.0, max_tokens=8)
            request = Request(
                messages=list(messages), sampling=sampling, session="s", ordinal=ordinal, rng_seed=11
            )
            if ordinal < replay:
                sample = recorded[ordinal]
                model.replayed(request, sample.message, sample.sampled_ids)
            else:
                sample = await model.sample(request)
            samples.append(sample)
            messages.extend([sample.message, user("higher")])
        await model.close()

    asyncio.run(go())
    return samples


@pytest.mark.parametrize(("options", "replay"), [({}, 2), ({"cache_mb": 0}, 0), ({"cache_mb": 0}, 3)])
def test_what_was_forgotten_or_is_resumed_goes_on_bit_for_bit(options: dict[str, Any], replay: int) -> None:
    live = conversation(connect("sprout", {}), until=5)
    other = conversation(connect("sprout", options), until=5, replay=replay)
    assert [one.sampled_ids for one in other] == [one.sampled_ids for one in live]
    assert [one.logprobs for one in other] == [one.logprobs for one in live]
    assert [one.usage for one in other] == [one.usage for one in live]


def test_a_sample_tells_all_there_is_to_know_of_it() -> None:
    first, second = conversation(connect("sprout", {}), until=2)
    assert first.prompt_ids
    assert first.sampled_ids
    assert first.logprobs
    assert OURS.decode(first.sampled_ids).removesuffix("<|end|>") == first.message.text
    assert len(first.logprobs) == len(first.sampled_ids)
    assert max(first.logprobs) <= 0
    assert first.finish == "stop"
    assert first.version == read(FOLDER).version
    assert first.usage is not None
    assert second.usage is not None
    assert (first.usage.input, first.usage.output) == (len(first.prompt_ids), len(first.sampled_ids))
    assert second.usage.cached == first.usage.input + first.usage.output - 1
    before = [*first.prompt_ids, *first.sampled_ids]
    assert second.prompt_ids is not None
    assert list(second.prompt_ids[: len(before)]) == before


def asked(**sampling: Any) -> Sample:
    messages = [system("Be brief."), user("1 to 100?"), assistant("50"), user("higher")]
    return ask(connect("sprout", {}), Request(messages=messages, sampling=Sampling(**sampling)))


def test_tokens_and_stop_strings_limit_an_answer() -> None:
    whole = asked(temperature=0.0)
    assert asked(temperature=0.0, max_tokens=1).finish == "length"
    first = whole.message.text[0]
    stopped = asked(temperature=0.0, stop=(first,))
    assert (stopped.message.text, stopped.finish) == ("", "stop")


def test_top_k_of_one_is_greedy() -> None:
    assert asked(temperature=2.0, extra={"top_k": 1}).sampled_ids == asked(temperature=0.0).sampled_ids


@pytest.mark.parametrize(
    ("sampling", "told"),
    [
        (Sampling(top_p=0.0), "top_p cannot be 0.0"),
        (Sampling(temperature=-1.0), "temperature cannot be -1.0"),
        (Sampling(extra={"top_k": "x"}), "top_k must be a number"),
        (Sampling(extra={"min_p": 0.1}), "sampling.extra has 'min_p'"),
    ],
)
def test_a_value_that_cannot_be_is_one_line(sampling: Sampling, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        ask(connect("sprout", {}), Request(messages=[user("hi")], sampling=sampling))


def test_a_prompt_longer_than_the_context_is_one_line() -> None:
    with pytest.raises(ModelError, match="the prompt has") as caught:
        ask(connect("sprout", {}), Request(messages=[user("q" * 20_000)]))
    assert caught.value.kind == "context_length"


# Broken folders


def broken(tmp_path: Path, file: str, change: Callable[[bytes], bytes]) -> Path:
    folder = tmp_path / "policy"
    shutil.copytree(FOLDER, folder)
    place = folder / file
    place.write_bytes(change(place.read_bytes()))
    return folder


def keyed(**values: Any) -> Callable[[bytes], bytes]:
    return lambda raw: json.dumps(json.loads(raw) | values).encode()


def weights(raw: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    change(header)
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + raw[8 + size :]


NORM = "model.norm.weight"


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("model.safetensors", lambda raw: raw[:5], "end within its header"),
        ("model.safetensors", lambda raw: b"\xff" * 8 + raw[8:], "end within its header"),
        ("model.safetensors", lambda raw: raw[:8] + b"x" + raw[9:], "header does not parse"),
        ("model.safetensors", lambda raw: raw[:-2], "has bytes"),
        ("model.safetensors", lambda raw: weights(raw, lambda h: h.pop(NORM)), f"lacks '{NORM}'"),
        ("model.safetensors", lambda raw: weights(raw, lambda h: h[NORM].update(dtype="I64")), "type I64"),
        ("model.safetensors", lambda raw: weights(raw, lambda h: h[NORM].update(shape=[7])), "of shape"),
        ("model.safetensors", lambda raw: weights(raw, lambda h: h[NORM].update(shape=[-1])), "has bytes"),
        ("model.safetensors", lambda raw: raw[:-2] + b"\x00\x7c", "not finite"),
        ("config.json", keyed(hidden_size=64), "has the size"),
        ("config.json", keyed(model_type="qwen3"), "a model of type 'qwen3'"),
        ("config.json", keyed(num_attention_heads=0), "expected sizes above 0"),
        ("config.json", keyed(vocab_size="many"), "Expected `int`"),
        ("config.json", lambda raw: raw[:20], "put the file there"),
        ("tokenizer.json", keyed(normalizer={"type": "NFC"}), "a normalizer is more than"),
        ("tokenizer.json", keyed(pre_tokenizer={"type": "Whitespace"}), "cut texts into pieces"),
        ("tokenizer.json", lambda raw: raw[:99], "no tokenizer.json of byte-level BPE"),
        ("tokenizer_config.json", keyed(eos_token="<|stop|>"), "has no token '<|stop|>'"),
        ("chat_template.jinja", lambda raw: b"{{ messages }}", "its chat template is none of"),
    ],
)
def test_what_is_broken_is_one_line(
    tmp_path: Path, file: str, change: Callable[[bytes], bytes], told: str
) -> None:
    folder = broken(tmp_path, file, change)
    with pytest.raises(ConfigError) as caught:
        connect(str(folder), {})
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_merge_of_what_is_not_there_yet_is_refused(tmp_path: Path) -> None:
    file = json.loads((FOLDER / "tokenizer.json").read_bytes())
    file["model"]["merges"].reverse()
    (tmp_path / "tokenizer.json").write_text(json.dumps(file))
    with pytest.raises(ConfigError, match="which it does not know"):
        Tokenizer(tmp_path / "tokenizer.json", Words())


@pytest.mark.parametrize(("dtype", "exact"), [("<f4", True), ("<f2", False), ("bf16", False)])
def test_three_types_of_numbers_are_read(tmp_path: Path, dtype: str, exact: bool) -> None:
    numbers = np.array([[1.5, -2.0, 0.1], [3.0, 1e-3, 65.0]], np.float32)
    if dtype == "bf16":
        data, name = (numbers.view("<u4") >> 16).astype("<u2").tobytes(), "BF16"
    else:
        data, name = numbers.astype(dtype).tobytes(), {"<f4": "F32", "<f2": "F16"}[dtype]
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": name, "shape": [2, 3], "data_offsets": [0, len(data)]},
    }
    written = msgspec.json.encode(header)
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(written).to_bytes(8, "little") + written + data)
    np.testing.assert_allclose(safetensors.read(path)["a"], numbers, rtol=0 if exact else 2**-7)


def test_a_name_that_is_not_shipped_names_those_that_are() -> None:
    with pytest.raises(ConfigError, match="sprout"):
        find("sprot")
    with pytest.raises(ConfigError, match="no option 'max_token'"):
        connect("sprout", {"max_token": 3})

"""Local models: what is generated, together and alone, with and without the past of earlier turns."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from turnwise.errors import ConfigError, ModelError
from turnwise.message import Image, Message, Text, assistant, user
from turnwise.model import Request, Sample, Sampling, Stateful
from turnwise.models.hf import connect

torch = pytest.importorskip("torch", reason="needs pip install 'turnwise[local]'")
transformers = pytest.importorskip("transformers", reason="needs pip install 'turnwise[local]'")

import tiny  # noqa: E402

LINES = ["hi", "Is it 50? higher!", "The lazy dog, " * 9, "I think of a number from 1 to 100. " * 3]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.save(tmp_path_factory.mktemp("llama"))


def request(text: str | list[Message], session: str = "", ordinal: int = 0, **sampling: Any) -> Request:
    messages = [user(text)] if isinstance(text, str) else text
    sampling = {"temperature": 0.0, "max_tokens": 16} | sampling
    return Request(
        messages=messages, session=session, ordinal=ordinal, sampling=Sampling(**sampling), rng_seed="7/agent"
    )


def ask(model: Any, *requests: Request) -> list[Sample]:
    """Answers to requests that are made at the same moment."""

    async def go() -> list[Sample]:
        return list(await asyncio.gather(*(model.sample(one) for one in requests)))

    return asyncio.run(go())


def reference(folder: str, prompt: Any, length: int = 16) -> list[int]:
    """What transformers' own `generate` says greedily, one prompt at a time."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor([list(prompt)])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=length, do_sample=False)
    return out[0, ids.shape[1] :].tolist()


def dialogue(model: Any, turns: int, session: str, **sampling: Any) -> list[Sample]:
    """A conversation in which the user says the lines in turn."""
    messages: list[Message] = []
    samples: list[Sample] = []
    for turn in range(turns):
        messages.append(user(LINES[turn % len(LINES)]))
        samples += ask(model, request(list(messages), session, turn, **sampling))
        messages.append(samples[-1].message)
    return samples


def cached(sample: Sample) -> int:
    assert sample.usage is not None
    return sample.usage.cached


def test_a_batch_says_what_generate_says_of_each_prompt_alone(llama: str) -> None:
    model = connect(llama, {"max_wait_ms": 50})
    samples = ask(model, *(request(line) for line in LINES))
    assert model.counters.widest == len(LINES)
    for sample in samples:
        assert sample.sampled_ids == reference(llama, sample.prompt_ids)
        assert sample.finish == "length"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("mistral", {"sliding_window": 8}),
        ("gemma2", {"sliding_window": 8, "head_dim": 8}),
        ("qwen3", {"head_dim": 8}),
        ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 300}),
    ],
)
def test_other_architectures_agree_with_generate_over_turns(
    kind: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    folder = tiny.save(tmp_path, kind=kind, **changes)
    model = connect(folder, {"max_wait_ms": 50})
    first = ask(model, *(request(line, line) for line in LINES))
    later = [
        request([user(line), one.message, user("And now? " * len(line[:5]))], line, 1)
        for line, one in zip(LINES, first, strict=True)
    ]
    second = ask(model, *later)
    assert [cached(two) for two in second] == [
        len(one.prompt_ids or ()) + len(one.sampled_ids or ()) - 1 for one in first
    ]
    for sample in (*first, *second):
        assert sample.sampled_ids == reference(folder, sample.prompt_ids)


def test_later_turns_feed_only_what_is_new_and_say_the_same(llama: str) -> None:
    kept, fresh = connect(llama, {}), connect(llama, {"cache_mb": 0})
    with_cache, without = dialogue(kept, 6, "a"), dialogue(fresh, 6, "a")
    assert [one.sampled_ids for one in with_cache] == [one.sampled_ids for one in without]
    prompts = [list(one.prompt_ids or ()) for one in with_cache]
    sampled = [list(one.sampled_ids or ()) for one in with_cache]
    # The last token of a turn was sampled and not fed; it is the first that the next turn feeds.
    new = [len(prompts[0])] + [
        len(prompts[turn]) - len(prompts[turn - 1]) - len(sampled[turn - 1]) + 1 for turn in range(1, 6)
    ]
    assert kept.counters.fed == sum(new)
    assert fresh.counters.fed == sum(map(len, prompts))
    assert (fresh.counters.cached, kept.counters.cached) == (0, sum(map(len, prompts)) - sum(new))
    for turn in range(1, 6):
        begin = prompts[turn - 1] + sampled[turn - 1]
        assert prompts[turn][: len(begin)] == begin


def test_another_history_uses_the_common_beginning_only(llama: str) -> None:
    model = connect(llama, {})
    common = [user(LINES[3]), assistant("Is it 50?")]
    one = ask(model, request([*common, user("higher")], "a"))[0]
    other = ask(model, request([*common, user("correct!")], "a"))[0]
    pairs = zip(one.prompt_ids or (), other.prompt_ids or (), strict=False)
    assert cached(other) == next(place for place, (mine, its) in enumerate(pairs) if mine != its)
    assert other.sampled_ids == reference(llama, other.prompt_ids)


def test_sessions_meet_in_one_batch_with_pasts_of_different_lengths(llama: str) -> None:
    model, alone = connect(llama, {"max_wait_ms": 50}), connect(llama, {"cache_mb": 0})
    requests: list[Request] = []
    for turns, session in enumerate("abc", start=1):
        messages: list[Message] = []
        dialogue(model, turns, session)
        for turn, sample in enumerate(dialogue(alone, turns, session)):
            messages += [user(LINES[turn % len(LINES)]), sample.message]
        requests.append(request([*messages, user("now?")], session, turns, max_tokens=9))
    together = ask(model, *requests, request("no past"))
    for sample in together:
        length = 16 if sample is together[-1] else 9
        assert sample.sampled_ids == reference(llama, sample.prompt_ids, length)
    assert [cached(sample) > 0 for sample in together] == [True, True, True, False]


def test_a_call_draws_the_same_tokens_in_any_company(llama: str) -> None:
    mine = [request(line, ordinal=place, temperature=1.0, top_p=0.9) for place, line in enumerate(LINES)]
    alone = [ask(connect(llama, {"max_batch": 1}), one)[0].sampled_ids for one in mine]
    crowd = [
        request(f"{place} lazy dogs", ordinal=100 + place, temperature=place / 9, max_tokens=3 + place)
        for place in range(20)
    ]
    together = ask(connect(llama, {"max_wait_ms": 50}), *crowd, *mine)
    assert [sample.sampled_ids for sample in together[len(crowd) :]] == alone


def test_seeds(llama: str) -> None:
    model = connect(llama, {})
    hot = {"temperature": 1.5}
    by_call = [ask(model, request("hi", ordinal=n, **hot))[0].sampled_ids for n in (0, 0, 1)]
    assert by_call[0] == by_call[1] != by_call[2]
    by_seed = [ask(model, request("hi", ordinal=n, seed=3, **hot))[0].sampled_ids for n in (0, 5)]
    assert by_seed[0] == by_seed[1] != by_call[0]


@pytest.mark.parametrize("which", ["raw", "sampled"])
def test_log_probabilities_are_those_of_a_plain_forward_pass(llama: str, which: str) -> None:
    model = connect(llama, {"logprobs": which})
    sample = dialogue(model, 2, "a", temperature=0.7, extra={"top_k": 20})[1]
    prompt, sampled = list(sample.prompt_ids or ()), list(sample.sampled_ids or ())
    plain = transformers.AutoModelForCausalLM.from_pretrained(llama).eval()
    with torch.no_grad():
        logits = plain(torch.tensor([prompt + sampled])).logits[0, len(prompt) - 1 : -1]
    if which == "sampled":
        least = logits.topk(20).values[:, -1:]
        logits = (logits / 0.7).masked_fill(logits < least, -torch.inf)
    expected = logits.log_softmax(-1)[range(len(sampled)), sampled].tolist()
    assert sample.logprobs == pytest.approx(expected, abs=1e-4)


def test_a_stop_string_ends_the_sample_and_is_no_part_of_its_text(llama: str) -> None:
    model = connect(llama, {})
    free = ask(model, request("hi", max_tokens=24))[0]
    text = free.message.text
    stop = text[len(text) // 2 : len(text) // 2 + 3]
    sample = ask(model, request("hi", max_tokens=24, stop=("not there", stop)))[0]
    assert sample.finish == "stop"
    assert sample.message.text == text[: text.index(stop)]
    ids = list(sample.sampled_ids or ())
    assert ids == list(free.sampled_ids or ())[: len(ids)]
    decode = tiny.tokenizer().decode
    assert (stop in decode(ids), stop in decode(ids[:-1])) == (True, False)


def test_the_end_tokens_are_those_of_the_generation_config(llama: str, tmp_path: Path) -> None:
    ids = list(ask(connect(llama, {}), request("hi"))[0].sampled_ids or ())
    last = next(place for place in range(3, 16) if ids[place] not in ids[:place])
    folder = tiny.save(tmp_path, generation={"eos_token_id": [1, ids[last]]})
    sample = ask(connect(folder, {}), request("hi"))[0]
    assert (sample.finish, sample.sampled_ids) == ("stop", ids[: last + 1])
    assert sample.message.text == tiny.tokenizer().decode(ids[:last])


def test_what_a_call_leaves_open_the_generation_config_says(llama: str, tmp_path: Path) -> None:
    silent = Request(messages=[user("hi")], sampling=Sampling(max_tokens=16), rng_seed=1)
    said = Sampling(max_tokens=16, temperature=1.3, extra={"top_k": 5})
    greedy = ask(connect(llama, {}), silent, request("hi"))
    assert greedy[0].sampled_ids == greedy[1].sampled_ids
    folder = tiny.save(tmp_path, generation={"do_sample": True, "temperature": 1.3, "top_k": 5})
    drawn = ask(connect(folder, {}), silent)[0]
    same = ask(connect(llama, {}), Request(messages=[user("hi")], sampling=said, rng_seed=1))[0]
    assert drawn.sampled_ids == same.sampled_ids != greedy[0].sampled_ids


def test_room_for_pasts_is_kept_and_a_session_is_forgotten(llama: str) -> None:
    # 2 layers of keys and values, 2 heads, 8 wide, 4 bytes: 256 bytes a token.
    model = connect(llama, {"cache_mb": 30 * 256 / 2**20})
    samples = [ask(model, request("hi", session, max_tokens=4))[0] for session in ("a", "b", "b", "a", "a")]
    length = len(samples[0].prompt_ids or ())
    assert 15 < length + 3 <= 30
    # One session fits; the other one pushes it out. The same prompt again feeds its last token.
    assert [cached(sample) for sample in samples] == [0, 0, length - 1, 0, length - 1]
    assert isinstance(model, Stateful)
    model.forget("a")
    assert cached(ask(model, request("hi", "a", max_tokens=4))[0]) == 0


def test_the_event_loop_stays_free(llama: str) -> None:
    model = connect(llama, {})

    async def go() -> float:
        task = asyncio.ensure_future(model.sample(request("hi", max_tokens=150)))
        longest, last = 0.0, time.perf_counter()
        while not task.done():
            await asyncio.sleep(0.002)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        return longest

    begun = time.perf_counter()
    longest = asyncio.run(go())
    assert longest < (time.perf_counter() - begun) / 3


def test_a_cancelled_call_stops_and_leaves_nothing(llama: str) -> None:
    model = connect(llama, {})

    async def go() -> Sample:
        task = asyncio.ensure_future(model.sample(request("hi", "a", max_tokens=2000)))
        for _ in range(2000):
            await asyncio.sleep(0.001)
            if model.counters.steps:
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        model.forget("a")
        return await model.sample(request("hi", "a", max_tokens=2))

    assert cached(asyncio.run(go())) == 0
    assert 0 < model.counters.sampled < 1000
    asyncio.run(model.close())


def test_a_failed_forward_pass_is_an_error_of_its_calls_only(
    llama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = connect(llama, {})

    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of\norder")

    with monkeypatch.context() as patch:
        patch.setattr(model.network.lm_head, "forward", explode)
        with pytest.raises(ModelError, match="RuntimeError: out of order") as caught:
            ask(model, request("hi"))
        assert (caught.value.kind, caught.value.retryable) == ("local", False)
    assert ask(model, request("hi"))[0].finish == "length"


def test_a_closed_model_opens_again(llama: str) -> None:
    model = connect(llama, {})
    first = ask(model, request("hi", "a"))[0]
    asyncio.run(model.close())
    again = ask(model, request("hi", "a"))[0]
    assert again.sampled_ids == first.sampled_ids
    assert cached(again) == 0


def test_what_a_role_is_told_while_it_speaks_comes_after_what_it_says(llama: str) -> None:
    """A request may hold the role's own list, which grows while the call is on its way."""
    model = connect(llama, {})
    view = [user("hi")]

    async def go() -> list[Sample]:
        first = asyncio.ensure_future(model.sample(request(view, "a")))
        # The call gets as far as it can without waiting.
        await asyncio.sleep(0)
        view.append(user("By the way: higher!"))
        view.append((await first).message)
        view.append(user("so?"))
        return [await first, await model.sample(request(view, "a", 1))]

    first, second = asyncio.run(go())
    decode = tiny.tokenizer().decode
    assert "higher!" not in decode(first.prompt_ids or ())
    shown = decode(second.prompt_ids or ())
    assert shown.index("By the way: higher!") < shown.index("so?")


def test_prompts_end_where_the_context_does(llama: str, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, max_position_embeddings=40)
    model = connect(folder, {})
    sample = ask(model, request("hi", max_tokens=1000))[0]
    assert len(sample.prompt_ids or ()) + len(sample.sampled_ids or ()) == 40
    with pytest.raises(ModelError, match="the model takes 40") as caught:
        ask(model, request(LINES[2]))
    assert caught.value.kind == "context_length"


def test_what_cannot_be_asked(llama: str) -> None:
    model = connect(llama, {})
    picture = Message(role="user", content=(Text(text="what?"), Image(media_type="image/png", data=b"x")))
    for one, reason in (
        (request([picture]), "text only"),
        (request("hi", temperature=-1.0), "temperature cannot be -1.0"),
        (request("hi", top_p=0.0), "top_p cannot be 0.0"),
        (request("hi", extra={"top_k": "all"}), "top_k must be a number"),
        (request("hi", extra={"min_p": 0.1}), "'min_p', known here: top_k"),
    ):
        with pytest.raises(ModelError, match=reason) as caught:
            ask(model, one)
        assert caught.value.kind == "bad_request"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"devise": "cpu"}, "no option 'devise' .did you mean 'device'"),
        ({"max_batch": 0}, "option 'max_batch': expected `int` >= 1"),
        ({"dtype": "int3"}, "option 'dtype': 'int3' is none of"),
        ({"device": "abacus"}, "option 'device': cannot use 'abacus'"),
        ({"renderer": "qwen33"}, "option 'renderer': no format 'qwen33' .did you mean 'qwen3"),
    ],
)
def test_options_are_checked(llama: str, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        connect(llama, options)


def test_a_model_with_another_kind_of_past_is_not_for_here(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, kind="mamba", state_size=4, num_hidden_layers=1)
    with pytest.raises(ConfigError, match=r"keeps more than keys and values .* name it openai/"):
        connect(folder, {})


@pytest.mark.parametrize("missing", ["torch", "transformers", "renderers"])
def test_without_the_extra_it_says_what_to_install(
    llama: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=rf"needs {missing} .* pip install 'turnwise\[local\]'"):
        connect(llama, {})

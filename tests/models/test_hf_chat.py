"""Local models: messages to tokens and back, so that what was sampled once is never written anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.message import Message, ToolCall, ToolSpec, assistant, system, user
from turnwise.model import Request, Sample, Sampling
from turnwise.models.hf import HFOptions, connect

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]'")

import tiny  # noqa: E402
from turnwise.models.hf.chat import Chat, Memory, Said  # noqa: E402
from turnwise.models.hf.known import KnownChat  # noqa: E402
from turnwise.models.hf.speech import message_of, wish_of  # noqa: E402
from turnwise.models.hf.template import TemplateChat  # noqa: E402

ADD = ToolSpec(name="add", parameters={"type": "object", "properties": {"a": {"type": "integer"}}})
TOKENS = tiny.tokenizer()
START, END = TOKENS.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])


def encode(text: str) -> list[int]:
    return list(TOKENS.encode(text, add_special_tokens=False))


def template(text: str = tiny.CHATML, **options: Any) -> TemplateChat:
    return TemplateChat(tiny.tokenizer(text), HFOptions(**options), frozenset({END}))


def known(**options: Any) -> KnownChat:
    chat = KnownChat.find("hf/test", HFOptions(renderer="qwen3", **options), TOKENS)
    assert chat is not None
    return chat


def read(
    chat: Chat, prompt: list[int], sampled: list[int], tools: Sequence[ToolSpec] = (), ordinal: int = 0
) -> Message:
    return chat.read(prompt, sampled, Request(messages=[], tools=tools, ordinal=ordinal))


def extend(
    chat: Chat,
    prompt: list[int],
    sampled: list[int],
    messages: list[Message],
    new: int,
    tools: Sequence[ToolSpec] = (),
) -> list[int] | None:
    """The prompt for all `messages`, after a call that ended before message number `new`."""
    return chat.extend(Said(messages[:new], tools, prompt, sampled), messages)


@pytest.fixture(params=["template", "renderers"])
def chat(request: pytest.FixtureRequest) -> Chat:
    return template() if request.param == "template" else known(keep_thoughts=True)


def test_words_as_the_template_would_write_them_extend_to_what_it_renders(chat: Chat) -> None:
    messages = [system("Be lazy."), user("Is it 50?")]
    prompt = chat.render(messages, [])
    sampled = [*encode("higher!"), END]
    assert read(chat, prompt, sampled) == assistant("higher!")
    messages += [assistant("higher!"), user("The lazy dog")]
    extended = extend(chat, prompt, sampled, messages, 3)
    assert extended is not None
    assert TOKENS.decode(extended) == (
        "<|im_start|>system\nBe lazy.<|im_end|>\n<|im_start|>user\nIs it 50?<|im_end|>\n"
        "<|im_start|>assistant\nhigher!<|im_end|>\n<|im_start|>user\nThe lazy dog<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


@settings(deadline=None, max_examples=60)
@given(
    sampled=st.lists(st.integers(3, len(TOKENS) - 1), max_size=12),
    ended=st.booleans(),
    said=st.text(max_size=20),
)
def test_sampled_tokens_stay_as_they_are(sampled: list[int], ended: bool, said: str) -> None:
    """The next prompt begins with what was sampled, closes the message once, and goes on as rendered."""
    chat = template()
    messages = [user("hi")]
    prompt = chat.render(messages, [])
    ids = [*sampled, END] if ended else sampled
    messages += [read(chat, prompt, ids), user(said)]
    extended = extend(chat, prompt, ids, messages, 2)
    assert extended is not None
    assert extended[: len(prompt) + len(ids)] == prompt + ids
    closing = "\n" if ended else "<|im_end|>\n"
    rest = f"{closing}<|im_start|>user\n{said}<|im_end|>\n<|im_start|>assistant\n"
    assert extended[len(prompt) + len(ids) :] == encode(rest)


def test_a_template_that_rewrites_the_past_is_followed() -> None:
    chat = template(tiny.FORGETFUL)
    messages = [user("hi")]
    prompt = chat.render(messages, [])
    thought = [*encode("<think>hmm</think>It is 3."), END]
    plain = [*encode("It is 3."), END]
    answer = assistant("<think>hmm</think>It is 3.")
    assert extend(chat, prompt, thought, [*messages, answer, user("so?")], 2) is None
    assert extend(chat, prompt, plain, [*messages, assistant("It is 3."), user("so?")], 2) is not None
    keeper = template(tiny.FORGETFUL, keep_thoughts=True)
    kept = extend(keeper, prompt, thought, [*messages, answer, user("so?")], 2)
    rest = "\n<|im_start|>user\nso?<|im_end|>\n<|im_start|>assistant\n"
    assert kept == [*prompt, *thought, *encode(rest)]
    memory = Memory(chat)
    memory.keep("a", messages, [], answer, prompt, thought)
    again = memory.prompt("a", [*messages, answer, user("so?")], [])
    assert "hmm" not in TOKENS.decode(again)
    assert "It is 3." in TOKENS.decode(again)


def test_a_format_of_renderers_drops_thoughts_at_the_users_next_message_unless_told() -> None:
    messages = [user("hi"), assistant("It is 3."), user("so?")]
    prompt = known().render(messages[:1], [])
    sampled = [*encode("<think>\nhmm\n</think>\n\nIt is 3."), END]
    said = read(known(), prompt, sampled)
    assert (said.reasoning, said.text) == ("hmm", "It is 3.")
    assert extend(known(), prompt, sampled, messages, 2) is None
    kept = extend(known(keep_thoughts=True), prompt, sampled, messages, 2)
    assert kept is not None
    assert kept[: len(prompt) + len(sampled)] == prompt + sampled


def test_another_end_than_the_templates_stands_for_it() -> None:
    other = TOKENS.convert_tokens_to_ids("<|endoftext|>")
    chat = TemplateChat(TOKENS, HFOptions(), frozenset({END, other}))
    messages = [user("hi"), assistant("yes"), user("so?")]
    prompt = chat.render(messages[:1], [])
    extended = extend(chat, prompt, [*encode("yes"), other], messages, 2)
    assert extended is not None
    assert TOKENS.decode(extended[len(prompt) :]).startswith("yes<|endoftext|>\n<|im_start|>user\nso?")


def test_only_the_same_session_tools_and_history_are_extended() -> None:
    chat = template()
    memory = Memory(chat)
    messages = [user("hi")]
    prompt = chat.render(messages, [])
    # Cut otherwise than the tokenizer would, so that a fresh rendering shows.
    sampled = [*encode("high"), *encode("er"), END]
    answer = assistant("higher")
    assert encode("higher") != sampled[:-1]
    memory.keep("a", messages, [], answer, prompt, sampled)
    later = [*messages, answer, user("so?")]
    assert memory.prompt("a", later, [])[len(prompt) :][: len(sampled)] == sampled
    for session, shown, tools in (
        ("b", later, []),
        ("a", later, [ADD]),
        ("a", [messages[0], assistant("lower"), user("so?")], []),
        ("a", [user("ho"), answer, user("so?")], []),
        ("a", messages, []),
    ):
        assert memory.prompt(session, shown, tools) == chat.render(shown, tools)
    memory.forget("a")
    assert memory.prompt("a", later, []) == chat.render(later, [])


@pytest.mark.parametrize("options", [{}, {"renderer": "qwen3", "keep_thoughts": True}])
def test_turns_of_a_session_extend_each_other(options: dict[str, Any], tmp_path: Path) -> None:
    model = connect(tiny.save(tmp_path), options)

    async def go() -> list[Sample]:
        messages: list[Message] = []
        samples: list[Sample] = []
        for turn in range(4):
            messages.append(user(f"hi {turn}"))
            request = Request(
                messages=list(messages),
                session="a",
                ordinal=turn,
                sampling=Sampling(max_tokens=10, temperature=0.8),
            )
            samples.append(await model.sample(request))
            messages.append(samples[-1].message)
        return samples

    samples = asyncio.run(go())
    for before, after in pairwise(samples):
        begin = [*(before.prompt_ids or ()), *(before.sampled_ids or ())]
        assert list(after.prompt_ids or ())[: len(begin)] == begin


def test_a_replayed_call_is_extended_as_a_live_one(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path)
    sampling = Sampling(max_tokens=10, temperature=1.0)
    first = Request(messages=[user("hi")], session="a", sampling=sampling)

    async def go(model: Any, replayed: Sample | None = None) -> list[Sample]:
        if replayed is None:
            said = await model.sample(first)
        else:
            model.replayed(first, said := replayed.message, replayed.sampled_ids)
        message = said.message if isinstance(said, Sample) else said
        messages = [user("hi"), message, user("so?")]
        second = Request(messages=messages, session="a", ordinal=1, sampling=sampling)
        return [said, await model.sample(second)]

    live = asyncio.run(go(connect(folder, {})))
    resumed = asyncio.run(go(connect(folder, {}), live[0]))
    assert resumed[1].prompt_ids == live[1].prompt_ids
    assert resumed[1].sampled_ids == live[1].sampled_ids


def call(name: str, arguments: str, place: int = 0) -> ToolCall:
    return ToolCall(id=f"call-4-{place}", name=name, arguments=arguments)


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        (
            '<tool_call>\n{"name": "add", "arguments": {"a":  1}}\n</tool_call>',
            "",
            [call("add", '{"a":  1}')],
        ),
        (
            'Well.\n<tool_call>{"name": "x"}</tool_call>'
            '<tool_call>{"name": "y", "arguments": "{}"}</tool_call>',
            "Well.",
            [call("x", "{}"), call("y", "{}", 1)],
        ),
        ('{"name": "add", "parameters": {"a": "}"}}', "", [call("add", '{"a": "}"}')]),
        ('<|python_tag|>{"name": "x"}; {"name": "y"}', "", [call("x", "{}"), call("y", "{}", 1)]),
        # Malformed, half written, or no call at all: text.
        ('<tool_call>{"name": "add", "arguments": {"a": 1}</tool_call>', None, []),
        ('<tool_call>{"name": "add"}', None, []),
        ('{"name": 3}', None, []),
        ('{"a": 1}', None, []),
        ('{"name": "x"}; {"nome": "y"}', None, []),
        ("{" * 100_000, None, []),
        ("3 < 4 and {so} on", None, []),
    ],
)
def test_tool_calls_in_text(text: str, content: str | None, calls: list[ToolCall]) -> None:
    message = message_of(text, 4, tools=True)
    assert message == assistant(text if content is None else content, tool_calls=tuple(calls))
    assert message_of(text, 4, tools=False) == assistant(text)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    assert message_of(text, 0, tools=True).text in text
    wish_of(text)


def test_thoughts_and_stop_strings() -> None:
    thought = message_of("<think>\nhm\n</think>\n\nIt is 3.", 0, tools=False)
    assert (thought.reasoning, thought.text) == ("hm", "It is 3.")
    opened = message_of("hm\n</think>\n\nIt is 3. END of it", 0, tools=False, thinking=True, stop=("END",))
    assert (opened.reasoning, opened.text) == ("hm", "It is 3. ")
    unfinished = message_of("<think>hm", 0, tools=False)
    assert (unfinished.reasoning, unfinished.text) == ("hm", "")
    assert message_of("a </think> b", 0, tools=False) == assistant("a </think> b")


def test_tool_calls_are_read_and_shown_again(chat: Chat) -> None:
    messages = [user("What is 1 and 2?")]
    prompt = chat.render(messages, [ADD])
    sampled = [*encode('<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'), END]
    said = read(chat, prompt, sampled, [ADD], 4)
    assert said == assistant("", tool_calls=(call("add", '{"a": 1}'),))
    messages += [said, Message(role="tool", content="3", tool_call_id="call-4-0", name="add")]
    extended = extend(chat, prompt, sampled, messages, 2, [ADD])
    assert extended is not None
    assert extended[: len(prompt) + len(sampled)] == prompt + sampled
    assert TOKENS.decode(chat.render(messages, [ADD])) == TOKENS.decode(extended)
    broken = [*encode('<tool_call>\n{"name": "add", "argum\n</tool_call>'), END]
    unread = read(chat, prompt, broken, [ADD], 4)
    assert unread.tool_calls == ()
    assert '{"name": "add", "argum' in unread.text

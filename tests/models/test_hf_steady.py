"""Local models: a turn is written at the cost of what it adds, where the chat template allows it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.message import Message, ToolCall, assistant, system, user
from turnwise.models.hf import HFOptions

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]'")

import tiny  # noqa: E402
from turnwise.models.hf.chat import Said, plain  # noqa: E402
from turnwise.models.hf.steady import is_steady, shortened  # noqa: E402
from turnwise.models.hf.template import TemplateChat  # noqa: E402

NEIGHBOURS = """\
{%- if messages[0].role == 'system' %}<<{{ messages[0].content }}>>{% endif %}
{%- for m in messages %}
{%- if m.role == 'tool' %}
{%- if loop.index0 == 0 or messages[loop.index0 - 1].role != 'tool' %}[results]{% endif %}
({{ m.content }})
{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}[end]{% endif %}
{%- elif not (m.role == 'system' and loop.first) %}
{%- set name = m.role | upper %}{{ name }}: {{ m.content }}
{%- for call in m.tool_calls or [] %}{{ loop.index }}/{{ loop.length }} {{ call.function.name }}{% endfor %};
{%- endif %}
{%- endfor %}{% if add_generation_prompt %}ASSISTANT: {% endif %}"""
"""What published templates do most: a system message first, tools' results in one frame."""
LAST_ONE = "{% for m in messages %}{% if loop.last %}thinking{% endif %}<{{ m.content }}>{% endfor %}"
STEADY = [tiny.CHATML, tiny.FORGETFUL, NEIGHBOURS, LAST_ONE]
LOOP = "{% for m in messages %}BODY{{ m.content }}{% endfor %}"
UNSTEADY = {
    "a number": LOOP.replace("BODY", "{{ loop.index }}"),
    "who speaks by turns": LOOP.replace("BODY", "{{ loop.index0 % 2 }}"),
    "how many come": LOOP.replace("BODY", "{{ loop.revindex }}"),
    "how many there are": LOOP + "{{ messages | length }}",
    "a count": "{% set n = namespace(v=0) %}" + LOOP.replace("BODY", "{% set n.v = n.v + 1 %}{{ n.v }}"),
    "a cycle": LOOP.replace("BODY", "{{ loop.cycle('a', 'b', 'c') }}"),
    "what went before": "{% set s = joiner('-') %}" + LOOP.replace("BODY", "{{ s() }}"),
    "what changes": LOOP.replace("BODY", "{{ loop.changed(m.role) }}"),
    "the third": "{{ messages[2].content }}" + LOOP,
    "two before": LOOP.replace("BODY", "{{ messages[loop.index0 - 2].role }}"),
    "the index of another loop": LOOP.replace(
        "BODY", "{% for c in m.tool_calls or [] %}{{ messages[loop.index0 + 1].role }}{% endfor %}"
    ),
    "a loop in a loop": LOOP.replace("BODY", "{% for o in messages %}{{ o.role }}{% endfor %}"),
    "some of them": "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
    "all but the first": "{% set rest = messages[1:] %}{% for m in rest %}{{ m.content }}{% endfor %}",
    "an end": LOOP.replace("BODY", "{% if m.content == 'stop' %}{% break %}{% endif %}"),
    "the loop itself": LOOP.replace("BODY", "{% set l = loop %}{{ l.index }}"),
    "no template": "{% for %}",
}


def exchanges(draw: Any) -> list[Message]:
    """A conversation of whole exchanges; the assistant's last answer may be followed by results or a user."""
    texts = st.text("ab <>;", max_size=5)
    said = [system(draw(texts))] if draw(st.booleans()) else []
    said.append(user(draw(texts)))
    for number in range(draw(st.integers(1, 6))):
        calls = tuple(
            ToolCall(id=f"{number}-{n}", name="add", arguments="{}") for n in range(draw(st.integers(0, 2)))
        )
        said.append(Message(role="assistant", content=draw(texts), tool_calls=calls))
        said += [Message(role="tool", content=draw(texts), tool_call_id=call.id) for call in calls]
        if not calls:
            said.append(user(draw(texts)))
    return said


tokenizer = cache(tiny.tokenizer)
conversations = st.composite(exchanges)()


@pytest.mark.parametrize("source", STEADY)
@settings(deadline=None, max_examples=60)
@given(messages=conversations)
def test_behind_an_answer_a_steady_template_writes_the_same_after_few_messages(
    source: str, messages: list[Message]
) -> None:
    assert is_steady(source)
    tokens = tokenizer(source)
    last = max(place for place, message in enumerate(messages) if message.role == "assistant")
    marked = [*messages[:last], assistant("@mark@"), *messages[last + 1 :]]

    def tail(shown: list[Message]) -> str:
        text: str = tokens.apply_chat_template(
            [plain(message) for message in shown], add_generation_prompt=True, tokenize=False
        )
        return text.rpartition("@mark@")[2]

    assert tail(shortened(marked, last)) == tail(marked)


@pytest.mark.parametrize("what", UNSTEADY)
def test_a_template_that_looks_further_is_not_steady(what: str) -> None:
    assert not is_steady(UNSTEADY[what])


def test_templates_by_name_are_not_steady() -> None:
    assert not is_steady({"default": tiny.CHATML})


@pytest.mark.parametrize("keep", [False, True])
def test_a_late_turn_is_made_of_as_few_messages_as_an_early_one(
    keep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = tiny.tokenizer()
    chat = TemplateChat(tokens, HFOptions(keep_thoughts=keep), frozenset())
    own, shown = tokens.apply_chat_template, list[int]()

    def counted(messages: list[Any], **more: Any) -> Any:
        shown.append(len(messages))
        return own(messages, **more)

    monkeypatch.setattr(tokens, "apply_chat_template", counted)
    messages, prompt = [user("go")], chat.render([user("go")], [])
    for turn in range(30):
        answer = list(tokens.encode(f"answer {turn}", add_special_tokens=False))
        before = [*messages, assistant(f"answer {turn}")]
        messages = [*before, user(f"word {turn}")]
        extended = chat.extend(Said(before, [], prompt, answer), messages)
        assert extended is not None
        prompt = extended
    # All but the answers' ends, which the template writes as it writes the conversation at once.
    whole = own([plain(message) for message in messages], add_generation_prompt=True, tokenize=False)
    assert tokens.decode(prompt) == whole
    assert max(shown) <= 4

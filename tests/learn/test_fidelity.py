"""The twelve ways in which tokens trained on come to differ from tokens sampled, each built by hand.

For each: the record stays exact, and the rows come out right, whichever way the client takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from toys import (
    BARE,
    END,
    FORGETFUL,
    NEWLINE,
    PLAIN,
    START,
    Toy,
    encode,
    faithful,
    learned,
    letters,
    logprob,
    talk,
    tokenizer,
)
from toys import play as played
from toys import rows as rows_of

from turnwise.agent import Agent, Entry
from turnwise.episode import Episode
from turnwise.errors import CapabilityError
from turnwise.learn.batch import Batch
from turnwise.learn.render import Renderer
from turnwise.learn.rows import Built, batch_of
from turnwise.message import Image, Message, Text, assistant, user
from turnwise.role import Role
from turnwise.tools.function import tool


def built(script: Any, agents: Any, **options: Any) -> Batch:
    batch = batch_of(played(script, agents), **options).batch
    assert faithful(batch)
    return batch


def told(batch: Batch, row: int = 0) -> str:
    return tokenizer().decode(batch.ids[batch.row_start[row] : batch.row_start[row + 1]].tolist())


def test_rows_of_the_card() -> None:
    """Prompts [1,2,3] -> [4,5]; then [1,2,3,4,5,6,7] -> [8]; or [1,2,3,99,5,6,7] -> [8]."""
    for second, expected in (
        ([1, 2, 3, 4, 5, 6, 7], [[1, 2, 3, 4, 5, 6, 7, 8]]),
        ([1, 2, 3, 99, 5, 6, 7], [[1, 2, 3, 4, 5], [1, 2, 3, 99, 5, 6, 7, 8]]),
    ):
        prompts = iter([[1, 2, 3], second])
        toy = Toy([[4, 5], [8]], feed=lambda _, prompts=prompts: list(next(prompts)))
        batch = built(talk("a", "b"), toy)
        assert [[token for token, _ in row] for row in rows_of(batch)] == expected
        assert [token for row in rows_of(batch) for token, mask in row if mask] == [4, 5, 8]
        assert learned(batch) == [[4, 5], [8]]


def test_f1_a_split_the_tokenizer_would_not_choose() -> None:
    odd = [*letters("lazy"), END]
    assert odd != [*encode("lazy"), END]
    says = [odd, [*encode("dog"), END]]
    batch = built(talk("The", "quick"), Toy(says))
    assert batch.rows == 1
    assert learned(batch) == says
    # A client that speaks text feeds other tokens the second time: another row, each as it was.
    batch = built(talk("The", "quick"), Toy(says, client="text"))
    assert batch.rows == 2
    assert learned(batch) == says
    assert told(batch, 1).startswith(told(batch, 0))


def test_f2_tokens_that_merge_across_a_border() -> None:
    says = [encode("la"), encode("dog")]
    assert encode("lazy") != encode("la") + encode("zy")
    log = talk("the ", "zy ")
    batch = built(log, Toy(says, template=BARE))
    assert (batch.rows, told(batch)) == (1, "the lazy dog")
    assert learned(batch) == says
    batch = built(log, Toy(says, template=BARE, client="text"))
    assert batch.rows == 2
    assert told(batch, 1) == "the lazy dog"
    assert learned(batch) == says


def test_f3_thoughts_that_the_template_strips() -> None:
    thought = [*encode("<think>lazy</think>"), *encode("higher"), END]
    says = [thought, [*encode("lower"), END]]
    for client in ("tokens", "text"):
        batch = built(talk("Is it 50?", "And 1?"), Toy(says, template=FORGETFUL, client=client))
        assert batch.rows == 2
        assert learned(batch) == says
        assert "<think>" in told(batch, 0)
        assert "<think>" not in told(batch, 1)
        # What was said in the first row is context in the second, not learned from twice.
        assert "higher" in told(batch, 1)
        assert [mask for _, mask in rows_of(batch)[1]].count(True) == len(says[1])


@tool
def add(a: int, b: int) -> str:
    """Add.

    Args:
        a: One number.
        b: Another.
    """
    return str(a + b)


def test_f4_a_tool_call_written_otherwise_than_json_writes_it() -> None:
    wish = '<tool_call>{"arguments":  {"b": 2,"a":1}, "name": "add"}</tool_call>'
    says = [[*encode(wish), END], [*encode("3"), END]]

    async def script(episode: Episode) -> None:
        turn = await episode.agent.respond("add", tools=[add])
        assert turn.text == "3"
        episode.reward(1.0, turn)

    batch = built(script, Toy(says))
    assert (batch.rows, learned(batch)) == (1, says)
    assert wish in told(batch)
    batch = built(script, Toy(says, client="text"))
    assert (batch.rows, learned(batch)) == (2, says)
    assert wish in told(batch, 0)
    assert wish not in told(batch, 1)
    assert batch.turns.reward.tolist() == [0.0, 1.0]


def test_f5_the_end_of_a_turn_is_learned_and_what_the_template_adds_is_not() -> None:
    says = [[*encode("yes"), END], [*encode("no"), END]]
    for template, behind in ((NEWLINE, "\n"), (PLAIN, "")):
        batch = built(talk("a", "b"), Toy(says, template=template))
        assert batch.rows == 1
        (row,) = rows_of(batch)
        masked = [token for token, mask in row if mask]
        assert masked.count(END) == 2
        first = next(place for place, (token, mask) in enumerate(row) if mask and token == END)
        added = [token for token, _ in row[first + 1 :]]
        assert tokenizer().decode(added).startswith(f"{behind}<|im_start|>user")
        assert not any(mask for _, mask in row[first + 1 : first + 1 + len(encode(behind)) + 1])


def test_f5_a_stop_token_that_is_the_next_speaker_s_mark() -> None:
    # Sampled to its end, which is at once the beginning of the next message; fed once, or by mistake twice.
    for double in (False, True):
        prompts = iter([[10, START], [10, START, 11, START, *([START] if double else []), 12, START]])
        toy = Toy([[11, START], [13, START]], feed=lambda _, prompts=prompts: list(next(prompts)))
        batch = built(talk("a", "b"), toy)
        assert batch.rows == 1
        again = [(START, False)] if double else []
        assert rows_of(batch)[0] == [
            *((10, False), (START, False), (11, True), (START, True)),
            *(*again, (12, False), (START, False), (13, True), (START, True)),
        ]


def test_f5_a_stop_string_that_ends_inside_a_token() -> None:
    # The token that completed the stop string goes on behind it; the message does not have it.
    (lazy,) = encode(" lazy")

    async def script(episode: Episode) -> None:
        first = await episode.agent.respond("the", stop=(" la",))
        assert first.text == "dog"
        await episode.agent.respond("b", stop=(" la",))

    says = [[*encode("dog"), lazy], [*encode("no"), END]]
    for client, count in (("tokens", 1), ("text", 2)):
        batch = built(script, Toy(says, client=client))
        assert (batch.rows, learned(batch)) == (count, says)


def test_f6_a_reply_that_was_cut_off() -> None:
    says = [encode("because it"), [*encode("no"), END]]
    batch = built(talk("why", "b"), Toy(says))
    assert batch.rows == 1
    assert learned(batch) == says
    assert batch.turn_cut is not None
    assert batch.turn_cut.tolist() == [True, False]
    (row,) = rows_of(batch)
    last = max(place for place, (_, mask) in enumerate(row[: -len(says[1])]) if mask)
    # Somebody else closed the turn.
    assert row[last + 1] == (END, False)


def test_f7_old_turns_are_written_otherwise_than_new_ones() -> None:
    dated = "{{ messages|length }} messages\n" + NEWLINE
    flagged = NEWLINE.replace("{{ message.role }}", "{{ message.role }}{{ '' if loop.last else ' old' }}")
    says = [[*encode("a"), END], [*encode("b"), END], [*encode("c"), END]]
    for template in (dated, flagged):
        batch = built(talk("x", "y", "z"), Toy(says, template=template))
        assert (batch.rows, learned(batch)) == (3, says)


class Window:
    """Shows the last entries only."""

    def __init__(self, size: int) -> None:
        self.size = size

    async def view(self, role: Role) -> Sequence[Entry]:
        return role.history[-self.size :]


class Summary:
    """Has the role itself sum up what is more than two entries back, once there are many."""

    async def view(self, role: Role) -> Sequence[Entry]:
        history = role.history
        if len(history) > 4 and "summary" not in role.memory:
            question = user("Sum up.")
            call = await role.sample([*history, Entry(question, question)])
            assert call.message is not None
            role.memory["summary"] = user(f"Before: {call.message.text}")
            role.memory["from"] = len(history) - 1
        summary = role.memory.get("summary")
        return [Entry(summary, summary), *history[role.memory["from"] :]] if summary else history


def test_f8_a_window_over_the_history() -> None:
    says = [[*encode(str(number)), END] for number in range(4)]
    log = played(talk("a", "b", "c", "d"), Agent(Toy(says), context=Window(3)))
    batch, report = batch_of(log)
    assert faithful(batch)
    # The second prompt still has everything: [a 0 b], then [b 1 c] and [c 2 d].
    assert (batch.rows, learned(batch)) == (3, says)
    assert [broken.call for broken in report.breaks["0 agent"]] == [2, 3]
    assert batch.turn_row.tolist() == [0, 0, 1, 2]


def test_f8_a_summary_is_learned_from_too() -> None:
    says = [[*encode(text), END] for text in ("0", "1", "sum", "2", "3")]
    batch = built(talk("a", "b", "c", "d"), Agent(Toy(says), context=Summary()))
    assert learned(batch) == says
    assert batch.turn_row.tolist() == [0, 0, 0, 1, 1]
    assert batch.turn_at is not None
    # The summary became no visible turn; the reward for the episode is with the last one.
    assert batch.turn_at.tolist() == [1, 3, -1, 5, 7]
    assert batch.turns.reward.tolist() == [0, 0, 0, 0, 1]


def test_f8_a_sub_agent_between_two_turns() -> None:
    says = [[*encode(text), END] for text in ("0", "sub 0", "1", "sub 1")]

    async def script(episode: Episode) -> None:
        await episode.agent.respond("a")
        question = user("You are a helper.")
        first = await episode.agent.sample([Entry(question, question)])
        await episode.agent.respond("b")
        more = user("Go on.")
        assert first.message is not None
        asked = [question, first.message, more]
        await episode.agent.sample([Entry(message, message) for message in asked])

    # The helper's second call extends its first, though others came between; text or not, by its tokens.
    batch = built(script, Toy(says, client="text"))
    assert (batch.rows, learned(batch)) == (2, says)
    assert batch.turn_row.tolist() == [0, 1, 0, 1]


def test_f9_a_placeholder_that_the_processor_expands() -> None:
    (mark,) = encode("@")

    def expanded(prompt: list[int]) -> list[int]:
        return [id_ for token in prompt for id_ in ([3, 3, 3, 3] if token == mark else [token])]

    says = [[*encode("a dog"), END], [*encode("two"), END]]
    batch = built(talk("@what?", "how many?"), Toy(says, client="text", feed=expanded))
    assert (batch.rows, learned(batch)) == (1, says)
    assert batch.ids.tolist().count(3) == 4


def test_f9_pictures_are_refused() -> None:
    toy = Toy([[*encode("a dog"), END]], feed=lambda _: [1, 2])
    toy.chat.render = lambda messages, tools: [1, 2]
    picture = Image(media_type="image/png", data=b"1")

    async def script(episode: Episode) -> None:
        await episode.agent.respond([Text(text="what?"), picture])

    with pytest.raises(CapabilityError, match="episode 0: call 0 of 'agent' was shown pictures"):
        batch_of(played(script, toy))


def test_f10_what_somebody_else_says_in_the_assistant_s_name() -> None:
    says = [[*encode("4"), END]]

    async def script(episode: Episode) -> None:
        for question, answer in (("1+1", "2"), ("2+2", "4")):
            episode.tell("agent", question)
            episode.tell("agent", assistant(answer))
        await episode.agent.respond("2+2")
        episode.agent.post("4")
        episode.reward(1.0)

    batch = built(script, Toy(says))
    assert batch.rows == 1
    assert batch.sampled.sum() == 2
    assert learned(batch) == says
    assert batch.sampled[-2:].all()


def test_f11_a_prompt_that_is_cut_on_the_left() -> None:
    says = [[*encode("yes"), END], [*encode("no"), END]]
    batch = built(talk("The quick brown fox", "b"), Toy(says, feed=lambda prompt: prompt[-12:]))
    assert batch.rows == 2
    assert [len(row) for row in rows_of(batch)] == [12 + len(said) for said in says]
    # The end token is the sampled one's own, in each row the last.
    assert all(row[-1] == (END, True) for row in rows_of(batch))


def test_f12_one_text_in_two_splits() -> None:
    usual, odd = [*encode("lazy"), END], [*letters("lazy"), END]
    says = [usual, odd, [*encode("dog"), END]]

    async def script(episode: Episode) -> None:
        role = episode.agent
        role.tell("the")
        await role.sample()
        role.post(await role.sample())
        await role.respond("b")

    batch = built(script, Toy(says))
    # The last prompt goes on behind the sample that was chosen, whose text is the other's, too.
    assert (batch.rows, learned(batch)) == (2, says)
    assert batch.turn_row.tolist() == [0, 1, 1]
    assert told(batch, 0) == told(batch, 1)[: len(told(batch, 0))]


def test_rendering_text_anew_is_told_and_is_found_out() -> None:
    """A builder that encodes texts again fails the test that the others pass."""
    says = [[*letters("lazy"), END], [*encode("dog"), END]]
    log = played(talk("The", "quick"), Toy(says))
    text = msgspec.structs.replace(
        log,
        calls=tuple(
            msgspec.structs.replace(call, added_ids=None, sampled_ids=None, logprobs=None)
            for call in log.calls
        ),
    )
    with pytest.raises(CapabilityError, match="call 0 of 'agent' has no token ids, only text"):
        batch_of(text)
    with pytest.warns(UserWarning, match="2 calls were rendered from text"):
        built = batch_of(text, text="render", renderer=Renderer(tokenizer()))
    assert isinstance(built, Built)
    assert "not the tokens that were sampled" in str(built.report)
    batch = built.batch
    assert learned(batch) == [[*encode("lazy"), END], says[1]]
    assert all(value != value for value in batch.logprobs[batch.sampled])
    ids = batch.ids.tolist()
    sampled = [place for place, mask in enumerate(batch.sampled) if mask]
    recorded = [value for call in log.calls for value in call.logprobs or ()]
    assert [logprob(ids[:place], ids[place]) for place in sampled] != pytest.approx(recorded)


def test_a_message_is_never_asked_who_spoke() -> None:
    """Even a user's message that repeats a sample, token for token, is context."""
    said = [*encode("yes"), END]

    async def script(episode: Episode) -> None:
        await episode.agent.respond("a")
        await episode.agent.respond(Message(role="assistant", content="yes"))

    batch = built(script, Toy([said, said]))
    assert learned(batch) == [said, said]
    assert batch.sampled.sum() == 2 * len(said)

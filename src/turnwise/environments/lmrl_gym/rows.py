"""The shapes of LMRL-Gym's published rows, each read into one: texts, who said them, and what they earned.

- `steps`, a list of `{state, action, reward, done}`: the fully observed maze and chess, one context a move.
- `{text_history, rewards, dones}`: the partially observed maze (a reward for every text), Text-Nav (a reward
  for every command).
- `{sequence, reward, done}`: Wordle, each text with whether it is an action.
- `{lines, correct, word}`: 20 Questions and Guess My City, a question and its answer in one line; also
  as ArCHer's copy has it, `{conversation, done, word}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec

QUESTIONS = 20
"""Questions a guessing game may have."""
_START = "Questions:\n"


class Text(NamedTuple):
    """One text of an episode."""

    text: str
    said: bool
    """Whether the agent said it."""
    reward: float = 0.0
    """What it earned; only what was said earns anything."""


class Trajectory(NamedTuple):
    """An episode as the benchmark has it."""

    texts: tuple[Text, ...]
    done: bool
    """Whether it came to its end."""
    window: int | None = None
    """How many texts the agent saw; None is all of them."""


class _Step(msgspec.Struct):
    state: str
    action: str
    reward: float
    done: bool = False


class _Texts(msgspec.Struct):
    text_history: list[str]
    rewards: list[float]
    dones: list[bool]


class _Sequence(msgspec.Struct):
    sequence: list[tuple[str, float]]
    reward: list[float]
    done: bool


class _Questions(msgspec.Struct):
    lines: list[str]
    correct: bool


class _Archer(msgspec.Struct):
    conversation: list[str]
    done: bool


def trajectory(row: Any) -> Trajectory:
    """What a published row says.

    Raises:
        ValueError: it has none of the shapes, or lists that do not belong together; names the field.
    """
    if isinstance(row, list):
        return _of_steps(msgspec.convert(row, list[_Step]))
    keys = set(cast("dict[str, Any]", row)) if isinstance(row, dict) else set[str]()
    if "text_history" in keys:
        return _of_texts(msgspec.convert(row, _Texts))
    if "sequence" in keys:
        return _of_sequence(msgspec.convert(row, _Sequence))
    if "conversation" in keys:
        copy = msgspec.convert(row, _Archer)
        return _of_lines(copy.conversation, copy.done)
    if "lines" in keys and "correct" in keys:
        questions = msgspec.convert(row, _Questions)
        return _of_lines(questions.lines, questions.correct)
    raise ValueError(
        "expected a list of steps, or an object with text_history, sequence, conversation or lines"
    )


def _of_steps(steps: Sequence[_Step]) -> Trajectory:
    texts = [
        text for step in steps for text in (Text(step.state, False), Text(step.action, True, step.reward))
    ]
    return Trajectory(tuple(texts), bool(steps) and steps[-1].done, window=1)


def _of_texts(row: _Texts) -> Trajectory:
    """A history that begins with what was observed; rewards for every text, or for every action."""
    said = [number % 2 == 1 for number in range(len(row.text_history))]
    every = len(row.rewards) == len(said)
    if not every and len(row.rewards) != sum(said):
        raise ValueError(f"rewards: {len(row.rewards)} of them for {len(said)} texts")
    rewards = row.rewards[1::2] if every else row.rewards
    return Trajectory(
        _rewarded(row.text_history, said, rewards),
        bool(row.dones) and row.dones[-1],
        window=40 if every else None,
    )


def _of_sequence(row: _Sequence) -> Trajectory:
    """Rewards begin with the first action, the second text."""
    said = [bool(action) for _, action in row.sequence]
    if len(row.reward) != len(said) - 1:
        raise ValueError(f"reward: {len(row.reward)} of them for {len(said)} texts; expected one less")
    rewards = [reward for reward, action in zip(row.reward, said[1:], strict=True) if action]
    return Trajectory(_rewarded([text for text, _ in row.sequence], said, rewards), row.done)


def _of_lines(lines: Sequence[str], correct: bool) -> Trajectory:
    """Every question costs 1, but for the last one where it was the answer."""
    texts = [Text(_START, False)]
    for number, line in enumerate(lines):
        question, mark, answer = line.rpartition("? ")
        if not mark:
            raise ValueError(f"line {number}: expected a question, `? ` and its answer, got {line[:60]!r}")
        right = correct and number == len(lines) - 1
        texts += [Text(f"{question}?\n", True, 0.0 if right else -1.0), Text(f"{answer}\n", False)]
    return Trajectory(tuple(texts), correct or len(lines) >= QUESTIONS)


def _rewarded(texts: Sequence[str], said: Sequence[bool], rewards: Sequence[float]) -> tuple[Text, ...]:
    """The texts, those that were said with their rewards in order."""
    given = iter(rewards)
    return tuple(
        Text(text, action, next(given) if action else 0.0) for text, action in zip(texts, said, strict=True)
    )


def maze_steps(told: Trajectory) -> list[dict[str, Any]]:
    """The fully observed maze's row."""
    pairs = list(zip(told.texts[::2], told.texts[1::2], strict=False))
    return [
        {
            "state": seen.text,
            "action": _line(said.text),
            "reward": said.reward,
            "done": told.done and number == len(pairs),
        }
        for number, (seen, said) in enumerate(pairs, 1)
    ]


def maze_texts(told: Trajectory) -> dict[str, Any]:
    """The partially observed maze's row."""
    count = len(told.texts)
    return {
        "text_history": [_line(text.text) for text in told.texts],
        "rewards": [text.reward for text in told.texts],
        "dones": [told.done and number >= count - 2 for number in range(count)],
    }


def text_nav(told: Trajectory) -> dict[str, Any]:
    """Text-Nav's row; it calls the last command done, whatever came of it."""
    rewards = [text.reward for text in told.texts if text.said]
    return {
        "text_history": [text.text.strip() for text in told.texts],
        "rewards": rewards,
        "dones": [number == len(rewards) for number in range(1, len(rewards) + 1)],
    }


def wordle(told: Trajectory) -> dict[str, Any]:
    """Wordle's row, letters apart."""
    spaced = [
        " ".join(text.text.strip().replace(" ", "")) + "\n" if text.said else text.text for text in told.texts
    ]
    return {
        "sequence": [[text, float(was.said)] for text, was in zip(spaced, told.texts, strict=True)],
        "reward": [text.reward for text in told.texts[1:]],
        "done": told.done,
    }


def _line(text: str) -> str:
    return text.removesuffix("\n") + "\n"

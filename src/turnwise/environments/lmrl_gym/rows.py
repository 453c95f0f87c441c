"""The shapes of LMRL-Gym's published rows, each read into one: texts, who said them, and what they earned.

- `steps`, a list of `{state, action, reward, done}`: the fully observed maze, chess and endgames, one context
  a move.
- `{from_state, action}`, perhaps with `reward` and `done`: chess and endgames for behaviour cloning, a move a
  row in any order, so that each is an episode of its own.
- `{text_history, rewards, dones}`: the partially observed maze (a reward for every text), Text-Nav (a reward
  for every command).
- `{sequence, reward, done}`: Wordle, each text with whether it is an action.
- `{lines, correct, word}`: 20 Questions and Guess My City, a question and its answer in one line; also
  as ArCHer's copy has it, `{conversation, done, word}`.
- `{buyer_info, lines, output}`: Car Dealer, what both said, and how the buyer decided.

`published` writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import msgspec

from turnwise.environments.lmrl_gym.car_dealer.deal import Decision, Mode, worth
from turnwise.environments.lmrl_gym.chess.notation import position, spread

QUESTIONS = 20
"""Questions a guessing game may have."""
_QUESTIONS, _DEALER = "Questions:\n", "Start\n"
"""What the environment says first where rows leave it out."""
_NOTHING: Mapping[str, Any] = {}


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
    task: Mapping[str, Any] = _NOTHING
    """What there was to do, as far as the row tells: the fields of the environment's task, or `word`."""
    metrics: Mapping[str, float] = _NOTHING
    """How it ended, named as the environment's metrics are."""


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


class _Move(msgspec.Struct):
    from_state: str
    action: str
    reward: float = 0.0
    done: bool = False


class _Questions(msgspec.Struct):
    lines: list[str]
    correct: bool
    word: list[str] | str = ""


class _Archer(msgspec.Struct):
    conversation: list[str]
    done: bool
    word: list[str] | str = ""


class _Buyer(msgspec.Struct):
    personality: str
    preferred_brands: str
    preferred_type: str
    preferred_features: list[str]
    budget: int


class _Line(msgspec.Struct):
    role: Literal["Seller", "Buyer"]
    text: str


class _Output(msgspec.Struct):
    car_bought: bool
    msrp: int
    buy_price: int | None = None


class _Deal(msgspec.Struct):
    buyer_info: _Buyer
    lines: list[_Line]
    output: _Output | None = None


def trajectory(row: Any, *, questions: int = QUESTIONS, reward: Mode = "fancy") -> Trajectory:
    """What a published row says.

    Args:
        row: As it was decoded from JSON.
        questions: How many a guessing game had.
        reward: What a deal of Car Dealer is worth; its rows tell no rewards.

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
    if "from_state" in keys:
        return _of_move(msgspec.convert(row, _Move))
    if "buyer_info" in keys:
        return _of_deal(msgspec.convert(row, _Deal), reward)
    if "conversation" in keys:
        copy = msgspec.convert(row, _Archer)
        return _of_lines(copy.conversation, copy.done, copy.word, questions)
    if "lines" in keys and "correct" in keys:
        game = msgspec.convert(row, _Questions)
        return _of_lines(game.lines, game.correct, game.word, questions)
    raise ValueError(
        "expected a list of steps, or an object with text_history, sequence, from_state, conversation, "
        "lines and correct, or buyer_info"
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


def _of_move(row: _Move) -> Trajectory:
    """One move of a game; positions and moves are spread out, as the environment shows them."""
    return _of_steps(
        [_Step(spread(position(row.from_state.strip())), _move(row.action), row.reward, row.done)]
    )


def _move(text: str) -> str:
    return spread(text.replace(" ", "").strip()) + "\n"


def _of_lines(lines: Sequence[str], correct: bool, word: list[str] | str, questions: int) -> Trajectory:
    """Every question costs 1, but for the last one where it was the answer."""
    texts = [Text(_QUESTIONS, False)]
    for number, line in enumerate(lines):
        question, mark, answer = line.rpartition("? ")
        if not mark:
            raise ValueError(f"line {number}: expected a question, `? ` and its answer, got {line[:60]!r}")
        right = correct and number == len(lines) - 1
        texts += [Text(f"{question}?\n", True, 0.0 if right else -1.0), Text(f"{answer}\n", False)]
    words = [word] if isinstance(word, str) else word
    return Trajectory(
        tuple(texts),
        correct or len(lines) >= questions,
        task={"word": words},
        metrics={"success": float(correct)},
    )


def _of_deal(row: _Deal, reward: Mode) -> Trajectory:
    """A conversation; what the deal is worth is the reward of the last thing the seller said."""
    texts = list(_joined(row.lines))
    made = row.output and Decision(row.output.car_bought, row.output.msrp, row.output.buy_price)
    said = [number for number, text in enumerate(texts) if text.said]
    if made is not None and said:
        last = texts[said[-1]]
        texts[said[-1]] = last._replace(reward=worth(row.buyer_info.budget, made, reward))
    buyer = row.buyer_info
    return Trajectory(
        (Text(_DEALER, False), *texts),
        made is not None,
        task={
            "personality": buyer.personality,
            "brand": buyer.preferred_brands,
            "type": buyer.preferred_type,
            "features": buyer.preferred_features,
            "budget": buyer.budget,
        },
        metrics={}
        if made is None
        else {"sold": float(made.bought), "msrp": float(made.msrp), "price": float(made.price or 0)},
    )


def _joined(lines: Iterable[_Line]) -> Iterable[Text]:
    """Each line as a text; what the seller says without an answer between is one."""
    pending: list[str] = []
    for line in lines:
        if line.role == "Seller":
            pending.append(line.text.rstrip("\n"))
            continue
        if pending:
            yield Text(" ".join(pending) + "\n", True)
            pending = []
        yield Text(line.text.rstrip("\n") + "\n", False)
    if pending:
        yield Text(" ".join(pending) + "\n", True)


def _rewarded(texts: Sequence[str], said: Sequence[bool], rewards: Sequence[float]) -> tuple[Text, ...]:
    """The texts, those that were said with their rewards in order."""
    given = iter(rewards)
    return tuple(
        Text(text, action, next(given) if action else 0.0) for text, action in zip(texts, said, strict=True)
    )

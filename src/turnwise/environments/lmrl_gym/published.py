"""LMRL-Gym's published rows, written from episodes; `rows` reads them and says what each looks like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from turnwise.environments.games.twenty_questions.table import table
from turnwise.environments.lmrl_gym.chess.notation import position, spread
from turnwise.environments.lmrl_gym.guess_my_city.table import atlas
from turnwise.environments.lmrl_gym.rows import Trajectory


def maze_steps(told: Trajectory) -> list[dict[str, Any]]:
    """The fully observed maze's row."""
    return _steps(told, [_line(text.text) if text.said else text.text for text in told.texts])


def chess_steps(told: Trajectory) -> list[dict[str, Any]]:
    """The row of chess and endgames: a step for each move of White, characters apart."""
    texts = [
        spread(text.text.replace(" ", "").strip()) + "\n"
        if text.said
        else spread(position(text.text.strip()))
        for text in told.texts
    ]
    return _steps(told, texts)


def _steps(told: Trajectory, texts: Sequence[str]) -> list[dict[str, Any]]:
    """A step for each thing said, with the text before it."""
    said = [number for number, text in enumerate(told.texts) if text.said]
    return [
        {
            "state": texts[number - 1],
            "action": texts[number],
            "reward": told.texts[number].reward,
            "done": told.done and number == said[-1],
        }
        for number in said
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
        spread(text.text.strip().replace(" ", "")) + "\n" if text.said else text.text for text in told.texts
    ]
    return {
        "sequence": [[text, float(was.said)] for text, was in zip(spaced, told.texts, strict=True)],
        "reward": [text.reward for text in told.texts[1:]],
        "done": told.done,
    }


def questions(told: Trajectory) -> dict[str, Any]:
    """The row of 20 Questions and Guess My City: a question and its answer in one line."""
    asked = [_question(text.text) for text in told.texts if text.said]
    heard = [text.text.strip() for text in told.texts[1:] if not text.said]
    return {
        "lines": [f"{question} {answer}" for question, answer in zip(asked, heard, strict=False)],
        "correct": told.metrics.get("success") == 1,
        "word": _words(told),
    }


def car_dealer(told: Trajectory) -> dict[str, Any]:
    """Car Dealer's row; where the buyer did not decide, it has no output."""
    row: dict[str, Any] = {
        "buyer_info": {
            "personality": told.task["personality"],
            "preferred_brands": told.task["brand"],
            "preferred_type": told.task["type"],
            "preferred_features": list(told.task["features"]),
            "budget": told.task["budget"],
        },
        "lines": [
            {"role": "Seller" if text.said else "Buyer", "text": text.text.strip()}
            for text in told.texts[1:]
            # A buyer who says its decision alone has said nothing that the seller could hear.
            if text.said or text.text.strip()
        ],
    }
    if "msrp" in told.metrics:
        sold = told.metrics["sold"] == 1
        row["output"] = {
            "car_bought": sold,
            "msrp": int(told.metrics["msrp"]),
            "buy_price": (int(told.metrics["price"]) or None) if sold else None,
        }
    return row


def _question(text: str) -> str:
    asked = text.strip()
    return asked if asked.endswith("?") else f"{asked}?"


def _words(told: Trajectory) -> list[str]:
    """What the thing to be guessed is called; a city as `City,Country`."""
    if "object" in told.task:
        return list(table().things[told.task["object"]].names)
    if "city" in told.task:
        city = told.task["city"]
        return [f"{city},{atlas().cities[city].country}"]
    return list(told.task["word"])


def _line(text: str) -> str:
    return text.removesuffix("\n") + "\n"

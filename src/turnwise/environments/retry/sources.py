"""Problems to try again: a few of our own, GSM8K's, and EARL's arithmetic."""

from __future__ import annotations

import random
from typing import Literal, TypeAlias

import msgspec

from turnwise import data
from turnwise.environments.earl.expression import Draw, shown
from turnwise.errors import TaskError
from turnwise.task import Task

Source: TypeAlias = Literal["sample", "gsm8k", "arithmetic"]
Split: TypeAlias = Literal["train", "test"]


class RetryTask(Task, frozen=True, kw_only=True):
    """A problem with one right answer, a number or a text."""

    question: str
    answer: str


_SAMPLE: dict[Split, tuple[tuple[str, str], ...]] = {
    "train": (
        ("Ilse buys 3 notebooks for $4 each and a pen for $2. She pays with $20. What is her change?", "6"),
        ("A bus starts with 23 people. 9 get off and twice as many get on. How many are on it now?", "32"),
        ("A field of 60 rows has 85 plants in each. A tenth of all plants die. How many live?", "4,590"),
        ("Tom is 7 years older than Ana. In 5 years they will be 41 together. How old is Ana?", "12"),
    ),
    "test": (
        ("A pool of 1,800 litres loses 25 litres an hour. How much is in it after 12 hours?", "1,500"),
        ("Rita runs 4 km on each weekday and 10 km on Saturday. How far does she run in 3 weeks?", "90"),
        ("A shirt costs $40. It gets 15% cheaper, and then $4 more off. What does it cost then?", "30"),
        ("Six friends share 5 pizzas of 12 slices. Each eats 8 slices. How many slices are left?", "12"),
        ("A clock loses 3 minutes a day. How many whole days until it is more than an hour slow?", "21"),
        ("Two taps fill 7 and 5 litres a minute. How many seconds until a bucket of 9 litres is full?", "45"),
    ),
}


def sample(split: Split, count: int) -> list[RetryTask]:
    """The first of our own problems."""
    return [
        RetryTask(id=f"{split}-{number}", question=question, answer=answer)
        for number, (question, answer) in enumerate(_SAMPLE[split][:count])
    ]


class _Row(msgspec.Struct):
    question: str
    answer: str


def gsm8k(split: Split, count: int) -> list[RetryTask]:
    """The first rows of GSM8K (Cobbe et al. 2021, MIT licence), from `gsm8k/train.jsonl` or `test.jsonl`.

    Raises:
        ConfigError: where the file is not there.
        TaskError: naming the line that does not fit.
    """
    path = data.path(f"gsm8k/{split}.jsonl")
    tasks: list[RetryTask] = []
    for number, line in enumerate(path.read_bytes().splitlines()[:count]):
        try:
            row = msgspec.json.decode(line, type=_Row)
        except msgspec.DecodeError as error:
            raise TaskError(f"{path}:{number + 1}: {error}; expected a question and an answer") from None
        _, mark, answer = row.answer.rpartition("####")
        if not mark:
            raise TaskError(f"{path}:{number + 1}: expected '#### ' and the number at the end of the answer")
        tasks.append(RetryTask(id=f"{split}-{number}", question=row.question, answer=answer.strip()))
    return tasks


def arithmetic(split: Split, count: int, draw: Draw, operations: int) -> list[RetryTask]:
    """Expressions to compute, drawn as EARL draws them; a value that is not whole has three decimals."""
    first = 0 if split == "train" else 1 << 31
    tasks: list[RetryTask] = []
    for number in range(count):
        drawn = draw.expression(random.Random(first + number), operations)
        question = f"What is {drawn.said}? Give three decimals where it is not whole."
        tasks.append(RetryTask(id=f"{split}-{number}", question=question, answer=shown(drawn.value)))
    return tasks

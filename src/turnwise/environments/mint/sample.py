"""Problems of our own, of each of MINT's kinds, so that the environment runs with no download."""

from __future__ import annotations

from typing import Any

from turnwise.environments.mint.build import build
from turnwise.environments.mint.rows import MintTask, Source

_INTEGER = " Solution output format: an integer."

_PROBLEMS: tuple[tuple[Source, dict[str, Any]], ...] = (
    (
        "gsm8k",
        {
            "prompt": "A baker fills 14 trays with 12 rolls each. A quarter of the rolls is sold before "
            "noon, and 50 more after it. How many rolls are left?" + _INTEGER,
            "reference": "76",
        },
    ),
    (
        "gsm8k",
        {
            "prompt": "Oda reads 18 pages on Monday. On each day after it she reads 5 pages more than on the "
            "day before. On which day of her reading, counted from 1, has she read 250 pages or more in all?"
            + _INTEGER,
            "reference": "8",
        },
    ),
    (
        "math",
        {
            "prompt": "How many integers $n$ with $1 \\le n \\le 1000$ are divisible by $6$ or by $8$, but "
            "not by both?",
            "reference": "209.0",
        },
    ),
    (
        "math",
        {
            "prompt": "Find the sum of all primes $p < 100$ for which $p + 2$ is prime, too.",
            "reference": "236.0",
        },
    ),
    (
        "hotpotqa",
        {
            "prompt": "The ferry Alma was built in Turku in 1931, the ferry Berta in Kiel in 1929. Were they "
            "built in the same country?",
            "reference": "no",
        },
    ),
    (
        "hotpotqa",
        {
            "prompt": "Which sea does the river flow into on which the capital of Austria lies?",
            "reference": "Black Sea",
        },
    ),
    (
        "mmlu",
        {
            "prompt": "What is the remainder when 7^2026 is divided by 100?\n"
            "Options: A ) 1 , B ) 7 , C ) 43 , D ) 49",
            "reference": "d",
        },
    ),
    (
        "mmlu",
        {
            "prompt": "Which of these gases makes up most of dry air?\n"
            "Options: A ) Oxygen , B ) Nitrogen , C ) Argon , D ) Carbon dioxide",
            "reference": "b",
        },
    ),
    (
        "theoremqa",
        {
            "prompt": "What is the expected number of throws of a fair die until each of its six faces has "
            "come up? Output format required: float",
            "reference": 14.7,
            "answer_type": "float",
        },
    ),
    (
        "theoremqa",
        {
            "prompt": "Is the graph K_{3,3} planar? Output format required: bool",
            "reference": False,
            "answer_type": "bool",
        },
    ),
    (
        "theoremqa",
        {
            "prompt": "Which positive integers x below 20 satisfy x^2 = 1 modulo 20? Output format required: "
            "list of integers, such as [1, 2, 3]",
            "reference": [1, 9, 11, 19],
            "answer_type": "list of integer",
        },
    ),
    (
        "mbpp",
        {
            "prompt": '"""\nWrite a function to find the longest run of equal items in a list, as the item '
            "and its count; of equally long runs the first.\n"
            'assert longest_run([1, 1, 2, 2, 2, 1]) == (2, 3)\n"""\n',
            "reference": "assert longest_run([1, 1, 2, 2, 2, 1]) == (2, 3)\n"
            'assert longest_run(["a"]) == ("a", 1)\nassert longest_run([5, 5, 4, 4]) == (5, 2)',
            "code": "from itertools import groupby\n\ndef longest_run(items):\n"
            "    runs = [(item, len(list(run))) for item, run in groupby(items)]\n"
            "    return max(runs, key=lambda run: run[1])\n",
        },
    ),
    (
        "humaneval",
        {
            "prompt": 'def balanced(text: str) -> bool:\n    """Whether the brackets ()[]{} in a text close '
            'in the right order.\n    >>> balanced("(a[b])")\n    True\n'
            '    >>> balanced("([)]")\n    False\n    """',
            "reference": 'def check(candidate):\n    assert candidate("(a[b])")\n    assert candidate("")\n'
            '    assert not candidate("([)]")\n    assert not candidate("((")\n'
            '    assert not candidate("}")\n'
            "\n\ncheck(balanced)",
            "canonical_solution": '    pairs = {")": "(", "]": "[", "}": "{"}\n    waiting = []\n'
            "    for sign in text:\n        if sign in pairs.values():\n            waiting.append(sign)\n"
            "        elif sign in pairs and (not waiting or waiting.pop() != pairs[sign]):\n"
            "            return False\n    return not waiting\n",
        },
    ),
)


def sample() -> list[MintTask]:
    """Thirteen problems, in the order of MINT's sources."""
    return [
        build(source, {**row, "id": number}, name=f"sample/{number}-{source}")
        for number, (source, row) in enumerate(_PROBLEMS, start=1)
    ]

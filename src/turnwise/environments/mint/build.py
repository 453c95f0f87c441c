"""Builds tasks from MINT's raw rows, one way for each source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from turnwise.environments.mint.rows import MintTask, Source

_THEOREM = "Answer the following question with a number, a list of numbers or True or False. "


def build(source: Source, row: dict[str, Any], *, name: str | None = None) -> MintTask:
    """The task of one raw row; called `source/id` unless a name is given.

    Raises:
        KeyError: for a field that is missing, or an option that is not there.
    """
    return _BUILDERS[source](source, name or f"{source}/{row['id']}", row)


def options(prompt: str) -> dict[str, str]:
    """The options that end an MMLU prompt, `Options: A ) 6 , B ) 121 , …`, by lower-case letter."""
    found: dict[str, str] = {}
    for option in prompt.split("Options: ")[-1].split(" , "):
        letter, _, text = option.partition(")")
        found[letter.strip("[]' ").lower()] = text.strip()
    return found


def _plain(source: Source, name: str, row: dict[str, Any]) -> MintTask:
    reference = str(row["reference"]).strip().lower()
    prompt = row["prompt"].strip()
    return MintTask(id=name, source=source, prompt=prompt, reference=reference, solution=row["reference"])


def _choice(source: Source, name: str, row: dict[str, Any]) -> MintTask:
    reference = row["reference"].strip().lower()
    choices = options(row["prompt"])
    return MintTask(
        id=name,
        source=source,
        prompt=row["prompt"],
        reference=reference,
        options=choices,
        solution=f"{reference.upper()}) {choices[reference]}",
    )


def _theorem(source: Source, name: str, row: dict[str, Any]) -> MintTask:
    reference = row["reference"]
    return MintTask(
        id=name,
        source=source,
        prompt=_THEOREM + row["prompt"].strip(),
        reference=reference,
        answer_type=row["answer_type"],
        solution=f"({reference})" if row["answer_type"] == "option" else str(reference),
    )


def _humaneval(source: Source, name: str, row: dict[str, Any]) -> MintTask:
    return MintTask(
        id=name,
        source=source,
        prompt="Complete the following code:\n\n" + row["prompt"],
        reference=row["reference"],
        solution=f"{row['prompt']}\n{row['canonical_solution']}",
    )


def _mbpp(source: Source, name: str, row: dict[str, Any]) -> MintTask:
    return MintTask(
        id=name,
        source=source,
        prompt=row["prompt"].replace('"""', "").strip(),
        reference=row["reference"],
        solution=row["code"].replace("\r\n", "\n"),
    )


_BUILDERS: dict[Source, Callable[[Source, str, dict[str, Any]], MintTask]] = {
    "gsm8k": _plain,
    "hotpotqa": _plain,
    "math": _plain,
    "mmlu": _choice,
    "theoremqa": _theorem,
    "humaneval": _humaneval,
    "mbpp": _mbpp,
}

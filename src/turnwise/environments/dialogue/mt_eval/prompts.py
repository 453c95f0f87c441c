"""What MT-Eval says: the instructions that open its dialogues and the prompts of its judge.

The wording is ours; contents, order and the markers that data and parsers rely on ("Content: ",
"Instruction: ", the JSON keys `Rationale` and `Score`) are the benchmark's.
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.environments.dialogue.mt_eval.rows import TOPICS
from turnwise.environments.dialogue.mt_eval.text import count_sentences, count_words

SYSTEM = "You are an assistant who is helpful, respectful and honest."
"""What every dialogue begins with."""

_LABELS = "\n".join(TOPICS)

CLASSIFY_ALL = (
    "I will send you one document a turn. Each belongs to one of these categories:\n"
    f"{_LABELS}\n\n"
    "Classify each document: answer with its category and with nothing else. "
    "If this is clear, reply OK."
)
CLASSIFY_LATER = (
    "Classify the content given at the beginning. Choose one of these labels: "
    f"{', '.join(TOPICS)}. Answer with the right label only, without explanation or anything more."
)
"""The classification turn of an expansion dialogue."""
SHORT = "Keep each response below 200 words."
"""Said with every global instruction (none of the fourteen limits words itself); not checked."""
READ = "Read this content. My instructions about it will follow. Reply OK."
"""Closes a turn that brings the document alone, where distractors part it from the questions."""


def classify_one(document: str) -> str:
    """The single-turn form of a classification."""
    return (
        "The document below belongs to one of these categories:\n"
        f"{_LABELS}\n\n"
        "Classify it: answer with its category and with nothing else.\n"
        f"Document: {document}\nCategory:"
    )


def with_content(content: str, instruction: str) -> str:
    """A query with the document it is about."""
    return f"Content: {content}\n\nInstruction: {instruction}"


def instruction_in(query: str) -> str:
    """The query without the document, where it brings one."""
    return query.split("Instruction: ")[-1]


_FORM = """\
Answer in JSON of exactly this form:
```json
{
  "Rationale": "<why you score it so>",
  "Score": <an integer from 1 to 10>
}
```"""

_COUNTS = "Where words or sentences are limited or asked for, rely on the counts given here, not on your own."


def _counts(response: str) -> str:
    return (
        f"Number of words in the response: {count_words(response)}\n"
        f"Number of sentences in the response: {count_sentences(response)}"
    )


def rate_expansion(document: str, constraint: str, response: str) -> str:
    """The judge's prompt for a turn of an expansion dialogue (no counts, as published)."""
    return (
        "Rate how well the response below meets the constraints about the article. Give an integer from 1 to "
        "10 for how helpful, relevant and accurate it is. Explain your rating before you give it.\n\n"
        f"Article:\n{document}\n\nConstraints:\n{constraint}\n\nResponse to rate:\n{response}\n\n{_FORM}"
    )


def rate_refinement(document: str, constraints: Sequence[str], response: str, *, alone: bool) -> str:
    """The judge's prompt for a refinement: all constraints so far, or (`alone`) the merged one."""
    listed, override = constraints[-1], ""
    if not alone:
        listed = "\n".join(f"{number}. {text}" for number, text in enumerate(constraints, start=1))
        override = " Where a later constraint contradicts an earlier one, only the later one counts."
    return (
        "Rate how well the response below meets the constraints about the article. Give an integer from 1 to "
        "10 for how helpful, relevant, accurate, deep and creative it is and how well it keeps to the "
        f"constraints.{override} {_COUNTS} Explain your rating before you give it.\n\n"
        f"Article:\n{document}\n\nResponse to rate:\n{response}\n\n{_counts(response)}\n\n"
        f"Constraints:\n{listed}\n\n{_FORM}"
    )


def rate_follow_up(before: tuple[str, str] | None, query: str, response: str) -> str:
    """The judge's prompt for a follow-up turn: the exchange before it (query, answer) and the turn itself."""
    exchange = [] if before is None else [f"User: {before[0].strip()}", f"Assistant: {before[1].strip()}"]
    conversation = "\n".join([*exchange, f"User: {query.strip()}", f"Assistant: {response.strip()}"])
    return (
        "Rate the assistant's last response in the conversation below. Give an integer from 1 to 10 for how "
        f"helpful, relevant, accurate, deep, creative and detailed it is. {_COUNTS} Explain your rating "
        f"before you give it.\n\nConversation:\n{conversation}\n\n{_counts(response)}\n\n{_FORM}"
    )

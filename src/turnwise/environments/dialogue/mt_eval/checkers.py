"""The fourteen instructions of MT-Eval's recollection task: how each is said, checked and obeyed.

They follow IFEval (arXiv 2311.07911) as MT-Eval restates them for a whole conversation. Each instruction is a
small record that can say itself, check a response (`follows`) and turn any words into an obeying response
(`obey`, for scripted agents). `published=True` checks as the official code does where it errs:
an emoji is looked for in the first code point only (a flag is none), and a response whose language cannot be
told at all counts as written in the right one. An empty response, on which the official emoji checker fails,
follows nothing but the instructions that forbid something.
"""

from __future__ import annotations

import json
import re
from typing import TypeAlias

from turnwise.environments.dialogue.mt_eval.language import language_of
from turnwise.environments.dialogue.mt_eval.text import count_sentences, starts_with_emoji
from turnwise.wire import Record


class StartChar(Record, frozen=True, kw_only=True, tag="startend:start_char", tag_field="name"):
    """Begin with a given letter."""

    letter: str

    def say(self) -> str:
        """The instruction in words."""
        return f"Every response you give in this conversation must begin with the letter {self.letter}."

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        return response.strip().lower().startswith(self.letter.lower())

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return f"{self.letter.upper()}: {words}"


class StartEmoji(Record, frozen=True, kw_only=True, tag="startend:start_emoji", tag_field="name"):
    """Begin with an emoji."""

    def say(self) -> str:
        """The instruction in words."""
        return "Every response you give in this conversation must begin with an emoji."

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        return starts_with_emoji(response, first_character_only=published)

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return f"🙂 {words}"


class EndPhrase(Record, frozen=True, kw_only=True, tag="startend:end_phrase", tag_field="name"):
    """End with a given phrase."""

    end_phrase: str

    def say(self) -> str:
        """The instruction in words."""
        return (
            f"Close every response in this conversation with exactly these words: '{self.end_phrase}' "
            "Nothing may come after them."
        )

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys; a quotation mark around it does not matter."""
        return response.strip().strip("'").lower().endswith(self.end_phrase.lower())

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return f"{words} {self.end_phrase}"


class ResponseLanguage(Record, frozen=True, kw_only=True, tag="language:response_language", tag_field="name"):
    """Answer in a given language."""

    lang: str
    """English name of the language."""

    def say(self) -> str:
        """The instruction in words."""
        return f"Write every response in this conversation in {self.lang}; use no other language."

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        if not response.strip():
            return False
        found = language_of(response)
        return published if found is None else found == self.lang

    def obey(self, words: str) -> str:
        """A response that obeys (not to the words given: translating takes a model).

        Raises:
            KeyError: for a language there is no sentence of.
        """
        return _YES[self.lang]


_YES = {
    "Bulgarian": "Да, това е много добър въпрос и аз мисля, че отговорът е положителен.",
    "Punjabi": "ਹਾਂ, ਇਹ ਬਹੁਤ ਵਧੀਆ ਸਵਾਲ ਹੈ ਅਤੇ ਮੇਰਾ ਜਵਾਬ ਹਾਂ ਹੈ।",
    "English": "Yes, that is a very good question, and I think that the answer is yes.",
    "German": "Ja, das ist eine sehr gute Frage, und ich denke, die Antwort ist ja.",
    "French": "Oui, c'est une très bonne question et je pense que la réponse est oui.",
    "Spanish": "Sí, es una muy buena pregunta y creo que la respuesta es que sí.",
}


class JsonFormat(Record, frozen=True, kw_only=True, tag="format:json_format", tag_field="name"):
    """Answer in JSON."""

    def say(self) -> str:
        """The instruction in words."""
        return (
            "Every response in this conversation must be one piece of JSON. "
            "You may put it between Markdown's ``` marks."
        )

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys: JSON from end to end, a Markdown fence aside."""
        text = response.strip()
        for fence in ("```json", "```Json", "```JSON", "```"):
            text = text.removeprefix(fence)
        try:
            json.loads(text.removesuffix("```").strip())
        except (ValueError, RecursionError):
            return False
        return True

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return json.dumps({"response": words}, ensure_ascii=False)


class BulletList(Record, frozen=True, kw_only=True, tag="format:bullet_list", tag_field="name"):
    """Use a given number of bullet points; 0 asks for any number."""

    num_bullets: int

    def say(self) -> str:
        """The instruction in words."""
        how = "only of" if self.num_bullets == 0 else f"of exactly {self.num_bullets}"
        return (
            f"Every response in this conversation must be made {how} bullet points in Markdown, like this:\n"
            "* The first point.\n* The second point.\n"
        )

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys; lines that begin with a star or a dash are points."""
        stars = re.findall(r"^\s*\*[^*].*$", response, flags=re.MULTILINE)
        dashes = re.findall(r"^\s*-.*$", response, flags=re.MULTILINE)
        points = len(stars) + len(dashes)
        return points > 0 if self.num_bullets == 0 else points == self.num_bullets

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return "\n".join([f"* {words}"] * max(1, self.num_bullets))


class NumberSentences(
    Record, frozen=True, kw_only=True, tag="length_constraints:number_sentences", tag_field="name"
):
    """Stay below a given number of sentences."""

    num_sentences: int

    def say(self) -> str:
        """The instruction in words."""
        return f"Every response in this conversation must have less than {self.num_sentences} sentences."

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        return count_sentences(response) < self.num_sentences

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return re.sub(r"[.!?]+", ";", words).rstrip("; ") + "."


class KeywordExistence(Record, frozen=True, kw_only=True, tag="keywords:existence", tag_field="name"):
    """Use given words."""

    keywords: tuple[str, ...]

    def say(self) -> str:
        """The instruction in words."""
        return (
            f"Use the keywords {', '.join(map(repr, self.keywords))} in every response in this conversation."
        )

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        return all(keyword.lower() in response.lower() for keyword in self.keywords)

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return f"{words} ({', '.join(self.keywords)})"


class CapitalLetter(Record, frozen=True, kw_only=True, tag="change_case:capital_letter", tag_field="name"):
    """Answer in capital letters."""

    def say(self) -> str:
        """The instruction in words."""
        return "Write every response in this conversation in capital letters only."

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        return response.isupper()

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return words.upper()


class LowerCase(Record, frozen=True, kw_only=True, tag="change_case:lowercase", tag_field="name"):
    """Answer in lower-case letters."""

    def say(self) -> str:
        """The instruction in words."""
        return "Write every response in this conversation in lower-case letters only."

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        return response.islower()

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return words.lower()


class NoComma(Record, frozen=True, kw_only=True, tag="punctuation:no_comma", tag_field="name"):
    """Use no comma."""

    def say(self) -> str:
        """The instruction in words."""
        return "Do not use a single comma in any response in this conversation."

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        return "," not in response

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return words.replace(",", "")


class TwoResponses(Record, frozen=True, kw_only=True, tag="combination:two_responses", tag_field="name"):
    """Give two different responses, six asterisks between them."""

    def say(self) -> str:
        """The instruction in words."""
        return (
            "Give two different responses every time in this conversation, "
            "with 6 asterisks between them: ******."
        )

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys: two parts that differ; only the first and last may be empty."""
        parts = [part.strip() for part in response.split("******")]
        if not all(parts[1:-1]):
            return False
        given = [part for part in parts if part]
        return len(given) == 2 and given[0] != given[1]

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return f"{words}\n******\nOr, put otherwise: {words}"


class PlaceHolder(Record, frozen=True, kw_only=True, tag="content:placeholder", tag_field="name"):
    """Use at least a given number of placeholders in square brackets."""

    num_placeholder: int

    def say(self) -> str:
        """The instruction in words."""
        return (
            f"Every response in this conversation must hold at least {self.num_placeholder} placeholders "
            "in square brackets, such as [name]."
        )

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys."""
        return len(re.findall(r"\[.*?\]", response)) >= self.num_placeholder

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return words + " [name]" * self.num_placeholder


class ConstrainedResponse(
    Record, frozen=True, kw_only=True, tag="format:constrained_response", tag_field="name"
):
    """Answer with one of given options."""

    response_options: tuple[str, ...] = ("My answer is yes.", "My answer is no.", "My answer is maybe.")

    def say(self) -> str:
        """The instruction in words."""
        options = ", ".join(f"'{option}'" for option in self.response_options)
        return f"Every response in this conversation must be one of these: {options}."

    def follows(self, response: str, *, published: bool = False) -> bool:
        """Whether a response obeys: it holds an option word for word (more may stand around it)."""
        return any(option in response for option in self.response_options)

    def obey(self, words: str) -> str:
        """A response that obeys."""
        return self.response_options[0]


Instruction: TypeAlias = (
    StartChar
    | StartEmoji
    | EndPhrase
    | ResponseLanguage
    | JsonFormat
    | BulletList
    | NumberSentences
    | KeywordExistence
    | CapitalLetter
    | LowerCase
    | NoComma
    | TwoResponses
    | PlaceHolder
    | ConstrainedResponse
)

_HELP = "Is there anything else I can help with?"

PUBLISHED: dict[str, tuple[Instruction, Instruction]] = {
    "startend:start_char": (StartChar(letter="o"), StartChar(letter="r")),
    "startend:start_emoji": (StartEmoji(), StartEmoji()),
    "startend:end_phrase": (EndPhrase(end_phrase=_HELP), EndPhrase(end_phrase=_HELP)),
    "language:response_language": (ResponseLanguage(lang="Bulgarian"), ResponseLanguage(lang="Punjabi")),
    "format:json_format": (JsonFormat(), JsonFormat()),
    "format:bullet_list": (BulletList(num_bullets=4), BulletList(num_bullets=1)),
    "length_constraints:number_sentences": (
        NumberSentences(num_sentences=4),
        NumberSentences(num_sentences=4),
    ),
    "keywords:existence": (
        KeywordExistence(keywords=("city", "garbage")),
        KeywordExistence(keywords=("county", "hat")),
    ),
    "change_case:capital_letter": (CapitalLetter(), CapitalLetter()),
    "change_case:lowercase": (LowerCase(), LowerCase()),
    "punctuation:no_comma": (NoComma(), NoComma()),
    "combination:two_responses": (TwoResponses(), TwoResponses()),
    "format:constrained_response": (ConstrainedResponse(), ConstrainedResponse()),
    "content:placeholder": (PlaceHolder(num_placeholder=1), PlaceHolder(num_placeholder=2)),
}
"""The two instances of each instruction, as the official script draws them (its generator seeded with 11)."""

"""Replies that no environment asked for: what models, people and attackers write instead of an action."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

LONG = 100_000


class Bend(NamedTuple):
    """A way from a sensible reply to another; prints by its name, since some are very long."""

    name: str
    make: Callable[[str], str]

    def __call__(self, sensible: str) -> str:
        return self.make(sensible)

    def __repr__(self) -> str:
        return self.name


def says(text: str) -> Bend:
    """That text, whatever would be sensible."""
    return Bend(
        f"says({text if len(text) < 40 else text[:20] + f'… {len(text)} characters'!r})", lambda _: text
    )


SENSIBLE = Bend("sensible", lambda text: text)

_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_WIDE = str.maketrans({number: number + 0xFEE0 for number in range(0x21, 0x7F)})

TEXTS = [
    *("", " ", "\n\n\n", "\t", "\x00", "a\x00b", "\ufeff", "\u202e1", "\u2028", "🂡", "é" * 1000, "\x1b[2J"),
    *("0", "-0", "-1", "+1", "1.5", "1e400", "-1e400", "nan", "inf", "0x10", "1_000", "1,000", "1/0", "--1"),
    *("٣", "²", "①", "１２", "𝟗", "Ⅷ", "½", "9" * 5000, "-" + "9" * LONG, "0" * LONG, "1." + "0" * LONG),
    *("a" * LONG, " " * LONG, "\n" * LONG, "(" * LONG, "[" * LONG, '{"a":' * 20_000, "<" * LONG, '"' * LONG),
    *("<answer>", "</answer>", "<answer></answer>", "<answer>" * 5000, "</answer><answer>", "<think>" * 5000),
    *(
        "<think></think>",
        "```",
        "```json\n{}\n```",
        "```python\nexit()\n```",
        "Answer:",
        "<execute></execute>",
    ),
    *("null", "true", "[]", "{}", '{"action": null}', '[{"x": 1e999}]', "[[[[]]]]", '{"action": {"id": []}}'),
    *(
        "%s%n%d",
        "{0.__class__}",
        "{}{}",
        "\\",
        "\\1",
        "$1",
        "(?P<",
        "[a-",
        "*",
        "?",
        "__import__('os')",
        "'; --",
    ),
    *(
        "I give up.",
        "yes",
        "no",
        "Yes. No.",
        "up down left right",
        "a b" * 30_000,
        "1 + " * 20_000,
        "((1)",
        "1 1",
    ),
    "9" * 20 + "**" + "9" * 20,
    "9**9**9**9",
    "x" * 50 + " " + "y" * 50,
    "is it " * 10_000 + "?",
]
BENDS = [
    Bend("upper", str.upper),
    Bend("lower", str.lower),
    Bend("backwards", lambda text: text[::-1]),
    Bend("first half", lambda text: text[: len(text) // 2]),
    Bend("second half", lambda text: text[len(text) // 2 :]),
    Bend("twice", lambda text: text + text),
    Bend("on two lines", lambda text: f"{text}\n{text}"),
    Bend("very often", lambda text: f"{text} " * (LONG // (len(text) + 1))),
    Bend("very often, without spaces", lambda text: text * (LONG // (len(text) or 1))),
    Bend("quoted", lambda text: f'"{text}"'),
    Bend("in prose", lambda text: f"I think that {text} would be best, or not?"),
    Bend("in a code block", lambda text: f"```\n{text}\n```"),
    Bend("as JSON", lambda text: json.dumps({"action": text, "id": -1})),
    Bend("in tags", lambda text: f"<answer>{text}</answer>"),
    Bend("in tags twice", lambda text: f"<answer>{text}</answer>" * 2),
    Bend("after a thought", lambda text: f"<think>hm</think>{text}"),
    Bend("within a thought", lambda text: f"<think>{text}</think>"),
    Bend("after a very long thought", lambda text: f"<think>{'hm ' * (LONG // 3)}</think>{text}"),
    Bend("with NUL", lambda text: "\x00".join(text)),
    Bend("spaced", lambda text: " ".join(text)),
    Bend("on many lines", lambda text: "\n".join(text)),
    Bend("with odd digits", lambda text: text.translate(_DIGITS)),
    Bend("in wide letters", lambda text: text.translate(_WIDE)),
    Bend("with other digits", lambda text: text.translate(str.maketrans("0123456789", "9876543210"))),
    Bend("with huge numbers", lambda text: "".join(c * 400 if c.isdigit() else c for c in text)),
    Bend("with negative numbers", lambda text: "".join(f"-{c}" if c.isdigit() else c for c in text)),
    Bend("without spaces", lambda text: text.replace(" ", "")),
    Bend("commas for spaces", lambda text: text.replace(" ", ", ")),
    Bend("spaces around", lambda text: f"  {text}\n\n"),
    Bend("a full stop after", lambda text: f"{text}."),
    Bend("nonsense before", lambda text: f"zzz {text}"),
    Bend("nonsense after", lambda text: f"{text} zzz"),
    Bend("tags left open", lambda text: text.replace("</", "<")),
]
ALL = [*map(says, TEXTS), *BENDS]

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
).map(json.dumps)
bends = st.one_of(
    st.sampled_from([SENSIBLE, *BENDS]),
    st.text(max_size=40).map(says),
    st.integers().map(str).map(says),
    _json.map(says),
    st.text(min_size=1, max_size=3).map(
        lambda junk: Bend(f"with {junk!r} in the middle", lambda text: _in_the_middle(text, junk))
    ),
)
"""Replies drawn by hypothesis."""


def _in_the_middle(text: str, junk: str) -> str:
    half = len(text) // 2
    return text[:half] + junk + text[half:]

"""Counting words and sentences and telling emoji, as the checkers and the judge's prompts need it."""

from __future__ import annotations

import re

_ABBREVIATIONS = frozenset({
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "e.g", "i.e", "cf", "al", "fig", "no",
    "vol", "inc", "ltd", "co", "u.s", "u.k", "a.m", "p.m", "approx",
})  # fmt: skip
_END = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s|$)|[。！？।]+""")

# Code points that are an emoji by themselves (Unicode's Emoji property without digits and flag halves).
_EMOJI_RANGES = """
    a9 ae 203c 2049 2122 2139 2194-2199 21a9-21aa 231a-231b 2328 23cf 23e9-23f3 23f8-23fa 24c2 25aa-25ab
    25b6 25c0 25fb-25fe 2600-2604 260e 2611 2614-2615 2618 261d 2620 2622-2623 2626 262a 262e-262f 2638-263a
    2640 2642 2648-2653 265f-2660 2663 2665-2666 2668 267b 267e-267f 2692-2697 2699 269b-269c 26a0-26a1 26a7
    26aa-26ab 26b0-26b1 26bd-26be 26c4-26c5 26c8 26ce-26cf 26d1 26d3-26d4 26e9-26ea 26f0-26f5 26f7-26fa 26fd
    2702 2705 2708-270d 270f 2712 2714 2716 271d 2721 2728 2733-2734 2744 2747 274c 274e 2753-2755 2757
    2763-2764 2795-2797 27a1 27b0 27bf 2934-2935 2b05-2b07 2b1b-2b1c 2b50 2b55 3030 303d 3297 3299 1f004
    1f0cf 1f170-1f171 1f17e-1f17f 1f18e 1f191-1f19a 1f201-1f202 1f21a 1f22f 1f232-1f23a 1f250-1f251
    1f300-1f321 1f324-1f393 1f396-1f397 1f399-1f39b 1f39e-1f3f0 1f3f3-1f3f5 1f3f7-1f4fd 1f4ff-1f53d
    1f549-1f54e 1f550-1f567 1f56f-1f570 1f573-1f57a 1f587 1f58a-1f58d 1f590 1f595-1f596 1f5a4-1f5a5 1f5a8
    1f5b1-1f5b2 1f5bc 1f5c2-1f5c4 1f5d1-1f5d3 1f5dc-1f5de 1f5e1 1f5e3 1f5e8 1f5ef 1f5f3 1f5fa-1f64f
    1f680-1f6c5 1f6cb-1f6d2 1f6d5-1f6d9 1f6dc-1f6e5 1f6e9 1f6eb-1f6ec 1f6f0 1f6f3-1f6fc 1f7e0-1f7eb 1f7f0
    1f90c-1f93a 1f93c-1f945 1f947-1f9ff 1fa70-1fa7c 1fa80-1fac6 1fac8 1facc-1fadd 1fadf-1faeb 1faef-1fafa
"""
_EMOJI = re.compile(
    "["
    + "".join("-".join(chr(int(end, 16)) for end in part.split("-")) for part in _EMOJI_RANGES.split())
    + "]"
)
_SEQUENCE = re.compile("[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3")
"""Flags and keycaps: emoji only as a whole."""


def count_words(text: str) -> int:
    """Words as white space divides them (the count MT-Eval gives its judge)."""
    return len(text.split())


def count_sentences(text: str) -> int:
    """Sentences, by their closing marks; a last one without a mark counts.

    A mark ends a sentence when white space and no lower-case letter follow, and when it does not close an
    abbreviation, an initial or a list number. (The official scripts use NLTK's trained Punkt model.)
    """
    sentences, start = 0, 0
    for end in _END.finditer(text):
        if _ends_sentence(text, start, end):
            sentences += 1
            start = end.end()
    return sentences + bool(text[start:].strip())


def _ends_sentence(text: str, start: int, end: re.Match[str]) -> bool:
    rest = text[end.end() :].lstrip()
    if not re.search(r"\w", text[start : end.start()]):
        return False
    if end.group() != ".":
        return not rest[:1].islower()
    words = text[start : end.start()].split()
    last = words[-1].strip("(\"'“‘").lower() if words else ""
    inner = bool(rest)
    if inner and (last in _ABBREVIATIONS or rest[0].islower()):
        return False
    if inner and last.isdigit() and len(words) == 1:
        return False
    return not (inner and len(last) == 1 and last.isalpha() and last != "i")


def starts_with_emoji(text: str, *, first_character_only: bool = False) -> bool:
    """Whether a text begins with an emoji.

    Args:
        text: The text; white space in front does not count.
        first_character_only: Look at one code point, as the official checker does: a flag (two regional
            indicators) or a keycap (a digit with marks) is then no emoji.
    """
    text = text.strip()
    if _EMOJI.match(text):
        return True
    return not first_character_only and _SEQUENCE.match(text) is not None

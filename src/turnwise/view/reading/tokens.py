"""The tokens of a call: what was sampled, how likely and what worth each was, as text where that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from turnwise.errors import TurnwiseError
from turnwise.log import Call, Turn
from turnwise.view.reading import credit, messages
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Found, Source
from turnwise.view.server import shapes as s

_MOST = 20_000


class _Words(NamedTuple):
    """A tokenizer, as far as it is needed here."""

    name: str
    text: Callable[[int], str]


def page(source: Source, found: Found, place: int, query: s.TokensQuery) -> s.TokensPage:
    """The tokens of a turn's call.

    Raises:
        MissingError: there is no such turn, no such call, or no model said it.
    """
    turn: Turn = messages.turn_of(found, place)
    call = _call(found, turn, query.call)
    words = _words(found, call)
    fed = found.log.prompt_ids(call)
    added = list(call.added_ids or ()) if query.prompt else []
    spoke = bool(turn.calls) and turn.calls[-1] == call.n
    count = call.tokens or 0
    worth, problem = _worth(source, found, turn, query.credit, count) if spoke else (None, None)
    prompt = [_token(one, words) for one in added[-_MOST:]]
    return s.TokensPage(
        role=call.role,
        call=call.n,
        turn=turn.index if spoke else None,
        tokenizer=None if words is None else words.name,
        total=count + len(added),
        prompt=0 if fed is None else len(fed),
        tokens=[*prompt, *_sampled(call, words, worth)][:_MOST],
        credit=query.credit if worth is not None else None,
        problem=problem,
    )


def _call(found: Found, turn: Turn, number: int | None) -> Call:
    if number is None and not turn.calls:
        raise MissingError(f"turn {turn.index} of {found.name} was said by no model")
    wanted = turn.calls[-1] if number is None else number
    for call in found.log.calls:
        if call.role == turn.role and call.n == wanted:
            return call
    raise MissingError(f"{turn.role!r} made no call {wanted} in {found.name}")


def _worth(
    source: Source, found: Found, turn: Turn, method: str | None, count: int
) -> tuple[Sequence[float] | None, str | None]:
    """What each sampled token was worth; or why that is not known."""
    if method is None:
        return None, None
    told = credit.of(source, found, method)
    if told.problem is not None or turn.index not in told.turns:
        return None, told.problem or f"{method} says nothing of this turn"
    return told.tokens.get(turn.index) or [told.turns[turn.index]] * count, None


def _sampled(call: Call, words: _Words | None, worth: Sequence[float] | None) -> Iterator[s.TokenShape]:
    """The sampled tokens: by their ids, or as the texts that a provider told instead."""
    ids, texts = call.sampled_ids, call.sampled_texts or ()
    likely, others = call.logprobs or (), call.alternatives or ()
    for place in range(len(texts if ids is None else ids)):
        token = (
            s.TokenShape(id=None, text=texts[place], sampled=True, logprob=None, credit=None, alternatives=[])
            if ids is None
            else _token(ids[place], words, sampled=True)
        )
        yield msgspec.structs.replace(
            token,
            logprob=likely[place] if place < len(likely) else None,
            credit=None if worth is None else worth[place],
            alternatives=[
                s.Alternative(text=text, logprob=logprob)
                for text, logprob in (others[place] if place < len(others) else ())
            ],
        )


def _token(one: int, words: _Words | None, *, sampled: bool = False) -> s.TokenShape:
    text = None if words is None else words.text(one)
    return s.TokenShape(id=one, text=text, sampled=sampled, logprob=None, credit=None, alternatives=[])


def _words(found: Found, call: Call) -> _Words | None:
    """The tokenizer that made a call's tokens, where it is here."""
    training = cast("dict[str, Any]", found.run.row.provenance.get("train") or {})
    agents = cast("dict[str, Any]", found.run.row.config.get("agents") or {})
    seat = agents.get(call.role)
    named = (
        call.model,
        found.log.agents.get(call.role),
        cast("dict[str, Any]", seat).get("use") if isinstance(seat, dict) else seat,
        training.get("model"),
    )
    for name in named:
        if isinstance(name, str) and (words := _of_model(name)) is not None:
            return words
    return None


@cache
def _of_model(name: str) -> _Words | None:
    provider, _, rest = name.partition("/")
    try:
        if provider == "tiny":
            return _of_folder(name, _tiny(rest))
        if provider == "hf" and (Path(rest) / "tokenizer.json").is_file():
            return _of_folder(name, Path(rest))
    except (TurnwiseError, OSError, ImportError, ValueError):
        return None
    return None


def _tiny(name: str) -> Path:
    from turnwise.models.tiny import folder

    return folder.find(name)


def _of_folder(name: str, folder: Path) -> _Words:
    from turnwise.models.tiny.tokenizer import Tokenizer

    try:
        mine = Tokenizer(folder / "tokenizer.json")
    except TurnwiseError:
        return _Words(name, _foreign(folder / "tokenizer.json"))

    def text(one: int) -> str:
        return mine.decode([one])

    return _Words(name, text)


def _foreign(path: Path) -> Callable[[int], str]:
    """A tokenizer of another kind than ours, by the package `tokenizers`."""
    import tokenizers

    other: Any = cast("Any", tokenizers).Tokenizer.from_file(str(path))

    def text(one: int) -> str:
        return str(other.decode([one], skip_special_tokens=False))

    return text

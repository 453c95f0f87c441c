"""`wikipedia_search`: the one tool function of MINT's reasoning tasks, for those who bring a way to search.

It needs the network, which a sandbox has not, so the function in the session only asks: it raises, the host
looks the query up, and the session's cells are run again with the answer at hand. For deterministic code that
is what a plain call would have given. Answers are recorded with the cell that asked, so a query is looked up
once in the life of an episode.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from turnwise.errors import ConfigError

Search: TypeAlias = Callable[[str], Awaitable[str]]
"""A query to what was found."""

MOST_LOOKUPS = 20
"""In one cell; further calls fail."""
_LONGEST_QUERY = 300
_LONGEST_ANSWER = 1000

DESCRIPTION = """\
Tool function available (already imported in <execute> environment):
[1] wikipedia_search(query: str) -> str
Searches Wikipedia for the query and returns the summaries of the pages that fit best.
"""

MISSED = "print(__import__('json').dumps(wikipedia_search.missed))"
"""Code that prints the queries that had no answer."""

_PREAMBLE = """
def wikipedia_search(query, *, _answers={answers}):
    query = str(query)[:{longest}]
    if query not in _answers:
        wikipedia_search.missed.append(query)
        raise LookupError('the search tool has no answer to ' + repr(query))
    return _answers[query]
wikipedia_search.missed = []
"""


def preamble(answers: Mapping[str, str]) -> str:
    """The first cell of a session: the function, over the answers known so far."""
    return _PREAMBLE.format(answers=repr(dict(answers)), longest=_LONGEST_QUERY)


def missed(printed: str) -> list[str]:
    """The queries that `MISSED` printed; none where the code has broken the function."""
    try:
        return msgspec.json.decode(printed, type=list[str])
    except msgspec.DecodeError:
        return []


def search_function(place: str) -> Search:
    """The function at `module:name`, plain or async, as an async one.

    Raises:
        ConfigError: where it cannot be imported.
    """
    module, _, name = place.partition(":")
    try:
        function: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"mint: search={place!r} cannot be imported ({error}); expected 'module:function'"
        ) from None

    async def search(query: str) -> str:
        if inspect.iscoroutinefunction(function):
            found = await function(query)
        else:
            found = await asyncio.to_thread(function, query)
        return str(found)[:_LONGEST_ANSWER]

    return search

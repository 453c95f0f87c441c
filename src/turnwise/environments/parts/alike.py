"""How texts like a text are found, as a setting says it: `words`, `random`, or `embedding:MODEL`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnwise.errors import ConfigError
from turnwise.models.embeddings import connect
from turnwise.tools.similar import Find, by_chance, by_embedding, by_words

_EMBEDDING = "embedding:"


def finder(how: str, options: Mapping[str, Any] | None = None) -> Find:
    """What finds them, for one episode; an embedding model is not connected to before it is needed.

    Args:
        how: The setting.
        options: Of the embedding model (`turnwise.models.embeddings`).

    Raises:
        ConfigError: the setting is none of the three.
    """
    if how == "words":
        return by_words
    if how == "random":
        return by_chance
    if not how.removeprefix(_EMBEDDING) or not how.startswith(_EMBEDDING):
        raise ConfigError(f"similar={how!r}: expected words, random, or embedding:MODEL")

    return by_embedding(lambda: connect(how.removeprefix(_EMBEDDING), options))


def ready(how: str, options: Mapping[str, Any] | None = None) -> None:
    """Find out whether an embedding model can be used, before any episode does; asks nobody.

    Raises:
        ConfigError: it cannot, or the setting is none.
    """
    finder(how, options)
    if how.startswith(_EMBEDDING):
        connect(how.removeprefix(_EMBEDDING), options)

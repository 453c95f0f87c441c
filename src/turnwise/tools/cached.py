"""Tools whose results are kept, for tools that are slow, paid for, or gone: TravelBench's tool sandbox.

A layer goes round any tools for one episode, in one of four modes:

    live        call the tool
    record      call the tool, and note what it said
    replay      what was recorded for the same call; a call of which nothing is known is told so
    simulate    the same, but somebody makes up what the tool might have said, shown the most similar calls

Every call leaves a note (`tool_cache`) with its outcome: `live`, `hit`, `miss` or `error`. The log is the
record: `CallCache.of(logs)` collects what was recorded (or, from misses, what was made up), `write` puts it
into a folder, `read` takes it from there. So what an episode sees never depends on another one that runs.

    layer = Layer(tools, mode="replay", cache=CallCache.read(folder), also={"time": task.time})
    await episode.agent.respond(question, tools=layer.tools)
    statistics(episode.notes, calls=episode.tool_calls)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import msgspec

from turnwise.errors import ConfigError, ToolError
from turnwise.log import EpisodeLog, Note
from turnwise.message import Content, ToolSpec
from turnwise.role import Role
from turnwise.tool import Tool, Wrapped
from turnwise.tools.similar import Find, Texts, by_words

Mode: TypeAlias = Literal["live", "record", "replay", "simulate"]
Outcome: TypeAlias = Literal["live", "hit", "miss", "error"]
NOTE = "tool_cache"
UNKNOWN = "no result was recorded for this call"
NOTHING = "Nothing was found. Check the arguments; where they are right, there may be no data at this time."
"""What a tool says that says nothing."""
_ENDING = "_cache.json"


def cache_key(values: Mapping[str, Any]) -> str:
    """The key of a call: JSON of its (name, value) pairs, sorted by name. Equal keys, equal calls."""
    return json.dumps(sorted(values.items()), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def written(arguments: Mapping[str, Any]) -> str:
    """Arguments as one text, whatever their order was."""
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)


def call_key(arguments: Mapping[str, Any], also: Mapping[str, Any] | None = None) -> str:
    """The key of a call by its arguments (`params`), and what else tells calls apart (a `time`)."""
    return cache_key({**(also or {}), "params": written(arguments)})


class Example(NamedTuple):
    """A call of which a result is known."""

    arguments: str
    result: str


class Miss(NamedTuple):
    """A call of which no result is known."""

    tool: ToolSpec
    arguments: dict[str, Any]
    similar: tuple[Example, ...]
    """The most similar calls of the same tool."""


Simulate: TypeAlias = Callable[[Miss], Awaitable[str]]
"""Makes up what a tool might have said."""


class CallCache:
    """Results by tool and key.

    Args:
        results: What is known.
        folder: Where embeddings of the calls are kept.
    """

    def __init__(
        self, results: Mapping[str, Mapping[str, str]] | None = None, folder: str | Path | None = None
    ) -> None:
        self.results = {tool: dict(known) for tool, known in (results or {}).items()}
        self.folder = None if folder is None else Path(folder)
        self._calls: dict[str, tuple[list[Example], Texts]] = {}

    @classmethod
    def read(cls, folder: str | Path) -> CallCache:
        """The cache in a folder: for each tool a file `TOOL_cache.json`, a JSON object of results by key.

        Raises:
            ConfigError: there is no such file, or one that cannot be read.
        """
        files = sorted(Path(folder).glob(f"*{_ENDING}"))
        if not files:
            raise ConfigError(f"no tool cache in {folder}: expected files named TOOL{_ENDING}")
        results: dict[str, dict[str, str]] = {}
        for file in files:
            try:
                known = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
            except (OSError, msgspec.MsgspecError) as error:
                raise ConfigError(f"tool cache {file}: expected a JSON object of texts: {error}") from None
            results[file.name.removesuffix(_ENDING)] = known
        return cls(results, folder)

    @classmethod
    def of(cls, logs: Iterable[EpisodeLog], outcome: Outcome = "live") -> CallCache:
        """What episodes recorded; with `outcome="miss"`, what was made up in them."""
        cache = cls()
        for log in logs:
            for note in log.notes:
                if note.name == NOTE and note.value["outcome"] == outcome and "result" in note.value:
                    cache.put(note.value["tool"], note.value["key"], note.value["result"])
        return cache

    def write(self, folder: str | Path) -> None:
        """Put it into a folder, for `read`; what is known there of other calls is kept."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for tool, known in self.results.items():
            file = place / f"{tool}{_ENDING}"
            before = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}
            file.write_bytes(msgspec.json.format(msgspec.json.encode({**before, **known})))

    def get(self, tool: str, key: str) -> str | None:
        """The result of a call; None where it is not known."""
        return self.results.get(tool, {}).get(key)

    def put(self, tool: str, key: str, result: str) -> None:
        """Keep the result of a call."""
        self.results.setdefault(tool, {})[key] = result
        self._calls.pop(tool, None)

    def calls(self, tool: str) -> tuple[list[Example], Texts]:
        """The known calls of a tool, and their arguments as texts to be found."""
        if tool not in self._calls:
            known = [Example(_arguments(key), result) for key, result in self.results.get(tool, {}).items()]
            self._calls[tool] = known, Texts([one.arguments for one in known], self.folder, tool)
        return self._calls[tool]


class Layer:
    """Tools of one episode, and what is known of their calls; see the module.

    Args:
        tools: Any tools.
        mode: Where results come from.
        cache: What is known; shared by all episodes, and never changed by one.
        also: What belongs to the key of each call, besides its arguments.
        simulate: Who makes up what is not known; only in the mode `simulate`.
        examples: Most similar calls that are shown to who makes it up.
        find: How these are found.
    """

    def __init__(
        self,
        tools: Iterable[Tool],
        *,
        mode: Mode = "live",
        cache: CallCache | None = None,
        also: Mapping[str, Any] | None = None,
        simulate: Simulate | None = None,
        examples: int = 8,
        find: Find = by_words,
    ) -> None:
        self.mode: Mode = mode
        self.cache = cache or CallCache()
        self.also = dict(also or {})
        self.simulate = simulate
        self.examples = examples
        self.find = find
        self.tools = tuple(Cached(tool, self) for tool in tools)


class Cached(Wrapped):
    """A tool of a layer. What is made up, is made up by whoever records it."""

    def __init__(self, tool: Tool, layer: Layer) -> None:
        super().__init__(tool)
        self._layer = layer

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """The result, from where the mode says.

        Raises:
            ToolError: the arguments do not fit, or nothing is known of this call.
        """
        layer, name = self._layer, self.spec.name
        key = call_key(arguments, layer.also)
        if layer.mode in ("live", "record"):
            content = await role.answer(self.tool, arguments)
            if isinstance(content, str) and content.startswith("error: "):
                _note(role, name, "error")
            elif layer.mode == "record" and isinstance(content, str):
                _note(role, name, "live", key=key, result=content)
            else:
                _note(role, name, "live")
            return content
        try:
            _check(self.tool, arguments)
        except ToolError:
            _note(role, name, "error")
            raise
        known = layer.cache.get(name, key)
        if known is not None:
            _note(role, name, "hit")
            return known
        if layer.mode == "replay" or layer.simulate is None:
            _note(role, name, "miss", key=key)
            raise ToolError(f"{name}: {UNKNOWN}")
        calls, texts = layer.cache.calls(name)
        places = await layer.find(texts, written(arguments), layer.examples, role.episode)
        similar = tuple(calls[place] for place in places)
        result = await layer.simulate(Miss(self.spec, arguments, similar)) or NOTHING
        _note(role, name, "miss", key=key, result=result)
        return result


def statistics(notes: Sequence[Note], *, calls: int) -> dict[str, int]:
    """What came of the calls of an episode, as metrics: `tool_calls` is the sum of the others.

    Args:
        notes: The episode's.
        calls: All that were made; those that reached no tool (no such tool, no JSON) are bad ones.
    """
    counts = Counter(note.value["outcome"] for note in notes if note.name == NOTE)
    live, hits, misses = counts["live"], counts["hit"], counts["miss"]
    return {
        "tool_calls": calls,
        "live_calls": live,
        "cache_hits": hits,
        "cache_misses": misses,
        "bad_calls": calls - live - hits - misses,
    }


def _check(tool: Tool, arguments: dict[str, Any]) -> None:
    """Refuse arguments that the tool itself would; a tool that cannot tell takes all."""
    values = cast("Callable[[dict[str, Any]], Any] | None", getattr(tool, "values", None))
    if values is not None:
        values(arguments)


def _note(role: Role, tool: str, outcome: Outcome, **more: str) -> None:
    episode = role.episode
    episode.note({"tool": tool, "outcome": outcome, **more}, len(episode.turns), name=NOTE)


def _arguments(key: str) -> str:
    """The arguments of a call by its key; the key itself, where it is none of ours."""
    try:
        pairs = msgspec.json.decode(key, type=list[tuple[str, Any]])
    except msgspec.MsgspecError:
        return key
    return next((str(value) for name, value in pairs if name == "params"), key)

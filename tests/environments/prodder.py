"""A model for any seat that says words of its own making, and calls any tool with any JSON arguments.

What it does follows from the request alone, so that a fork goes on as its parent did. Each of its words,
thoughts and calls bears its role and number: whoever is shown one, shows it. Where a world reads calls out of
words, it writes them there (`Writing`).
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from turnwise import wire
from turnwise.message import Message, ToolCall, ToolSpec
from turnwise.model import Request, Sample

Shape = Literal["fitting", "half", "wild"]
SHAPES: tuple[Shape, ...] = ("fitting", "half", "wild")
"""By the schema; by the schema with something amiss; anything."""

_WORD = re.compile(r"[\w@.+#:-]{2,40}")
_STRINGS = (
    *("", " ", "\x00", "\ufeff", "\u202e", "🂡", "é" * 500, "a" * 20_000, "(" * 300, "9" * 400, "%s{0}{}"),
    *("2024-02-30", "0000-00-00", "99:99", "-1", "1e400", "²", "٣", "null", "[]", '{"a": 1}', "nan", "../.."),
    *("SELECT 1", "SELECT * FROM sqlite_master", "'; DROP TABLE x; --", "FIND {x}", "1 / 0", "exit()", "\\"),
)
_NUMBERS = (0, -1, 1, 2, 2**31, 2**63, 2**64, -(2**70), 10**300, 0.1, -0.0, 1e308, -1e308, 5e-324, 1e21)
_ODD = (
    *("null", "[]", '"x"', "7", '{"a":', "", "{}", '{"a": 1e999}', "[" * 3000, "{'a': 1}", '{"a": NaN}'),
    *("\x00", '{"a": 1, "a": 2}', '{"a": 1} {"b": 2}', '{"a": ' + "9" * 5000 + "}"),
)
"""Arguments that are no JSON object, or none at all."""


class Writing(NamedTuple):
    """How calls are written into words, where a world offers no tools and reads them there."""

    tools: Callable[[Any], Sequence[ToolSpec]]
    """What can be called in a task."""
    form: Callable[[str, str, random.Random], str]
    """Words that make a call, of its tool's name and its arguments; these are JSON or not (`arguments`)."""


class Prodder:
    """Calls tools more often than not; see the module.

    Args:
        seed: Of all that it does.
        calls: How often it calls tools, where it has some.
        forms: What else it says by role, as templates of `{mark}`, with their share: protocols read them.
        writing: How the first role writes calls, in place of words.
    """

    name = "prodder"
    remote = False

    def __init__(
        self,
        seed: object = 0,
        *,
        calls: float = 0.8,
        forms: Mapping[str, Sequence[str]] | None = None,
        writing: Writing | None = None,
    ) -> None:
        self.seed = seed
        self.calls = calls
        self.forms = forms or {}
        self.writing = writing
        self.made: Counter[tuple[str, str, Shape]] = Counter()
        """Calls by role, tool and shape."""
        self.offered: set[str] = set()
        """Tools that it could call by writing."""
        self.shown: dict[tuple[str, int], tuple[Message, ...]] = {}
        """What it was asked, by session and number."""
        self._task: Any = None
        self._by_name: dict[str, list[Any]] = {}

    async def sample(self, request: Request) -> Sample:
        """Words, with calls or without."""
        role, number = request.session.partition("/")[2], request.ordinal
        self.shown[request.session, number] = tuple(request.messages)
        rng = random.Random(f"{self.seed}/{request.rng_seed}/{number}")
        words = rng.choice(self.forms.get(role, ("{mark}.",))).replace("{mark}", mark("word", role, number))
        calls: tuple[ToolCall, ...] = ()
        if request.tools and rng.random() < self.calls:
            known = Known(self._hints(request.task), request.messages[-8:])
            names = [f"{role}-{number}-{place}" for place in range(rng.choice((1, 1, 1, 2, 3)))]
            calls = tuple(self._call(request.tools, known, rng, name, role) for name in names)
        elif self.writing and role == "agent" and rng.random() < self.calls:
            words = self._written(self.writing, request, rng, role)
        thought = mark("thought", role, number)
        message = Message(role="assistant", content=words, tool_calls=calls, reasoning=thought)
        return Sample(message=message, finish="tool_calls" if calls else "stop")

    def _call(
        self, tools: Sequence[ToolSpec], known: Known, rng: random.Random, name: str, role: str
    ) -> ToolCall:
        tool, shape = rng.choice(tools), rng.choice(SHAPES)
        self.made[role, tool.name, shape] += 1
        return ToolCall(id=f"call-{name}", name=tool.name, arguments=arguments(tool, shape, known, rng))

    def _written(self, writing: Writing, request: Request, rng: random.Random, role: str) -> str:
        tools = writing.tools(request.task)
        self.offered |= {tool.name for tool in tools}
        known = Known(self._hints(request.task), (*request.messages[:1], *request.messages[-8:]))
        call = self._call(tools, known, rng, "written", role)
        return writing.form(call.name, call.arguments, rng)

    def _hints(self, task: Any) -> Mapping[str, list[Any]]:
        """What stands in a task, by its key there."""
        if self._task is not task:
            self._task, self._by_name = task, defaultdict(list)
            _gather(json.loads(wire.encode(task)), "", self._by_name)
        return self._by_name

    async def close(self) -> None:
        pass


class Known:
    """What values may be drawn from.

    Args:
        hints: Values that stand in the task, by their key: a parameter of that name may well want one.
        messages: What was heard.
    """

    def __init__(self, hints: Mapping[str, list[Any]], messages: Sequence[Message]) -> None:
        self.hints = hints
        self.heard = [word for message in messages for word in _WORD.findall(message.text[-4000:])]

    def of(self, name: str, rng: random.Random) -> Any:
        """A value for a parameter; None where nothing is known of it."""
        hints = self.hints.get(name)
        return rng.choice(hints) if hints and rng.random() < 0.7 else None

    def word(self, rng: random.Random) -> str:
        """Something that was heard, or nonsense."""
        return rng.choice(self.heard if self.heard and rng.random() < 0.8 else _STRINGS)


def _gather(value: Any, name: str, found: dict[str, list[Any]]) -> None:
    """All values of a JSON value by their key, those within lists by the list's, too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            found[key].append(inner)
            _gather(inner, key, found)
    elif isinstance(value, list):
        found[name] += [inner for inner in value if not isinstance(inner, dict | list)]
        for inner in value:
            _gather(inner, name, found)


def mark(kind: str, role: str, number: int) -> str:
    """A word that nobody else says."""
    return f"{kind}-of-{role}-{number:04d}"


def arguments(tool: ToolSpec, shape: Shape, known: Known, rng: random.Random) -> str:
    """Arguments of a call, as JSON text or what a model might write for it.

    Args:
        tool: What is called.
        shape: How near they are to its schema.
        known: What may stand in them.
        rng: Draws them.
    """
    schema = tool.parameters or {}
    properties: dict[str, Any] = schema.get("properties", {})
    if shape == "wild":
        if rng.random() < 0.2:
            return rng.choice(_ODD)
        names = [*properties, "", "self", "role", "é", "__class__"]
        return json.dumps({rng.choice(names): anything(rng) for _ in range(rng.randrange(5))})
    made = {
        name: known.of(name, rng) or fitting(kind, schema.get("$defs", {}), known, rng)
        for name, kind in properties.items()
        if name in schema.get("required", ()) or rng.random() < 0.7
    }
    if shape == "half":
        _spoil(made, rng)
    return json.dumps(made)


def _spoil(made: dict[str, Any], rng: random.Random) -> None:
    """One thing left out, one of another type, or one too many."""
    name = rng.choice([*made, "more"])
    match rng.randrange(3):
        case 0:
            made.pop(name, None)
        case 1:
            made[name] = anything(rng)
        case _:
            made[name] = [made.get(name)]


def fitting(kind: Any, defs: Mapping[str, Any], known: Known, rng: random.Random, depth: int = 0) -> Any:
    """A value that a JSON schema allows, drawn from what is known; bounds and patterns are not kept to."""
    if not isinstance(kind, dict) or depth > 6:
        return anything(rng)
    if "$ref" in kind:
        return fitting(defs.get(kind["$ref"].rpartition("/")[2]), defs, known, rng, depth + 1)
    if "enum" in kind:
        return rng.choice(kind["enum"])
    if "const" in kind:
        return kind["const"]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in kind:
            return fitting(rng.choice(kind[several]), defs, known, rng, depth + 1)
    called = kind.get("type")
    if isinstance(called, list):
        called = rng.choice(called)

    def inner(kind: Any) -> Any:
        return fitting(kind, defs, known, rng, depth + 1)

    drawn: dict[Any, Callable[[], Any]] = {
        "string": lambda: known.word(rng),
        "integer": lambda: rng.choice((0, 1, 1, 2, 3, 10, -1, 10**18, 2**64, -(2**70))),
        "number": lambda: rng.choice((0, 1, 1.5, 10, 99.99, *_NUMBERS)),
        "boolean": lambda: rng.random() < 0.5,
        "null": lambda: None,
        "array": lambda: [inner(kind.get("items")) for _ in range(rng.choice((0, 1, 1, 2, 3)))],
        "object": lambda: (
            {name: known.of(name, rng) or inner(one) for name, one in kind.get("properties", {}).items()}
            or {known.word(rng): inner(kind.get("additionalProperties"))}
        ),
    }
    return drawn.get(called, lambda: anything(rng))()


def anything(rng: random.Random, depth: int = 0) -> Any:
    """Any JSON value."""
    match rng.randrange(6 if depth > 3 else 9):
        case 0:
            return None
        case 1:
            return rng.random() < 0.5
        case 2 | 3:
            return rng.choice(_NUMBERS)
        case 4 | 5:
            return rng.choice(_STRINGS)
        case 6:
            return [anything(rng, depth + 1) for _ in range(rng.randrange(4))]
        case 7:
            return {rng.choice(_STRINGS)[:20]: anything(rng, depth + 1) for _ in range(rng.randrange(4))}
        case _:
            value: Any = rng.choice(_STRINGS)[:20]
            for _ in range(rng.choice((2, 20, 200))):
                value = [value] if rng.random() < 0.5 else {"a": value}
            return value

"""Typed Python functions as tools: what the model is told comes from the signature and the docstring."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import inspect
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast, get_type_hints, overload

import msgspec

from turnwise.errors import ConfigError, ToolError, did_you_mean
from turnwise.limits import EpisodeStop
from turnwise.message import Audio, Content, File, Image, Text, ToolSpec, Video
from turnwise.role import Role
from turnwise.tool import Terms
from turnwise.tools.mend import meant, mended

if TYPE_CHECKING:
    from turnwise.tools.desk import Desk, DeskTool

Replay = Literal["run", "record"]
Kind = Literal["read", "write"]
_PARTS = (Text, Image, Audio, Video, File)


class FunctionTool:
    """A function as a tool, or a method of a desk (`turnwise.tools.desk`).

    The schema is that of its annotated parameters; a parameter annotated `Role` is not shown, and gets the
    role that calls. Arguments are checked and converted before the function sees them; what models mix up is
    mended: a number for a text, a text for a number, a list or object as JSON text. The result is given to
    the model as it is where it is text or content parts, else as JSON. In Python the function is still called
    as it was written.

    Args:
        function: Plain or `async`.
        name: Its name by default.
        description: The first paragraph of its docstring by default; the lines of an `Args:` section describe
            the parameters.
        replay: `run` it again when an episode is replayed, or use what was `record`ed.
        kind: Whether it may change anything.
        cost: What a call takes of a budget (`turnwise.environments.parts.ledger`).
        timeout: Seconds it may take; whether it was in time is recorded, so that a replay repeats it. A
            function that is not `async` runs in a thread then, which nothing can stop.
        callers: The roles that may call it; all by default.

    Raises:
        ConfigError: not a function; or a parameter has no annotation, or one that has no JSON form; or terms
            that cannot be.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        replay: Replay = "run",
        kind: Kind = "write",
        cost: float = 1.0,
        timeout: float | None = None,
        callers: str | Sequence[str] = (),
    ) -> None:
        if not inspect.isroutine(function):
            raise ConfigError(f"a tool must be a function or method, not {type(function).__name__}")
        self.function = function
        self.replay: Replay = replay
        self._role: str | None = None
        called = name or function.__name__
        if not cost >= 0 or (timeout is not None and not timeout > 0):
            raise ConfigError(
                f"tool {called!r}: expected a cost of 0 or more, and a time-out above 0 seconds"
            )
        roles = (callers,) if isinstance(callers, str) else tuple(callers)
        self.terms = Terms(kind=kind, cost=cost, timeout=timeout, callers=roles)
        told, notes = _docstring(function)
        try:
            self._arguments = self._struct(called)
            parameters = _schema(self._arguments, notes)
        except (TypeError, NameError) as error:
            raise ConfigError(f"tool {called!r}: {str(error).splitlines()[-1]}") from None
        self._names = self._arguments.__struct_fields__
        self.spec = ToolSpec(name=called, description=description or told, parameters=parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself."""
        return self.function(*args, **kwargs)

    @overload
    def __get__(self, desk: None, owner: type[Any]) -> FunctionTool: ...
    @overload
    def __get__(self, desk: Desk, owner: type[Any]) -> DeskTool: ...
    def __get__(self, desk: Desk | None, owner: type[Any]) -> FunctionTool | DeskTool:
        """The tool of one desk."""
        return self if desk is None else desk.bound(self)

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Call it.

        Raises:
            ToolError: the arguments do not fit, naming the one and what was expected; or it took too long.
        """
        return await self.invoke(self.function, arguments, role)

    async def invoke(
        self, function: Callable[..., Any], arguments: Mapping[str, Any], role: Role | None
    ) -> Content:
        """Call `function` on this tool's terms; see `call`."""
        terms = self.terms
        values = self.values(arguments)
        if self._role is not None:
            values[self._role] = role
        if terms.timeout is not None and role is not None:
            return _content(await _in_time(function, values, self.spec.name, terms.timeout, role))
        result = function(**values)
        return _content(await result if inspect.isawaitable(result) else result)

    def values(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them.

        Raises:
            ToolError: they do not fit.
        """
        for name in arguments:
            if name not in self._names:
                known = self._names
                near = did_you_mean(name, known) or f"; it takes {', '.join(known) or 'none'}"
                raise ToolError(f"{self.spec.name}: unknown argument {name!r}{near}")
        try:
            given = msgspec.convert(arguments, self._arguments)
        except (msgspec.ValidationError, RecursionError) as error:
            given = self._mended(arguments, error)
        return {name: getattr(given, name) for name in self._names}

    def _mended(self, arguments: Mapping[str, Any], error: Exception) -> Any:
        """The arguments, where what does not fit can be told to mean what does."""
        schema = self.spec.parameters
        definitions = schema.get("$defs", {})
        try:
            return msgspec.convert(mended(arguments, schema, definitions), self._arguments, strict=False)
        except (msgspec.ValidationError, RecursionError):
            why = _explain(str(error), schema["properties"], definitions)
            raise ToolError(f"{self.spec.name}: {why}") from None

    def _struct(self, called: str) -> type[msgspec.Struct]:
        """The parameters as a struct."""
        hints = get_type_hints(self.function, include_extras=True)
        fields: list[Any] = []
        for place, parameter in enumerate(inspect.signature(self.function).parameters.values()):
            if place == 0 and parameter.name == "self" and "self" not in hints:
                continue
            if hints.get(parameter.name) is Role:
                self._role = parameter.name
                continue
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise ConfigError(
                    f"tool {called!r}: the parameter {parameter.name!r} cannot be given by name"
                )
            if parameter.name not in hints:
                raise ConfigError(f"tool {called!r}: the parameter {parameter.name!r} needs an annotation")
            kind = hints[parameter.name]
            if parameter.default is parameter.empty:
                fields.append((parameter.name, kind))
            elif isinstance(parameter.default, (list, dict, set)):
                # Each call has a default of its own, as it may be changed.
                made = partial(copy.deepcopy, parameter.default)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
                fields.append((parameter.name, kind, msgspec.field(default_factory=made)))
            else:
                fields.append((parameter.name, kind, msgspec.field(default=parameter.default)))
        return msgspec.defstruct(called, fields, kw_only=True, frozen=True)


@overload
def tool(function: Callable[..., Any]) -> FunctionTool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    replay: Replay = "run",
    kind: Kind = "write",
    cost: float = 1.0,
    timeout: float | None = None,
    callers: str | Sequence[str] = (),
) -> Callable[[Callable[..., Any]], FunctionTool]: ...
def tool(
    function: Callable[..., Any] | None = None, **terms: Any
) -> FunctionTool | Callable[[Any], FunctionTool]:
    """Decorator that makes a function, or a method of a desk, a `FunctionTool`; see there."""

    def make(decorated: Callable[..., Any]) -> FunctionTool:
        return FunctionTool(decorated, **terms)

    return make if function is None else make(function)


async def _in_time(
    function: Callable[..., Any], values: dict[str, Any], name: str, seconds: float, role: Role
) -> Any:
    """What the function gives, if it gives it in time.

    Whether it did is the clock's word, and so an effect: a replay runs what ended in time, and nothing else.

    Raises:
        ToolError: it did not.
    """
    made: list[Any] = []
    failed: list[BaseException] = []

    async def attempt() -> bool:
        scope = asyncio.timeout(seconds)
        try:
            async with scope:
                made.append(await _result(function, values))
        except Exception as error:
            if scope.expired():
                return False
            failed.append(error)
        except EpisodeStop as stop:
            # It ended the episode, in time; a replay has it end again.
            failed.append(stop)
        return True

    if not await role.episode.effect(f"time:{name}:{role.name}", attempt):
        raise ToolError(f"{name}: stopped after {seconds:g} seconds without a result")
    if failed:
        raise failed[0]
    return made[0] if made else await role.episode.in_turn(lambda: _result(function, values))


async def _result(function: Callable[..., Any], values: dict[str, Any]) -> Any:
    """A function's result; one that is not async runs in a thread, so that it can be waited for no longer."""
    if inspect.iscoroutinefunction(function):
        return await function(**values)
    # A thread of its own: one that hangs must hold up neither other calls nor the end of the process.
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    call = partial(contextvars.copy_context().run, function, **values)
    threading.Thread(target=_work, args=(call, loop, done), name="turnwise-tool", daemon=True).start()
    result, error = await done
    if error is not None:
        raise error
    return result


def _work(call: Callable[[], Any], loop: asyncio.AbstractEventLoop, done: asyncio.Future[Any]) -> None:
    """A call in its thread; what comes of it is for whoever still waits."""
    outcome: tuple[Any, BaseException | None]
    try:
        outcome = call(), None
    except BaseException as error:
        outcome = None, error

    def settle() -> None:
        if not done.done():
            done.set_result(outcome)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(settle)


def _schema(struct: type[msgspec.Struct], notes: dict[str, str]) -> dict[str, Any]:
    """JSON Schema of the arguments object, in one piece where nothing refers to itself."""
    (reference,), definitions = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    whole = definitions.pop(reference["$ref"].rpartition("/")[2])
    schema: dict[str, Any] = {
        "type": "object",
        "properties": whole.get("properties", {}),
        "required": whole.get("required", []),
        "additionalProperties": False,
    }
    for name, note in notes.items():
        if name in schema["properties"]:
            schema["properties"][name] = {**schema["properties"][name], "description": note}
    if definitions:
        schema["$defs"] = definitions
    return schema


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The first paragraph of a docstring, and what its `Args:` section says of each parameter."""
    text = inspect.getdoc(function) or ""
    told = " ".join(text.split("\n\n")[0].split())
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", text, re.MULTILINE)
    notes: dict[str, str] = {}
    name = ""
    for line in section[1].splitlines() if section else ():
        start = re.match(r"\s+(\w+)(?:\s*\(.*?\))?:\s*(.*)", line)
        if start:
            name = start[1]
            notes[name] = start[2].strip()
        elif name and line.strip():
            notes[name] += f" {line.strip()}"
    return told, notes


def _explain(error: str, properties: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A validation error in the model's words: which argument, what was expected."""
    reason, _, place = error.partition(" - at ")
    missing = re.search(r"missing required field `(.*?)`", reason)
    if missing:
        return f"the argument {missing[1]!r} is missing"
    name = re.sub(r"^`\$\.?(.*)`$", r"\1", place)
    kinds = meant(properties.get(name, {}), definitions)
    choices = [choice for kind in kinds for choice in kind.get("enum", ())]
    if choices and reason.startswith("Invalid enum value"):
        reason = (
            f"expected one of {', '.join(map(repr, choices))}, got{reason.removeprefix('Invalid enum value')}"
        )
    return f"the argument {name!r}: {reason[0].lower()}{reason[1:]}" if name else reason


def _content(result: Any) -> Content:
    if isinstance(result, str):
        return result
    if isinstance(result, _PARTS):
        return (result,)
    if isinstance(result, (list, tuple)) and result and all(isinstance(part, _PARTS) for part in result):  # pyright: ignore[reportUnknownVariableType]
        return tuple(cast("Sequence[Any]", result))
    return msgspec.json.encode(result).decode()

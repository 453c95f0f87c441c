"""Typed Python functions as tools: what the model is told comes from the signature and the docstring."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_type_hints, overload

import msgspec

from turnwise.errors import ConfigError, ToolError, did_you_mean
from turnwise.message import Audio, Content, File, Image, Text, ToolSpec, Video
from turnwise.role import Role

Replay = Literal["run", "record"]
_PARTS = (Text, Image, Audio, Video, File)


class FunctionTool:
    """A function as a tool.

    The schema is that of its annotated parameters; a parameter annotated `Role` is not shown, and gets the
    role that calls. Arguments are checked and converted before the function sees them. Its result is given to
    the model as it is where it is text or content parts, else as JSON.

    Args:
        function: Plain or `async`.
        name: Its name by default.
        description: The first paragraph of its docstring by default; the lines of an `Args:` section describe
            the parameters.
        replay: `run` it again when an episode is replayed, or use what was `record`ed.

    Raises:
        ConfigError: not a function; or a parameter has no annotation, or one that has no JSON form.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        replay: Replay = "run",
    ) -> None:
        if not inspect.isroutine(function):
            raise ConfigError(f"a tool must be a function or method, not {type(function).__name__}")
        self.function = function
        self.replay: Replay = replay
        self._role: str | None = None
        called = name or function.__name__
        told, notes = _docstring(function)
        try:
            self._arguments = self._struct(called)
            parameters = _schema(self._arguments, notes)
        except (TypeError, NameError) as error:
            raise ConfigError(f"tool {called!r}: {str(error).splitlines()[-1]}") from None
        self.spec = ToolSpec(name=called, description=description or told, parameters=parameters)

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Call it.

        Raises:
            ToolError: the arguments do not fit, naming the one and what was expected.
        """
        for name in arguments:
            if name not in self._arguments.__struct_fields__:
                known = self._arguments.__struct_fields__
                near = did_you_mean(name, known) or f"; it takes {', '.join(known) or 'none'}"
                raise ToolError(f"{self.spec.name}: unknown argument {name!r}{near}")
        try:
            given = msgspec.convert(arguments, self._arguments)
        except msgspec.ValidationError as error:
            properties = self.spec.parameters["properties"]
            raise ToolError(f"{self.spec.name}: {_explain(str(error), properties)}") from None
        values = {name: getattr(given, name) for name in self._arguments.__struct_fields__}
        if self._role is not None:
            values[self._role] = role
        result = self.function(**values)
        if inspect.isawaitable(result):
            result = await result
        return _content(result)

    def _struct(self, called: str) -> type[msgspec.Struct]:
        """The parameters as a struct."""
        hints = get_type_hints(self.function, include_extras=True)
        fields: list[Any] = []
        for parameter in inspect.signature(self.function).parameters.values():
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
    *, name: str | None = None, description: str | None = None, replay: Replay = "run"
) -> Callable[[Callable[..., Any]], FunctionTool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    replay: Replay = "run",
) -> FunctionTool | Callable[[Any], FunctionTool]:
    """Decorator that makes a function a `FunctionTool`; see there."""

    def make(decorated: Callable[..., Any]) -> FunctionTool:
        return FunctionTool(decorated, name=name, description=description, replay=replay)

    return make if function is None else make(function)


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


def _explain(error: str, properties: dict[str, Any]) -> str:
    """A validation error in the model's words: which argument, what was expected."""
    reason, _, place = error.partition(" - at ")
    missing = re.search(r"missing required field `(.*?)`", reason)
    if missing:
        return f"the argument {missing[1]!r} is missing"
    name = re.sub(r"^`\$\.?(.*)`$", r"\1", place)
    choices = properties.get(name, {}).get("enum")
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
        return tuple(result)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return msgspec.json.encode(result).decode()

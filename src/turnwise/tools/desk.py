"""Tools that share a state (a shop, a phone, a calendar): the methods of one object, a desk.

    class Phone(Desk):
        airplane_mode: bool = False
        apps: list[str]

        def __init__(self, apps: list[str]) -> None:
            self.apps = apps

        @tool(callers="user")
        def toggle_airplane_mode(self) -> str:
            \"\"\"Turn airplane mode on or off.\"\"\"
            self.airplane_mode = not self.airplane_mode
            return f"Airplane mode is now {'on' if self.airplane_mode else 'off'}."

A desk is made inside `Environment.run`, from the task, so that a replay rebuilds it and a fork has its own.
Its state are its annotated public attributes: `Tables`, or anything that has a JSON form. A call is all or
nothing: where it fails, the state is as before; so there is one at a time. What a call has changed is a note
of the episode (`changes`), for people and for judges.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
from types import MethodType
from typing import Any, ClassVar, Literal, Self, get_origin, get_type_hints

import msgspec

from turnwise.errors import ConfigError, ToolError, did_you_mean
from turnwise.message import Content, ToolSpec
from turnwise.role import Role
from turnwise.tool import Terms
from turnwise.tools.function import FunctionTool
from turnwise.tools.tables import Change, Tables, difference


class DeskTool:
    """A tool of one desk."""

    def __init__(self, desk: Desk, made: FunctionTool) -> None:
        self._desk = desk
        self._made = made
        self._function = MethodType(made.function, desk)

    @property
    def spec(self) -> ToolSpec:
        """What the model is told."""
        return self._made.spec

    @property
    def replay(self) -> Literal["run", "record"]:
        """Always `run`: a replay rebuilds the desk."""
        return "run"

    @property
    def terms(self) -> Terms:
        """Its terms."""
        return self._made.terms

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The method itself, as one of another method's steps."""
        return self._function(*args, **kwargs)

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Call it, and note what has changed; see `FunctionTool.call`."""
        desk = self._desk
        content, changes = await self.invoke(arguments, role)
        if changes and desk.noted:
            episode = role.episode
            await episode.arrive()
            said = {"desk": desk.name, "tool": self.spec.name, "by": role.name, "changes": changes}
            episode.note(said, len(episode.turns), name="changes")
        return content

    async def invoke(self, arguments: dict[str, Any], role: Role | None) -> tuple[Content, list[Change]]:
        """The result of a call, and what it has changed; where it fails, the state is as before."""
        desk = self._desk
        desk.begin(self.spec.name)
        try:
            content = await self._made.invoke(self._function, arguments, role)
            return content, self._settled()
        except BaseException:
            desk.undo()
            raise
        finally:
            desk.end()

    def _settled(self) -> list[Change]:
        """What came of a call that passed."""
        desk = self._desk
        desk.settle()
        changes = desk.since()
        if changes and self._made.terms.kind == "read":
            places = ", ".join("/".join(change["at"]) for change in changes[:3])
            raise ConfigError(f"tool {self.spec.name!r} says that it only reads, but it changed {places}")
        return changes


class Desk:
    """Base of all desks; see the module."""

    name: ClassVar[str] = ""
    """How notes call it; by default the class's name."""
    noted: ClassVar[bool] = True
    """Whether what its tools change is noted in the episode."""

    _tools: ClassVar[dict[str, FunctionTool]] = {}
    """By attribute."""
    _kinds: ClassVar[dict[str, Any] | None] = None
    """Types of the state's attributes, once they are known."""

    _bound: dict[FunctionTool, DeskTool]
    _marked: dict[str, bytes] | None
    """The plain part of the state, where `since` was asked last."""
    _at_work: str | None
    """The tool that is being called."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Set up what is the frame's own; `__init__` is the desk's, to write as it likes."""
        made = super().__new__(cls)
        made._bound = {}
        made._marked = made._at_work = None
        return made

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__
        cls._kinds = None
        found: dict[str, FunctionTool] = {}
        for base in reversed(cls.__mro__):
            for name, made in vars(base).items():
                if isinstance(made, FunctionTool):
                    _check(made)
                    found[name] = made
                else:
                    found.pop(name, None)
        cls._tools = found

    def bound(self, made: FunctionTool) -> DeskTool:
        """A tool of this class as this desk's."""
        found = self._bound.get(made)
        if found is None:
            found = self._bound[made] = DeskTool(self, made)
        return found

    def tools(self, role: str | None = None) -> tuple[DeskTool, ...]:
        """Its tools, in the order they are written; only those for one role, where it is named."""
        return tuple(
            self.bound(made) for made in self._tools.values() if role is None or made.terms.allow(role)
        )

    async def do(self, tool: str, /, **arguments: Any) -> Content:
        """Call a tool for nobody, as a model would: a reference solution, a set-up. Nothing is noted.

        Raises:
            ToolError: it refuses, or there is none of this name.
        """
        by_name = {made.spec.name: made for made in self._tools.values()}
        if tool not in by_name:
            raise ToolError(f"there is no tool {tool!r}{did_you_mean(tool, by_name)}")
        content, _ = await self.bound(by_name[tool]).invoke(arguments, None)
        return content

    def settle(self) -> None:
        """What follows by itself from what a call did; a desk that has such things overrides this."""

    # State --------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The state as JSON values; of tables, what was changed."""
        found: dict[str, Any] = {}
        for name in self._state_kinds():
            value = getattr(self, name)
            found[name] = value.changes() if isinstance(value, Tables) else msgspec.to_builtins(value)
        return found

    def key(self) -> str:
        """Hex SHA-256 of the state: equal keys, equal states."""
        digest = hashlib.sha256()
        for name in sorted(self._state_kinds()):
            value = getattr(self, name)
            text = value.key().encode() if isinstance(value, Tables) else _bytes(value)
            digest.update(b"%d:%b=%d:%b;" % (len(name), name.encode(), len(text), text))
        return digest.hexdigest()

    def apart(self, other: Desk) -> list[Change]:
        """How this desk's state differs from that of another of its kind: `was` is the other's."""
        found: list[Change] = []
        for name in self._state_kinds():
            now, was = getattr(self, name), getattr(other, name)
            if isinstance(now, Tables):
                found += [{**change, "at": [name, *change["at"]]} for change in now.apart(was)]
            else:
                found += difference(msgspec.to_builtins(was), msgspec.to_builtins(now), (name,))
        return found

    def snapshot(self) -> dict[str, Any]:
        """A copy of the state, for `restore`; tables cost what was changed in them."""
        return {
            name: value.copy() if isinstance(value := getattr(self, name), Tables) else copy.deepcopy(value)
            for name in self._state_kinds()
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to a snapshot, which may be used again."""
        for name, value in snapshot.items():
            setattr(self, name, value.copy() if isinstance(value, Tables) else copy.deepcopy(value))
        self.since()

    def begin(self, tool: str) -> None:
        """A call begins; the state is noted before the first one, and by `since` after each.

        Raises:
            ConfigError: another one is at work, and who changed what could not be told.
        """
        if self._at_work is not None:
            raise ConfigError(
                f"desk {self.name!r}: {tool!r} was called while {self._at_work!r} was at work; one call at a "
                "time: let one role answer after the other, or make the tools plain functions"
            )
        if self._marked is None:
            self.since()
        self._at_work = tool

    def end(self) -> None:
        """The call is over."""
        self._at_work = None

    def since(self) -> list[Change]:
        """What has changed since this was asked last."""
        marked = self._marked
        found: list[Change] = []
        now: dict[str, bytes] = {}
        for name in self._state_kinds():
            value = self._part(name)
            if isinstance(value, Tables):
                found += [{**change, "at": [name, *change["at"]]} for change in value.since()]
                continue
            now[name] = text = self._spelled(name, value)
            if marked is not None and marked[name] != text:
                found += difference(msgspec.json.decode(marked[name]), msgspec.json.decode(text), (name,))
        self._marked = now
        return found

    def undo(self) -> None:
        """Go back to where `since` was asked last."""
        marked = self._marked or {}
        for name, kind in self._state_kinds().items():
            value = getattr(self, name)
            if isinstance(value, Tables):
                value.undo()
            elif name in marked and _bytes(value) != marked[name]:
                setattr(self, name, msgspec.json.decode(marked[name], type=kind))

    def _part(self, name: str) -> Any:
        """An attribute of the state."""
        try:
            return getattr(self, name)
        except AttributeError:
            raise ConfigError(
                f"desk {self.name!r}: the attribute {name!r} is annotated, and so state, but has no value"
            ) from None

    def _spelled(self, name: str, value: Any) -> bytes:
        """An attribute's value in JSON."""
        try:
            return _bytes(value)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"desk {self.name!r}: the attribute {name!r} has no JSON form ({error}); "
                "begin its name with an underscore, where it is no state"
            ) from None

    @classmethod
    def _state_kinds(cls) -> dict[str, Any]:
        """Types of the attributes that are the state."""
        if cls._kinds is None:
            try:
                hints = get_type_hints(cls, include_extras=True)
            except NameError as error:
                raise ConfigError(f"desk {cls.name!r}: an annotation cannot be read: {error}") from None
            cls._kinds = {
                name: kind
                for name, kind in hints.items()
                if not name.startswith("_") and get_origin(kind) is not ClassVar and kind is not ClassVar
            }
        return cls._kinds


def _check(made: FunctionTool) -> None:
    """Refuse terms on which no desk can be rebuilt or taken back."""
    if made.replay != "run":
        raise ConfigError(f"tool {made.spec.name!r}: a desk is rebuilt by running its tools again")
    if made.terms.timeout is not None and not inspect.iscoroutinefunction(made.function):
        raise ConfigError(
            f"tool {made.spec.name!r}: a desk's tool with a time-out must be async; nothing stops another one"
        )


def _bytes(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")

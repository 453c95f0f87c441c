"""Credit methods by their published names, each with what it needs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np

import turnwise.learn.credit as package
from turnwise.environment import Environment
from turnwise.errors import CapabilityError, ConfigError, did_you_mean
from turnwise.learn.batch import Turns

F = TypeVar("F", bound=Callable[..., Any])


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A credit method: a function of turns, and what must be there for it."""

    name: str
    function: Callable[..., Any]
    per: Literal["turn", "token"] = "turn"
    """Whether it gives `[K]` or `[M]` numbers."""
    needs: tuple[str, ...] = ()
    """What an environment must declare (see `Environment.require`)."""
    takes: tuple[str, ...] = ()
    """Arguments it must be given besides the turns, such as `values`."""

    @property
    def summary(self) -> str:
        """The first sentence of its documentation."""
        return (inspect.getdoc(self.function) or "").split("\n\n")[0].replace("\n", " ")

    def require(self, environment: Environment) -> None:
        """Refuse an environment that does not declare what the method needs, before anything is played.

        Raises:
            ConfigError: naming what is missing.
        """
        environment.require(f"credit method {self.name!r}", *self.needs)

    def __call__(self, turns: Turns, **settings: Any) -> Any:
        """Credit for `turns`, after a check that they can be credited at all.

        Raises:
            CapabilityError: the method needs state keys and the turns have none.
            ConfigError: turns out of order or of unequal lengths, a reward that is not finite, an argument
                that is missing.
        """
        check(turns, self.name)
        if "state_key" in self.needs and turns.state is None:
            raise CapabilityError(
                f"credit method {self.name!r} compares turns of equal states, and these have no state keys"
            )
        missing = [name for name in self.takes if name not in settings]
        if missing:
            raise ConfigError(f"credit method {self.name!r} must be given {missing[0]!r}")
        return self.function(turns, **settings)


_METHODS: dict[str, Method] = {}
_loaded: list[bool] = []


def method(
    name: str,
    *,
    per: Literal["turn", "token"] = "turn",
    needs: tuple[str, ...] = (),
    takes: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Register a function under its published name; the function itself stays as it is."""

    def register(function: F) -> F:
        _METHODS[name] = Method(name=name, function=function, per=per, needs=needs, takes=takes)
        return function

    return register


def get(name: str) -> Method:
    """The method of that name.

    Raises:
        ConfigError: with the nearest names, where there is none.
    """
    _load()
    if name not in _METHODS:
        raise ConfigError(f"no credit method {name!r}{did_you_mean(name, _METHODS)}")
    return _METHODS[name]


def names() -> tuple[str, ...]:
    """All names, sorted."""
    _load()
    return tuple(sorted(_METHODS))


def check(turns: Turns, name: str = "credit") -> None:
    """Refuse turns that no method can credit.

    Raises:
        ConfigError: naming the first turn that is wrong.
    """
    count = len(turns.episode)
    for field in ("reward", "index", "role", "tokens", "state", "counted"):
        values = getattr(turns, field)
        if values is not None and len(values) != count:
            raise ConfigError(f"{name}: turns.{field} has {len(values)} entries for {count} turns")
    if count and ((turns.episode[1:] < turns.episode[:-1]).any() or turns.episode[0] < 0):
        raise ConfigError(f"{name}: turns must be sorted by episode, numbered from 0")
    if count and turns.episode[-1] >= len(turns.group):
        raise ConfigError(
            f"{name}: turns.group has {len(turns.group)} entries, but there is an episode {turns.episode[-1]}"
        )
    if not np.isfinite(turns.reward.sum()):
        k = np.flatnonzero(~np.isfinite(turns.reward))[0]
        raise ConfigError(
            f"{name}: turn {turns.index[k]} of episode {turns.episode[k]} has the reward {turns.reward[k]}; "
            "drop the episode or mend its environment"
        )


def _load() -> None:
    """Import every file of this folder once, so that each has registered itself."""
    if not _loaded:
        for found in pkgutil.iter_modules(package.__path__):
            if found.name != "kernels":
                importlib.import_module(f"{package.__name__}.{found.name}")
        _loaded.append(True)

"""Names to things: what is installed under an entry-point group, and what a `file.py:name` points at.

Built-in parts and those of other packages register alike, in the groups `turnwise.environments`,
`turnwise.models` and `turnwise.agents` of their `pyproject.toml`. A whole family of names registers as a
scheme: an entry `gym` of `turnwise.environment_schemes` is a function that makes something of the rest of
every name `gym:…`. In `turnwise.agent_schemes` it is a scaffold: a function that makes an agent of the model
that the rest names (`codeact:openai/MODEL`).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from turnwise.errors import ConfigError, did_you_mean


@cache
def entries(group: str) -> dict[str, EntryPoint]:
    """The entry points of `turnwise.<group>` by name, sorted."""
    found = {entry.name: entry for entry in entry_points(group=f"turnwise.{group}")}
    return dict(sorted(found.items()))


def scheme(group: str, name: str) -> EntryPoint | None:
    """The scheme that `name` (`scheme:rest`) belongs to; None where it is no such name."""
    prefix, colon, _ = name.partition(":")
    return entries(f"{group.removesuffix('s')}_schemes").get(prefix) if colon else None


def family(group: str, name: str) -> Any:
    """What makes the things of a scheme: of the rest of a name, or for an agent of the agent it names.

    Raises:
        ConfigError: it cannot be imported.
    """
    entry = scheme(group, name)
    assert entry is not None
    return _loaded(group.removesuffix("s"), name, entry)


def load(group: str, name: str) -> Any:
    """What is registered under `name`, what its scheme makes of it, or what is at the place it names.

    A place is `path/to/file.py:name` or `package.module:name`.

    Args:
        group: `environments`, `models` or `agents`.
        name: The name or the place.

    Raises:
        ConfigError: where there is no such thing (with the nearest names), or it cannot be imported.
    """
    kind = group.removesuffix("s")
    if (family := scheme(group, name)) is not None:
        return _loaded(kind, name, family)(name.partition(":")[2])
    if ":" in name:
        return _at_place(kind, name)
    entry = entries(group).get(name)
    if entry is None:
        near = did_you_mean(name, entries(group)) or f"; known: {', '.join(entries(group))}"
        raise ConfigError(f"unknown {kind} {name!r}{near}")
    return _loaded(kind, name, entry)


def _loaded(kind: str, name: str, entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:
        what = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise ConfigError(f"{kind} {name!r} cannot be loaded: {what}") from error


def _at_place(kind: str, place: str) -> Any:
    where, _, attribute = place.rpartition(":")
    if os.getcwd() not in sys.path:
        # A package in the current folder is found, as by `python -m`; what is installed goes before it.
        sys.path.append(os.getcwd())
    try:
        module = _import_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    except FileNotFoundError:
        raise ConfigError(f"{kind} {place!r}: there is no file {where}") from None
    except ImportError as error:
        near = did_you_mean(place.partition(":")[0], entries(f"{kind}_schemes"))
        if where.endswith(".py") and "relative import" in str(error):
            near = f"; as part of a package: {_in_package(Path(where))}:{attribute}"
        elif "/" in where and all(part.isidentifier() for part in Path(where).parts):
            near = f"; a package has dots: {'.'.join(Path(where).parts)}:{attribute}"
        raise ConfigError(f"{kind} {place!r} cannot be imported: {error}{near}") from error
    except Exception as error:
        raise ConfigError(f"{kind} {place!r}: {where} fails: {type(error).__name__}: {error}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        near = did_you_mean(attribute, vars(module))
        raise ConfigError(f"{kind} {place!r}: {where} has no {attribute!r}{near}") from None


def _in_package(path: Path) -> str:
    """A file's dotted name; where the current folder lies within its package, the folder to go to first."""
    whole = path.resolve().with_suffix("")
    root = whole.parent
    while (root / "__init__.py").exists():
        root = root.parent
    here = Path.cwd()
    if whole.is_relative_to(here) and root.is_relative_to(here):
        return ".".join(whole.relative_to(here).parts)
    return f"cd {root}, then {'.'.join(whole.relative_to(root).parts)}"


def _import_file(path: Path) -> Any:
    path = path.resolve()
    name = f"turnwise_file_{path.stem}_{abs(hash(str(path))):x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module

"""`turnwise new`: a service of one's own, from the one that comes along."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from turnwise.cli.options import JsonFlag
from turnwise.errors import ConfigError

_MODEL = "lantern"
"""The service that is written anew, under another name."""
_TAKEN = frozenset({"test", "tests"})


def command(
    name: Annotated[str, typer.Argument(help="How it is called: letters, digits and _, such as bike_shop.")],
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Where its folder is made.")] = Path(),
    json: JsonFlag = False,
) -> None:
    """Write a service of your own: tools, policy, tasks, users and tests, which run at once."""
    from turnwise.cli import output

    _check(name)
    folder = directory / name
    if folder.exists():
        raise ConfigError(f"{folder} is there already: give another name, or another --directory")
    if name in sys.stdlib_module_names or name in _TAKEN or _installed(name):
        raise ConfigError(f"name {name!r} is another package's: take another, such as {name}_service")
    texts = scaffold(name)
    try:
        folder.mkdir(parents=True)
        for file, text in texts.items():
            (folder / file).write_text(text)
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}") from None
    if json:
        output.print_json({"folder": str(folder), "files": sorted(texts)})
        return
    shown = output.console()
    for file in sorted(texts):
        shown.print(str(folder / file))
    inside = "" if directory.resolve() == Path.cwd() else f"cd {directory} && "
    shown.print(f"\nRun it:  {inside}turnwise run {name}:{class_name(name)} --agent solver", style="dim")
    shown.print(f"Test it: {inside}pytest {name}", style="dim")


def scaffold(name: str) -> dict[str, str]:
    """The text of each file of a new service, by the file's name."""
    found: dict[str, str] = {}
    for file in files(f"turnwise.environments.service.{_MODEL}").iterdir():
        if file.is_file() and not file.name.endswith(".pyc"):
            text = file.read_text(encoding="utf-8")
            found[_renamed(file.name, name)] = _renamed(text, name)
    return found


def class_name(name: str) -> str:
    """`BikeShop` of `bike_shop`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def _renamed(text: str, name: str) -> str:
    return text.replace(_MODEL.title(), class_name(name)).replace(_MODEL, name)


def _installed(name: str) -> bool:
    """Whether a package of this name is there, other than in the current folder."""
    found = find_spec(name)
    return found is not None and found.has_location and not Path(str(found.origin)).is_relative_to(Path.cwd())


def _check(name: str) -> None:
    """Refuse what cannot be a package of one's own.

    Raises:
        ConfigError: and why.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        better = f", such as {near}" if re.fullmatch(r"[a-z][a-z0-9_]*", near) else ""
        raise ConfigError(f"name {name!r}: expected a lower-case letter, then letters, digits and _{better}")
    if any(keyword.iskeyword(word) or keyword.issoftkeyword(word) for word in (name, class_name(name))):
        raise ConfigError(f"name {name!r} is a word of Python: take another, such as {name}_service")

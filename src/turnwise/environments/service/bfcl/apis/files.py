"""`GorillaFileSystem`: a small file system, one directory at a time.

Files are texts, directories are objects by name; where one stands is no part of the state that is compared.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, TypeAlias, cast

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

Entry: TypeAlias = Any
"""A file's text, or a directory: entries by name."""
_FORBIDDEN = set('|/\\?%*:"><')


class GorillaFileSystem(Desk):
    """A tree of files, and a place in it.

    Args:
        config: `{"root": {NAME: {"type": "directory", "contents": {…}}}}`; files have `content`.
        long: Texts that make it bulky: `content` behind each file but those named in `spared`, and empty
            `files` in each directory that has none below it.
    """

    name: ClassVar[str] = "GorillaFileSystem"

    root: dict[str, Entry]

    def __init__(
        self,
        config: Mapping[str, Any],
        long: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        # Of several topmost directories the first counts, as published.
        name, top = next(iter(config.get("root", {"/": {"contents": {}}}).items()))
        self._name: str = name
        self.root = _loaded(top["contents"], long)
        self._path: list[str] = []

    @property
    def _here(self) -> dict[str, Entry]:
        place = self.root
        for name in self._path:
            place = place[name]
        return place

    @tool(kind="read")
    def pwd(self) -> dict[str, str]:
        """The path of the current directory."""
        return {"current_working_directory": "/" + "/".join([self._name, *self._path])}

    @tool(kind="read")
    def ls(self, a: bool = False) -> dict[str, list[str]]:
        """List the current directory.

        Args:
            a: Whether hidden entries are shown, too.
        """
        shown = [name for name in self._here if a or not name.startswith(".")]
        return {"current_directory_content": shown}

    @tool(kind="read")
    def cd(self, folder: str) -> dict[str, str]:
        """Go to another directory, one level at a time.

        Args:
            folder: A directory here, `..` for the one above, `/` for the topmost.
        """
        wanted = folder.rstrip("/") or "/"
        if wanted == "..":
            if not self._path:
                raise ToolError("cd: the current directory is the topmost")
            self._path.pop()
            return {}
        if wanted == "/":
            self._path = []
        elif wanted != ".":
            if "/" in wanted:
                raise ToolError(f"cd: {folder}: only one level at a time")
            if not isinstance(self._here.get(wanted), dict):
                raise ToolError(f"cd: {folder}: there is no such directory")
            self._path.append(wanted)
        return {"current_working_directory": self._path[-1] if self._path else self._name}

    @tool
    def mkdir(self, dir_name: str) -> None:
        """Make a directory here.

        Args:
            dir_name: What it is called.
        """
        self._new("mkdir", dir_name)
        self._here[dir_name] = {}

    @tool
    def touch(self, file_name: str) -> None:
        """Make an empty file here.

        Args:
            file_name: What it is called.
        """
        self._new("touch", file_name)
        self._here[file_name] = ""

    @tool
    def echo(self, content: str, file_name: str | None = None) -> dict[str, str] | None:
        """Write a text into a file here that is there already, or show it.

        Args:
            content: The text.
            file_name: The file; without one, the text is shown.
        """
        if not file_name:
            return {"terminal_output": content}
        self._text("echo", file_name)
        self._here[file_name] = content
        return None

    @tool(kind="read")
    def cat(self, file_name: str) -> dict[str, str]:
        """Show a file that is here.

        Args:
            file_name: Which.
        """
        return {"file_content": self._text("cat", file_name)}

    @tool(kind="read")
    def find(self, path: str = ".", name: str | None = None) -> dict[str, list[str]]:
        """Find files and directories below a path.

        Args:
            path: Where to begin; here by default.
            name: What their names hold; all, where it is not given.
        """
        found = [
            way for way, entry in _below(self._at(path), path.rstrip("/")) if name is None or name in entry
        ]
        return {"matches": found}

    @tool(kind="read")
    def wc(self, file_name: str, mode: Literal["l", "w", "c"] = "l") -> dict[str, int | str]:
        """Count the lines, words or characters of a file that is here.

        Args:
            file_name: Which.
            mode: `l` for lines, `w` for words, `c` for characters.
        """
        text = self._text("wc", file_name)
        counted: dict[str, tuple[int, str]] = {
            "l": (len(text.splitlines()), "lines"),
            "w": (len(text.split()), "words"),
            "c": (len(text), "characters"),
        }
        count, kind = counted[mode]
        return {"count": count, "type": kind}

    @tool(kind="read")
    def sort(self, file_name: str) -> dict[str, str]:
        """Show the lines of a file that is here in order.

        Args:
            file_name: Which.
        """
        return {"sorted_content": "\n".join(sorted(self._text("sort", file_name).splitlines()))}

    @tool(kind="read")
    def grep(self, file_name: str, pattern: str) -> dict[str, list[str]]:
        """Show the lines of a file that is here that hold a text.

        Args:
            file_name: Which.
            pattern: The text.
        """
        lines = self._text("grep", file_name).splitlines()
        return {"matching_lines": [line for line in lines if pattern in line]}

    @tool(kind="read")
    def du(self, human_readable: bool = False) -> dict[str, str]:
        """How much the current directory and all below it hold.

        Args:
            human_readable: Whether it is told in KB, MB and so on.
        """
        size: float = _size(self._here)
        if not human_readable:
            return {"disk_usage": f"{size} bytes"}
        unit = "B"
        for larger in ("KB", "MB", "GB", "TB", "PB"):
            if size < 1024:
                break
            size, unit = size / 1024, larger
        return {"disk_usage": f"{size:.2f} {unit}"}

    @tool(kind="read")
    def tail(self, file_name: str, lines: int = 10) -> dict[str, str]:
        """Show the last lines of a file that is here.

        Args:
            file_name: Which.
            lines: How many.
        """
        text = self._text("tail", file_name).splitlines()
        return {"last_lines": "\n".join(text[max(len(text) - lines, 0) :] if lines > 0 else [])}

    @tool(kind="read")
    def diff(self, file_name1: str, file_name2: str) -> dict[str, str]:
        """Compare two files that are here, line by line.

        Args:
            file_name1: One of them.
            file_name2: The other.
        """
        one = self._text("diff", file_name1).splitlines()
        other = self._text("diff", file_name2).splitlines()
        pairs = zip(one, other, strict=False)
        return {"diff_lines": "\n".join(f"- {left}\n+ {right}" for left, right in pairs if left != right)}

    @tool
    def mv(self, source: str, destination: str) -> dict[str, str]:
        """Move or rename what is here.

        Args:
            source: What is moved.
            destination: A directory here, or a new name.
        """
        directory, name = self._target("mv", source, destination)
        entry = self._here.pop(source)
        directory[name] = entry
        return {"result": f"{source!r} moved to {destination!r}"}

    @tool
    def cp(self, source: str, destination: str) -> dict[str, str]:
        """Copy what is here.

        Args:
            source: What is copied.
            destination: A directory here, or a new name.
        """
        directory, name = self._target("cp", source, destination)
        directory[name] = copy.deepcopy(self._here[source])
        return {"result": f"{source!r} copied to {destination!r}"}

    @tool
    def rm(self, file_name: str) -> dict[str, str]:
        """Remove a file or a directory that is here, with all in it.

        Args:
            file_name: Which.
        """
        if file_name not in self._here:
            raise ToolError(f"rm: {file_name}: there is no such file or directory")
        del self._here[file_name]
        return {"result": f"{file_name!r} removed"}

    @tool
    def rmdir(self, dir_name: str) -> dict[str, str]:
        """Remove an empty directory that is here.

        Args:
            dir_name: Which.
        """
        entry = self._here.get(dir_name)
        if not isinstance(entry, dict):
            raise ToolError(f"rmdir: {dir_name}: there is no such directory")
        if entry:
            raise ToolError(f"rmdir: {dir_name}: it is not empty")
        del self._here[dir_name]
        return {"result": f"{dir_name!r} removed"}

    def _text(self, command: str, name: str) -> str:
        """The text of a file that is here."""
        entry = self._here.get(name)
        if isinstance(entry, str):
            return entry
        what = "that is a directory" if isinstance(entry, dict) else "there is no such file here"
        raise ToolError(f"{command}: {name}: {what}")

    def _new(self, command: str, name: str) -> None:
        """Refuse a name for something new."""
        if not name or _FORBIDDEN & set(name):
            raise ToolError(
                f"{command}: {name}: a name must not be empty or hold any of {''.join(_FORBIDDEN)}"
            )
        if name in self._here:
            raise ToolError(f"{command}: {name}: that is there already")

    def _at(self, path: str) -> dict[str, Entry]:
        """The directory of a path."""
        place = self.root if path.startswith("/") else self._here
        for name in path.strip("/").split("/"):
            below: Entry = place if name in ("", ".") else place.get(name)
            if not isinstance(below, dict):
                raise ToolError(f"find: {path}: there is no such directory")
            place = cast("dict[str, Entry]", below)
        return place

    def _target(self, command: str, source: str, destination: str) -> tuple[dict[str, Entry], str]:
        """Where something goes, and under which name."""
        here = self._here
        if source not in here:
            raise ToolError(f"{command}: {source}: there is no such file or directory")
        if "/" in destination or not destination:
            raise ToolError(f"{command}: {destination}: expected a name, not a path")
        there = here.get(destination)
        if there is None:
            return here, destination
        if not isinstance(there, dict):
            raise ToolError(f"{command}: {destination}: that is there already, and no directory")
        if there is here[source] or source in there:
            raise ToolError(f"{command}: {source}: that is in {destination} already")
        return cast("dict[str, Entry]", there), source


def _loaded(contents: Mapping[str, Any], long: Mapping[str, Any] | None) -> dict[str, Entry]:
    """A directory of a configuration."""
    made: dict[str, Entry] = {}
    for name, entry in contents.items():
        if entry["type"] == "directory":
            made[name] = _loaded(entry["contents"], long)
        else:
            more = "" if long is None or name in long["spared"] else long["content"]
            made[name] = entry["content"] + more
    if long is not None and not any(isinstance(entry, dict) for entry in made.values()):
        made |= {name: "" for name in long["files"] if name not in made}
    return made


def _below(directory: Mapping[str, Entry], path: str) -> Iterator[tuple[str, str]]:
    """Paths and names of all below a directory."""
    for name, entry in directory.items():
        yield f"{path}/{name}", name
        if isinstance(entry, dict):
            yield from _below(cast("dict[str, Entry]", entry), f"{path}/{name}")


def _size(entry: Entry) -> int:
    """Bytes of a file, or of all below a directory."""
    if isinstance(entry, str):
        return len(entry.encode())
    return sum(_size(one) for one in entry.values())

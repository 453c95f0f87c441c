"""What a training leaves on disk: checkpoints that are there whole or not at all, and a log of its steps."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from turnwise.errors import ConfigError

LOG = "metrics.jsonl"
"""One line a step, and one an evaluation."""


class Saved(Protocol):
    """What can be written to a folder and be again as it was then."""

    def save(self, folder: Path) -> None:
        """Write it."""
        ...

    def load(self, folder: Path) -> None:
        """Be as when `save` was called."""
        ...


class Checkpoints:
    """The checkpoints of a training, `step-000123` being what stands before step 123.

    Each is a folder with one folder a part; that of the policy is a model for `hf/FOLDER/step-000123/policy`.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def steps(self) -> list[int]:
        """The steps there are checkpoints of, ascending."""
        names = [path.name for path in self.folder.glob("step-*")]
        return sorted(int(name[5:]) for name in names if re.fullmatch(r"step-\d+", name))

    def place(self, step: int) -> Path:
        """The folder of what stands before `step`."""
        return self.folder / f"step-{step:06}"

    def load_last(self, parts: Mapping[str, Saved]) -> int:
        """Load the last checkpoint, if there is one; the step that comes next.

        Args:
            parts: What is loaded, by name.

        Raises:
            ConfigError: it is of another model.
        """
        steps = self.steps()
        if not steps:
            return 0
        for name, part in parts.items():
            part.load(self.place(steps[-1]) / name)
        return steps[-1]

    def save(self, step: int, parts: Mapping[str, Saved]) -> None:
        """Save everything as it stands before `step`.

        Raises:
            ConfigError: it cannot be written.
        """
        place = self.place(step)
        partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            for name, part in parts.items():
                part.save(partial / name)
            shutil.rmtree(place, ignore_errors=True)
            partial.rename(place)
        except OSError as error:
            raise ConfigError(f"cannot write the checkpoint {place}: {error.strerror or error}") from error


class Journal:
    """The log: a line of JSON for each step and each evaluation, and the same in TensorBoard where it is
    installed.

    Args:
        folder: Where it goes.
        before: Lines of this step and of later ones are dropped: they are done again. Evaluations of this
            step stay.
        say: Is told of each line, too.
    """

    def __init__(self, folder: Path, *, before: int, say: Callable[[dict[str, Any]], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._say = say
        self._path = folder / LOG
        self.lines = [line for line in read_log(folder) if _stays(line, before)]
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in self.lines)
        partial = self._path.with_suffix(".partial")
        partial.write_bytes(text)
        partial.replace(self._path)
        self._file = self._path.open("ab")
        self._board = _board(folder, before)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()

    def evaluated(self, step: int) -> bool:
        """Whether the policy before `step` was evaluated."""
        return any("eval" in line and line["step"] == step for line in self.lines)

    def write(self, step: int, **values: Any) -> None:
        """Write a line."""
        line = {"step": step, **values}
        self.lines.append(line)
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        if self._board is not None:
            told = values.get("eval", values)
            prefix = "eval/" if "eval" in values else ""
            for key, value in told.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(prefix + key, value, step)
        self._say(line)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a log; a last one that is not whole is left out."""
    path = folder / LOG
    lines: list[dict[str, Any]] = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            lines.append(msgspec.json.decode(line, type=dict[str, Any]))
        except msgspec.DecodeError:
            break
    return lines


def _stays(line: dict[str, Any], before: int) -> bool:
    return line["step"] < before or (line["step"] == before and "eval" in line)


def _board(folder: Path, before: int) -> Any:
    """TensorBoard's writer, or None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    writer: Any = SummaryWriter
    return writer(str(folder), purge_step=before)

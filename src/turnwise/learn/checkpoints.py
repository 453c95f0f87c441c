"""What a training goes on from: checkpoints that are there whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from turnwise.errors import ConfigError

OWNER = "run"
"""The file of a training's folder that says which training it is."""


def owner_of(folder: Path) -> str | None:
    """The id of the training that a folder holds, if it holds one.

    Raises:
        ConfigError: it is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"folder {folder}: expected a folder, or none yet, found a file: name another")
    place = folder / OWNER
    return place.read_text().strip() if place.is_file() else None


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

    def belong(self, run: str) -> None:
        """Say whose folder it is; one that holds something is only taken by whose it is.

        Args:
            run: The training's id.

        Raises:
            ConfigError: it is another training's, or cannot be written.
        """
        whose = owner_of(self.folder)
        if whose not in (None, run):
            raise ConfigError(f"{self.folder} holds the training {whose}, not {run}: name another folder")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / OWNER).write_text(run)
        except OSError as error:
            raise ConfigError(f"cannot write into {self.folder}: {error.strerror or error}") from error

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

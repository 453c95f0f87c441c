"""The log of a training: a line for each step and each evaluation, and who else is told of it.

| sink | when |
|---|---|
| `metrics.jsonl` in the training's folder | always; the others are copies of its numbers |
| TensorBoard, in the same folder | where `tensorboard` is installed |
| Weights & Biases | where `wandb` is installed *and asked for* by its own settings (`asked_of_wandb`) |

A training that goes on from a checkpoint does the steps after it again. Their lines are dropped first, as
far as a sink allows: JSONL loses them, and TensorBoard is told to purge them. Weights & Biases online goes on
with the same run, where the first value told for a step stays; offline each process leaves a run of its own,
all in one group, which begins with the lines that are kept: the last (`wandb/latest-run`) is the whole
training.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol
from uuid import uuid4

import msgspec

from turnwise.errors import ConfigError

LOG = "metrics.jsonl"
"""One line a step, and one an evaluation."""
TRAINING = "wandb-id"
"""File with the name by which Weights & Biases knows the training: of its run, or offline of its group."""

Line = dict[str, Any]
"""`step`, and the step's numbers; or `step` and `eval`, an evaluation's."""


class Sink(Protocol):
    """Somebody who is told the numbers, in the order of their steps."""

    def tell(self, step: int, numbers: Mapping[str, float]) -> None:
        """Numbers of a step; those of its evaluation are called `eval/...`."""
        ...

    def close(self, failed: bool) -> None:
        """No more is to come: the training is done, or it failed."""
        ...


class Journal:
    """The log; see the module.

    Args:
        folder: Where it goes.
        before: Lines of this step and of later ones are dropped: they are done again. Evaluations of this
            step stay.
        say: Is told of each line, too.
        about: What is said of the training beside its numbers (its config), where a sink has a place for it.

    Raises:
        ConfigError: Weights & Biases was asked for, and refuses.
    """

    def __init__(
        self,
        folder: Path,
        *,
        before: int,
        say: Callable[[Line], None],
        about: Mapping[str, Any] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._say = say
        self._path = folder / LOG
        self.lines = [line for line in read_log(folder) if _stays(line, before)]
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in self.lines)
        partial = self._path.with_suffix(".partial")
        partial.write_bytes(text)
        partial.replace(self._path)
        self._sinks = [
            *_tensorboard(folder, before, self.lines),
            *_wandb(folder, self.lines, about or {}),
        ]
        self._file = self._path.open("ab")

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        for sink in self._sinks:
            sink.close(kind is not None)

    def evaluated(self, step: int) -> bool:
        """Whether the policy before `step` was evaluated."""
        return any("eval" in line and line["step"] == step for line in self.lines)

    def write(self, step: int, **values: Any) -> None:
        """Write a line."""
        line = {"step": step, **values}
        self.lines.append(line)
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        told = numbers(line)
        for sink in self._sinks:
            sink.tell(step, told)
        self._say(line)


def read_log(folder: Path) -> list[Line]:
    """The lines of a log; a last one that is not whole is left out."""
    path = folder / LOG
    lines: list[Line] = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            lines.append(msgspec.json.decode(line, type=Line))
        except msgspec.DecodeError:
            break
    return lines


def numbers(line: Line) -> dict[str, float]:
    """What of a line is a number, by the names that sinks are told; an evaluation's begin with `eval/`."""
    prefix, values = ("eval/", line["eval"]) if "eval" in line else ("", line)
    return {
        prefix + key: value
        for key, value in values.items()
        if isinstance(value, (int, float)) and (key != "step" or prefix)
    }


def _stays(line: Line, before: int) -> bool:
    return line["step"] < before or (line["step"] == before and "eval" in line)


# TensorBoard ------------------------------------------------------------------------------------------------


class _Board:
    """TensorBoard's event file."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def tell(self, step: int, numbers: Mapping[str, float]) -> None:
        for key, value in numbers.items():
            self._writer.add_scalar(key, value, step)
        # So that a training that is killed has told all but what is under way.
        self._writer.flush()

    def close(self, failed: bool) -> None:
        self._writer.close()


def _tensorboard(folder: Path, before: int, kept: Iterable[Line]) -> Iterable[Sink]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return
    writer: Any = SummaryWriter
    board = _Board(writer(str(folder), purge_step=before))
    for line in kept:
        # The purge takes all of step `before`, whose evaluation stands.
        if line["step"] >= before:
            board.tell(line["step"], numbers(line))
    yield board


# Weights & Biases -------------------------------------------------------------------------------------------

Mode = Literal["online", "offline"]

_PRIVATE: Mapping[str, Any] = {
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "host": "",
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}
"""What the library would send beside the numbers and the config: console, code, machine, packages. Whoever
wants it sets the setting's own variable (`WANDB_CONSOLE=auto`)."""


def asked_of_wandb(environ: Mapping[str, str] = os.environ) -> Mode | None:
    """Whether somebody asked for a run of Weights & Biases, by the variables that the library itself reads.

    `WANDB_MODE` decides where it is set: `online` and `offline` ask for a run (`dryrun` is an old name of the
    latter), anything else for none. Else a key in `WANDB_API_KEY` asks for one online, and `WANDB_DISABLED`
    takes that back. That the library is installed, or that somebody once logged in on this machine, asks for
    nothing.
    """
    mode = environ.get("WANDB_MODE", "").strip().lower()
    if mode:
        known: dict[str, Mode] = {"online": "online", "offline": "offline", "dryrun": "offline"}
        return known.get(mode)
    disabled = environ.get("WANDB_DISABLED", "").strip().lower() in ("true", "1", "yes")
    return "online" if environ.get("WANDB_API_KEY", "").strip() and not disabled else None


class _Biases:
    """A run of Weights & Biases."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def tell(self, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log(dict(numbers), step=step)

    def close(self, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))


def _wandb(folder: Path, kept: Iterable[Line], about: Mapping[str, Any]) -> Iterable[Sink]:
    mode = asked_of_wandb()
    if mode is None:
        return
    # Its reports of its own errors are telemetry; read when it is imported.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    try:
        import wandb
    except ImportError:
        return
    library: Any = wandb
    training = _training(folder)
    try:
        run = library.init(
            dir=os.environ.get("WANDB_DIR") or str(folder),
            mode=mode,
            project=os.environ.get("WANDB_PROJECT") or "turnwise",
            name=os.environ.get("WANDB_NAME") or folder.resolve().name,
            group=os.environ.get("WANDB_RUN_GROUP") or training,
            id=os.environ.get("WANDB_RUN_ID") or (training if mode == "online" else None),
            resume="allow" if mode == "online" else None,
            config=dict(about),
            # A run of one's own, whatever else the process logs.
            reinit="create_new",
            settings={
                key: value
                for key, value in _PRIVATE.items()
                if key in library.Settings.model_fields and f"WANDB_{key.upper()}" not in os.environ
            },
        )
    except library.Error as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"Weights & Biases was asked for ({mode}), but: {reason}; "
            f"set WANDB_MODE=offline, or WANDB_MODE=disabled"
        ) from error
    sink = _Biases(run)
    if mode == "offline":
        for line in kept:
            sink.tell(line["step"], numbers(line))
    yield sink


def _training(folder: Path) -> str:
    """A name that is the same for all processes that train in this folder."""
    path = folder / TRAINING
    if not path.exists():
        path.write_text(uuid4().hex[:8])
    return path.read_text().strip()

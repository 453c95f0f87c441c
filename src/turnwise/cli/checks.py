"""Flags that hold a run against something, and the reports of it; see `turnwise.engine.report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias

import typer

from turnwise.errors import ConfigError

if TYPE_CHECKING:
    from turnwise.engine.report import Check, Report, Threshold
    from turnwise.engine.results import Run
    from turnwise.environment import Environment
    from turnwise.store.store import Store

_CHECKS = "Checks and reports"

FailUnderFlag: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under",
        metavar="[METRIC=]NUMBER",
        help="Exit with 1 where the mean score, or a metric's mean, is lower.",
        rich_help_panel=_CHECKS,
    ),
]
BaselineFlag: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Exit with 1 where the run is significantly worse than this earlier one, or the `last` one.",
        rich_help_panel=_CHECKS,
    ),
]
MaxLostFlag: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Exit with 1 where more tasks than this, solved in the earlier run, are not any more.",
        rich_help_panel=_CHECKS,
    ),
]
SolvedFlag: TypeAlias = Annotated[
    float,
    typer.Option(help="A task counts as solved from this mean score on.", rich_help_panel=_CHECKS),
]
JunitFlag: TypeAlias = Annotated[
    Path | None, typer.Option("--junit", help="Write a JUnit report here.", rich_help_panel=_CHECKS)
]
MarkdownFlag: TypeAlias = Annotated[
    Path | None, typer.Option("--markdown", help="Write a Markdown report here.", rich_help_panel=_CHECKS)
]


class Wanted(NamedTuple):
    """What a run is held against, and where that is written down."""

    thresholds: tuple[Threshold, ...] = ()
    baseline: str | None = None
    most_lost: int | None = None
    solved: float = 0.5
    junit: Path | None = None
    markdown: Path | None = None


def wanted(
    fail_under: list[str] | None,
    baseline: str | None,
    most_lost: int | None,
    solved: float,
    junit: Path | None,
    markdown: Path | None,
) -> Wanted:
    """The flags, as far as they can be checked before anything is played.

    Raises:
        ConfigError: a threshold that is none, or a file that cannot be written.
    """
    from turnwise.engine.report import threshold

    if most_lost is not None and baseline is None:
        raise ConfigError(
            "--max-lost says how many tasks may be lost, but not against which run: give --baseline"
        )
    for flag, path in (("--junit", junit), ("--markdown", markdown)):
        writable(flag, path)
    return Wanted(tuple(map(threshold, fail_under or ())), baseline, most_lost, solved, junit, markdown)


def settle(flags: Wanted, made: Environment, store: Store, *, before: int | None = None) -> Run | None:
    """The earlier run, which is to be found before a new one begins, or before the run of a number.

    Raises:
        ConfigError: a threshold that no score can meet, or a baseline of another environment.
        StoreError: there is no such baseline.
    """
    from turnwise.engine.report import earlier, sensible

    sensible(flags.thresholds, made)
    return None if flags.baseline is None else earlier(flags.baseline, store, made.name, before=before)


def reported(run: Run, flags: Wanted, baseline: Run | None) -> Report:
    """Hold a run against what was asked of it, and write that down."""
    from turnwise.engine.report import at_least, junit, markdown, report

    checks: list[Check] = [at_least(run, one) for one in flags.thresholds]
    if flags.baseline is not None:
        checks.append(_against(run, flags, baseline))
    made = report(run, solved=flags.solved, checks=checks)
    if flags.junit is not None:
        write("--junit", flags.junit, junit(made))
    if flags.markdown is not None:
        write("--markdown", flags.markdown, markdown(made))
    return made


def _against(run: Run, flags: Wanted, baseline: Run | None) -> Check:
    from turnwise.engine.report import Check, paired, regression

    if baseline is None:
        line = f"there is no earlier run of {run.row.environment} to compare with"
        return Check(name="no regression", passed=True, line=line)
    try:
        found = paired(baseline, run, solved=flags.solved)
    except ConfigError as error:
        return Check(name=f"no regression against {baseline.id}", passed=False, line=str(error))
    return regression(baseline, found, most_lost=flags.most_lost)


def judge(checks: tuple[Check, ...]) -> None:
    """End with 1 where a check failed.

    Raises:
        CheckFailed: naming all that did.
    """
    from turnwise.engine.report import CheckFailed

    failed = [check.line for check in checks if not check.passed]
    if failed:
        raise CheckFailed("; ".join(failed))


def writable(flag: str, path: Path | None) -> None:
    """Refuse a file that cannot be written, before there is something to write.

    Raises:
        ConfigError: naming the flag, the file and why.
    """
    if path is None:
        return
    there = path.exists()
    try:
        with path.open("a"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise ConfigError(f"{flag}: cannot write {path}: {error.strerror}") from None


def write(flag: str, path: Path, text: str) -> None:
    """Write a report.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{flag}: cannot write {path}: {error.strerror}") from None

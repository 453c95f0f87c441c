"""Flags that hold a run against something, and the reports of it; see `turnwise.engine.report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias

import typer

from turnwise.errors import ConfigError

if TYPE_CHECKING:
    from turnwise.engine.config import RunConfig
    from turnwise.engine.report import Check, Threshold
    from turnwise.engine.results import Run
    from turnwise.store.store import Store

FailUnderFlag: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under",
        metavar="[METRIC=]NUMBER",
        help="Exit with 1 where the mean score, or a metric's mean, is lower.",
    ),
]
BaselineFlag: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Exit with 1 where the run is significantly worse than this earlier one, or the `last` one.",
    ),
]
MaxLostFlag: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Exit with 1 where more tasks than this, solved in the earlier run, are not any more.",
    ),
]
SolvedFlag: TypeAlias = Annotated[
    float,
    typer.Option(help="A task counts as solved from this mean score on."),
]
JunitFlag: TypeAlias = Annotated[Path | None, typer.Option("--junit", help="Write a JUnit report here.")]
MarkdownFlag: TypeAlias = Annotated[
    Path | None, typer.Option("--markdown", help="Write a Markdown report here.")
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


def settle(flags: Wanted, config: RunConfig, store: Store, *, before: int | None = None) -> Run | None:
    """The earlier run, which is to be found before a new one begins, or before the run of a number.

    Raises:
        ConfigError: a threshold that no score can meet, or a baseline of another environment.
        StoreError: there is no such baseline.
    """
    if not flags.thresholds and flags.baseline is None:
        return None
    from turnwise.engine.report import earlier, sensible
    from turnwise.engine.resolve import environment

    made = environment(config)
    sensible(flags.thresholds, made)
    return None if flags.baseline is None else earlier(flags.baseline, store, made.name, before=before)


def checked(run: Run, flags: Wanted, baseline: Run | None) -> tuple[Check, ...]:
    """Hold a run against what was asked of it, and write the reports that were."""
    from turnwise.engine.report import at_least, junit, markdown, report

    checks = [at_least(run, one) for one in flags.thresholds]
    if flags.baseline is not None:
        checks.append(_against(run, flags, baseline))
    if flags.junit is not None or flags.markdown is not None:
        made = report(run, solved=flags.solved, checks=checks)
        write("--junit", flags.junit, junit(made))
        write("--markdown", flags.markdown, markdown(made))
    return tuple(checks)


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


def write(flag: str, path: Path | None, text: str) -> None:
    """Write a report, where a file is named for it.

    Raises:
        ConfigError: it cannot be written.
    """
    if path is None:
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{flag}: cannot write {path}: {error.strerror}") from None

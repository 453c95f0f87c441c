"""`turnwise judge`: judge a stored run, and see how far those who judged it agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turnwise.cli.options import (
    JsonFlag,
    ModelFlag,
    QuietFlag,
    StoreFlag,
    open_store,
    pairs,
    run_config,
    value,
    with_sampling,
)

if TYPE_CHECKING:
    from rich.console import Console

    from turnwise.engine.judging import Pairing, Rater
    from turnwise.engine.results import Run

_SHOWN = 8
"""Episodes on which raters differ that are named."""


def command(
    run: Annotated[str | None, typer.Argument(help="The run to judge; without --judge, to tell of.")] = None,
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="A kind of judge (no arguments lists them), or file.py:Name."),
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="A setting of the judge.")
    ] = None,
    agent: Annotated[
        list[str] | None,
        typer.Option(
            "--agent", "-a", metavar="[ROLE=]NAME", help="Who judges; judge_2 and judge_3 stand in or vote."
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="For a judge of pairs: the run whose episodes stand beside these.")
    ] = None,
    labelled: Annotated[
        Path | None, typer.Option(help="Write the episodes that people labelled to this file, as cases.")
    ] = None,
    solved: Annotated[
        float | None,
        typer.Option(help="A score passes from here on, where nobody says; by default 0.5 of scores to 1."),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="Give the episodes on which any two differ this tag, for the viewer.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Only the first episodes.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", "-e", help="Judge each so often.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Most episodes at a time.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Of the judges' models.")] = 0.0,
    model_option: ModelFlag = None,
    connections: Annotated[int | None, typer.Option(help="Most calls of one model at a time.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Keep model calls in this folder, by content.")] = None,
    store: StoreFlag = None,
    quiet: QuietFlag = False,
    json: JsonFlag = False,
) -> None:
    """Judge the episodes of a run; or say who judged it, how, and where they differ."""
    if run is None:
        _list_kinds(json=json)
        return
    from turnwise.engine.results import Run

    opened = open_store(store)
    judged = Run(opened, opened.run(run))
    if labelled is not None:
        _write_cases(judged, labelled)
        return
    if judge is None:
        _report(judged, solved, tag, json=json)
        return
    import asyncio

    from turnwise.cli.run import finish, watching
    from turnwise.engine import judging

    config = {key: value(text) for key, text in pairs(setting, "--set").items()}
    wanted = run_config(
        "judging",
        None,
        agent,
        None,
        model_option,
        settings__judge=judge,
        settings__config=config,
        settings__reward="verdict",
        limit=limit,
        epochs=epochs,
        concurrency=concurrency,
        calls__concurrency=connections,
        cache=None if cache is None else str(cache),
    )
    other = None if against is None else Run(opened, opened.run(against))
    work = judging.judge(
        judged, with_sampling(wanted, temperature=temperature), against=other, watch=watching(quiet=quiet)
    )
    made = asyncio.run(work)
    if other is not None and not quiet:
        _print_positions(made)
    finish(made, quiet=quiet, json=json)


def _list_kinds(*, json: bool) -> None:
    from turnwise import registry
    from turnwise.cli import output
    from turnwise.judges import kinds

    found: list[dict[str, Any]] = []
    for name in kinds.names():
        kind: Any = registry.load("judges", name)
        what = (kind.__doc__ or "").strip().split("\n")[0]
        found.append({"name": name, "pairs": kinds.of_pairs(kind), "what": what})
    if json:
        output.print_json(found)
        return
    console = output.console()
    columns = [output.Column("judge"), output.Column("of"), output.Column("what")]
    lines = [[one["name"], "pairs" if one["pairs"] else "episodes", one["what"]] for one in found]
    console.print(output.table(columns, lines, console.width))


def _write_cases(run: Run, place: Path) -> None:
    from turnwise import wire
    from turnwise.engine.judging import labelled
    from turnwise.errors import ConfigError

    found = labelled(run)
    try:
        place.write_bytes(b"".join(wire.encode(case) + b"\n" for case in found))
    except OSError as error:
        raise ConfigError(f"cannot write {place}: {error.strerror}") from None
    typer.echo(f"{len(found)} cases in {place}: turnwise run judging --tasks {place}")


def _report(run: Run, solved: float | None, tag: str | None, *, json: bool) -> None:
    from urllib.parse import quote

    from rich.text import Text

    from turnwise.cli import output
    from turnwise.engine.judging import mark, pairings, raters
    from turnwise.errors import ConfigError

    told = raters(run, solved=solved)
    if not told:
        raise ConfigError(f"nobody judged run {run.id} yet: give --judge KIND (turnwise judge lists them)")
    found = pairings(run, told)
    marked = None if tag is None else mark(run, told, found, tag)
    if json:
        plain = {"run": run.id, "raters": _plain_raters(told), "pairs": _plain_pairs(run, found)}
        output.print_json(plain if marked is None else plain | {"tagged": marked})
        return
    console = output.console()
    columns = [output.Column("judged by"), output.Column("episodes", right=True)]
    columns += [output.Column("score", right=True), output.Column("passed", right=True)]
    lines = [
        [one.name, str(len(one.scores)), output.number(one.mean), str(sum(one.passed.values()))]
        for one in told
    ]
    console.print(output.table(columns, lines, console.width))
    for pair in found:
        _print_pair(run, pair, console)
    if marked is not None:
        place = f"/runs/{run.id}?tag={quote(tag or '')}"
        console.print(Text(f"\nepisodes with the tag {tag!r}: {len(marked)}; turnwise view, at {place}"))


def _print_pair(run: Run, pair: Pairing, console: Console) -> None:
    from rich.text import Text

    from turnwise.cli import output

    kappa, n = pair.passed.value, pair.passed.value.n
    console.print()
    console.print(Text(output.clean(f"{pair.first}  and  {pair.second}"), style="bold"))
    if n:
        console.print(f"agree on {n - len(pair.differ)} of {n}; kappa {output.interval(kappa)}")
    console.print(f"rank correlation of scores {output.interval(pair.scores)}")
    if pair.differ:
        names = ", ".join(f"{run.id}/{number}" for number in pair.differ[:_SHOWN])
        more = f" and {len(pair.differ) - _SHOWN} more" if len(pair.differ) > _SHOWN else ""
        console.print(Text(f"they differ on {names}{more}", style="dim"))


def _print_positions(run: Run) -> None:
    from turnwise.cli import output
    from turnwise.engine.judging import positions

    found = positions(run)
    if found.consistency.n:
        shown = output.interval(found.consistency)
        output.console().print(
            f"same winner in both orders {shown}; for the first place {found.bias.mean:+.2f}"
        )


def _plain_raters(told: list[Rater]) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "episodes": len(one.scores), "mean": one.mean, "passed": sum(one.passed.values())}
        for one in told
    ]


def _plain_pairs(run: Run, found: list[Pairing]) -> list[dict[str, Any]]:
    return [
        {
            "first": pair.first,
            "second": pair.second,
            "episodes": pair.passed.value.n,
            "observed": pair.passed.observed,
            "kappa": {name: getattr(pair.passed.value, name) for name in ("mean", "low", "high")},
            "spearman": {name: getattr(pair.scores, name) for name in ("mean", "low", "high")},
            "differ": [f"{run.id}/{number}" for number in pair.differ],
        }
        for pair in found
    ]

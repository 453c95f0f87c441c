"""`turnwise show`: a run in figures, or one episode in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from turnwise.cli.options import JsonFlag, StoreFlag, open_store

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from turnwise.engine.results import Run
    from turnwise.metrics import Estimate

_METRICS_UP_TO = 20_000
"""Episodes of a run up to which all of them are read for figures."""
_WORTH_SECONDS = 1e-3
"""Calls that take less are those of scripts, whose time tells nothing."""


def command(
    run: Annotated[str, typer.Argument(help="A run, or an episode as RUN/NUMBER.")] = "last",
    episode: Annotated[int | None, typer.Argument(help="Number of an episode.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Most episodes to list.")] = 20,
    full: Annotated[
        bool, typer.Option("--full", help="With what models were shown, notes, and where errors happened.")
    ] = False,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Show a run's figures, or an episode's conversation."""
    from turnwise.cli import output
    from turnwise.cli.transcript import print_episode
    from turnwise.engine.results import Run

    opened = open_store(store)
    if episode is None and "/" in run:
        from turnwise.engine.launch import find_episode

        found, episode = find_episode(run, opened)
    else:
        found = Run(opened, opened.run(run))
    if episode is not None:
        log = found.episode(episode)
        if json:
            typer.echo(log.to_json().decode())
        else:
            print_episode(f"{found.id}/{episode}", log, output.console(), full=full)
    elif json:
        told = {"retries": found.retries()} if found.row.planned <= _METRICS_UP_TO else {}
        output.print_json(found.summary() | told)
    else:
        print_run(found, output.console(), episodes=count)


def print_run(run: Run, console: Console, *, episodes: int) -> None:
    """A run's figures, and its first episodes."""
    from rich.text import Text

    row = run.row
    agents = ", ".join(f"{role} = {agent.use}" for role, agent in run.config.agents.items())
    console.print(Text.assemble((run.id, "bold"), f"  {row.environment}, {agents}, {run.status}"))
    if row.parent:
        of = "evaluation" if row.kind == "eval" else row.kind
        console.print(Text(f"{of} of {row.parent}", style="dim"))
    console.print(_figures(run))
    metrics = _metrics(run)
    if metrics is not None:
        console.print(metrics)
    _print_errors(run, console)
    if episodes:
        console.print(_episodes(run, episodes, console.width))


def _figures(run: Run) -> RenderableType:
    from rich.table import Table

    from turnwise.cli import output
    from turnwise.engine.results import estimate

    tasks, scores = run.store.scores(run.row.number)
    score = estimate(tasks, scores)
    totals = run.store.totals(run.row.number)
    stops = {row["stop"]: row["episodes"] for row in totals}
    ended = sum(stops.values())

    def total(name: str) -> Any:
        return sum(row[name] for row in totals)

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_row("score", f"{output.interval(score)}  95 %, {score.clusters} tasks")
    for name, value in (*_tries(tasks, scores, run.config.epochs), *_learning(run)):
        table.add_row(name, output.interval(value))
    missing = score.missing - stops.get("error", 0)
    left = f"{ended} of {run.row.planned}"
    table.add_row("episodes", left + (f", {missing} without a verdict" if missing > 0 else ""))
    shown = ", ".join(f"{name} {count}" for name, count in sorted(stops.items(), key=lambda item: -item[1]))
    table.add_row("stop", shown or "-")
    per = f", {total('turns') / ended:.1f} an episode" if ended else ""
    tools = f", {total('tool_calls'):,} tool calls" if total("tool_calls") else ""
    table.add_row("turns", f"{total('turns'):,}{per}{tools}")
    if total("input") or total("output"):
        table.add_row("tokens", f"{total('input'):,} in, {total('output'):,} out")
    if total("cost"):
        table.add_row("cost", f"{total('cost'):.4g}, {total('cost') / ended:.4g} an episode")
    if ended:
        table.add_row("time", f"{output.duration(total('seconds') / ended)} an episode")
    if run.row.planned <= _METRICS_UP_TO and (retries := run.retries()):
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in retries.items())
        table.add_row("retries", f"{sum(retries.values()):,}  {kinds}")
    for role, times in run.latency().items():
        if times.p95 >= _WORTH_SECONDS:
            quantiles = f"{output.short(times.p50)} p50, {output.short(times.p95)} p95"
            table.add_row("latency", f"{quantiles}  of {times.calls:,} calls of {role}")
    return table


def _tries(tasks: list[str], scores: list[float | None], epochs: int) -> list[tuple[str, Estimate]]:
    """pass@k and pass^k for the epochs of a run whose verdicts are 0 and 1."""
    from turnwise.metrics import pass_at_k, pass_hat_k

    if epochs < 2 or not set(scores) <= {0, 1, None}:
        return []
    return [
        (f"pass@{epochs}", pass_at_k(scores, tasks, epochs)),
        (f"pass^{epochs}", pass_hat_k(scores, tasks, epochs)),
    ]


def _learning(run: Run) -> list[tuple[str, Estimate]]:
    """The first and the last of a training's steps, and of its evaluations."""
    from turnwise.engine.learning import learning_curve

    if run.row.kind != "train":
        return []
    curve = learning_curve(run)
    told: list[tuple[str, Estimate]] = []
    for name, points in (("step", curve.played), ("evaluated", curve.evaluated)):
        ends = points if len(points) < 2 else [points[0], points[-1]]
        told += [(f"{name} {point.step}", point.score) for point in ends]
    return told


def _metrics(run: Run) -> Table | None:
    import msgspec
    from rich.table import Table

    from turnwise.cli import output
    from turnwise.metrics import clustered_mean

    if run.row.planned > _METRICS_UP_TO:
        return None
    values: dict[str, tuple[list[float], list[str]]] = {}
    for task, text in run.store.columns(run.row.number, ("task", "metrics")):
        for name, value in msgspec.json.decode(text or "{}", type=dict[str, float | None]).items():
            if value is None:
                continue
            kept, tasks = values.setdefault(name, ([], []))
            kept.append(value)
            tasks.append(task)
    if not values:
        return None
    table = Table(box=None, pad_edge=False)
    table.add_column("metric")
    table.add_column("mean [95 %]", justify="right")
    table.add_column("episodes", justify="right")
    for name, (kept, tasks) in sorted(values.items()):
        table.add_row(output.clean(name), output.interval(clustered_mean(kept, tasks)), f"{len(kept):,}")
    return table


def _print_errors(run: Run, console: Console) -> None:
    from rich.text import Text

    from turnwise.cli import output
    from turnwise.metrics import error_table

    failures = run.store.failures(run.row.number)
    if not failures:
        return
    told = [(str(number), failure.type, failure.message) for number, failure in failures]
    for row in error_table(told, episodes=run.row.planned):
        where = ", ".join(f"{run.id}/{number}" for number in row.episodes)
        console.print(
            Text(f"{row.count} x {row.kind}: {output.one_line(row.example, 160)}  ({where})", style="red")
        )


def _episodes(run: Run, count: int, width: int) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from turnwise.cli import output
    from turnwise.cli.output import Column

    columns = [
        Column("episode"),
        Column("task", spare=1),
        Column("epoch", right=True, spare=5),
        Column("stop"),
        Column("score", right=True),
        Column("turns", right=True, spare=3),
        Column("time", right=True, spare=4),
    ]
    lines: list[list[str]] = []
    for row in run.store.episodes(run.row.number, limit=count):
        stop = "..." if row.stop is None else row.stop + (f" ({row.detail})" if row.detail else "")
        lines.append(
            [
                f"{run.id}/{row.number}",
                output.one_line(row.task, 40),
                str(row.epoch),
                output.one_line(stop, 40),
                output.number(row.score),
                "-" if row.turns is None else str(row.turns),
                output.duration(row.seconds),
            ]
        )
    table = output.table(columns, lines, width)
    if run.row.planned > count:
        return Group(Text(), table, Text(f"... {run.row.planned - count:,} more (-n)", style="dim"))
    return Group(Text(), table)

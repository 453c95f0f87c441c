"""`turnwise ls`: the runs of a store."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from turnwise.cli.options import JsonFlag, StoreFlag, open_store


def command(
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Most runs to list, newest first.")] = 20,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """List runs, newest first."""
    from turnwise.cli import output
    from turnwise.cli.output import Column
    from turnwise.engine.results import Run
    from turnwise.store.rows import RunCounts

    opened = open_store(store)
    rows = opened.runs(count)
    counts = opened.counts([row.number for row in rows]) if rows else {}
    listed: list[dict[str, Any]] = [
        {
            "run": row.id,
            "environment": row.environment,
            "agents": {role: a["use"] for role, a in row.config.get("agents", {}).items()},
            "status": Run(opened, row).status,
            "planned": row.planned,
            "episodes": (done := counts.get(row.number, RunCounts())).ended,
            "failed": done.failed,
            "score": done.score,
            "turns": done.turns,
            "cost": done.cost,
            "created": row.created,
            "parent": row.parent,
        }
        for row in rows
    ]
    if json:
        output.print_json(listed)
        return
    columns = [
        Column("run"),
        Column("agents", spare=1),
        Column("status", spare=2),
        Column("episodes", right=True),
        Column("failed", right=True, spare=4),
        Column("score", right=True),
        Column("turns", right=True, spare=5),
        Column("created", spare=3),
    ]
    lines = [
        [
            row["run"],
            output.one_line(", ".join(row["agents"].values()), 40)
            + (f" < {row['parent']}" if row["parent"] else ""),
            row["status"],
            f"{row['episodes']}/{row['planned']}",
            str(row["failed"]),
            output.number(row["score"]),
            f"{row['turns']:,}",
            output.moment(row["created"]),
        ]
        for row in listed
    ]
    console = output.console()
    console.print(output.table(columns, lines, console.width))

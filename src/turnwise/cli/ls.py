"""`turnwise ls`: the runs of a store."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from turnwise.cli.options import JsonFlag, StoreFlag, open_store


def command(
    count: Annotated[int, typer.Option("--count", "-n", help="Most runs to list, newest first.")] = 20,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """List runs, newest first."""
    from turnwise.cli import output
    from turnwise.store.rows import RunCounts

    opened = open_store(store)
    rows = opened.runs(count)
    counts = opened.counts([row.number for row in rows]) if rows else {}
    listed: list[dict[str, Any]] = [
        {
            "run": row.id,
            "environment": row.environment,
            "agents": {role: a["use"] for role, a in row.config.get("agents", {}).items()},
            "status": row.status,
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
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("run", "agents", "status", "episodes", "failed", "score", "turns", "created"):
        numeric = name in ("episodes", "failed", "score", "turns")
        plain = name not in ("run", "agents")
        table.add_column(name, justify="right" if numeric else "left", no_wrap=plain or name == "run")
    for row in listed:
        agents = ", ".join(row["agents"].values())
        table.add_row(
            row["run"],
            output.one_line(agents, 40) + (f" < {row['parent']}" if row["parent"] else ""),
            row["status"],
            f"{row['episodes']}/{row['planned']}",
            str(row["failed"]),
            output.number(row["score"]),
            f"{row['turns']:,}",
            output.moment(row["created"]),
        )
    output.console().print(table)

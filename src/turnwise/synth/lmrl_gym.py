"""The offline data sets of LMRL-Gym (Abdulhai et al. 2023, arXiv 2311.18232), made anew by scripted players.

    python -m turnwise.synth.lmrl_gym maze --episodes 1000 --to maze.jsonl
    python -m turnwise.synth.lmrl_gym chess --episodes 100 --to chess.jsonl --set seconds=0.01

Who plays and with which settings is said in `turnwise.environments.lmrl_gym.datasets`, which lists the names.
Rows have the published shape; `turnwise.environments.lmrl_gym.offline.read` reads them as episodes.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from turnwise import registry
from turnwise.engine import launch, resolve
from turnwise.engine.config import parse
from turnwise.engine.results import Run
from turnwise.environments.lmrl_gym.datasets import DataSet, data_set
from turnwise.environments.lmrl_gym.offline import write
from turnwise.errors import ConfigError, TurnwiseError
from turnwise.store.store import Store


class Made(NamedTuple):
    """A data set that was written."""

    episodes: int
    agent: str
    """Who played."""
    mean: float
    """Mean score of these episodes: the data set's average that normalised scores have at 50."""


async def make(
    name: str,
    to: str | Path,
    *,
    episodes: int = 1000,
    seed: int = 0,
    agent: str | None = None,
    settings: Mapping[str, Any] | None = None,
    store: Store | None = None,
) -> Made:
    """Play a data set and write its rows.

    Args:
        name: One of `DATA_SETS`.
        to: The file, JSON Lines.
        episodes: Rows to write.
        seed: Of the run; the same one gives the same rows, engines excepted.
        agent: Who plays instead of the data set's own players, e.g. `solver` or `skill25`.
        settings: Settings of the environment besides the data set's, e.g. `words="published"`.
        store: Where the run is kept; by default nowhere.

    Raises:
        ConfigError: no such data set, agent or setting.
        RunStopped: an episode failed.
    """
    if episodes < 1:
        raise ConfigError(f"episodes: expected at least 1, got {episodes}")
    made = data_set(name)
    config = _config(made, episodes, agent or made.agent, dict(settings or {})) | {"seed": seed}
    if store is not None:
        return _written(await launch.start(parse(config), store), to, episodes)
    with tempfile.TemporaryDirectory(prefix="turnwise-") as folder:
        passing = Store(Path(folder, "runs.db"))
        try:
            return _written(await launch.start(parse(config), passing), to, episodes)
        finally:
            passing.close()


def _config(made: DataSet, episodes: int, agent: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The run: as many tasks as episodes where tasks are numbered, else all tasks as often as it takes."""
    kind = registry.load("environments", made.environment)
    settings = {**made.settings, **settings}
    if "split" in kind.__struct_fields__:
        settings.setdefault("split", "train")
    if "count" in kind.__struct_fields__:
        settings["count"] = episodes
    tasks = len(list(kind(**settings).tasks()))
    return {
        "environment": made.environment,
        "settings": settings,
        "agents": resolve.told_apart({"agent": agent})[0],
        "epochs": -(-episodes // tasks),
        "limit": min(tasks, episodes),
        "max_errors": 0,
    }


def _written(run: Run, to: str | Path, episodes: int) -> Made:
    count = write(islice(run.logs(), episodes), to)
    scores = [log.score() or 0.0 for log in islice(run.logs(), episodes)]
    return Made(count, run.config.agents["agent"].use, sum(scores) / len(scores))


def command(
    name: Annotated[str, typer.Argument(help="The task: maze, text_nav, wordle, chess, car_dealer, ...")],
    to: Annotated[Path, typer.Option("--to", "-o", help="The file to write.")],
    episodes: Annotated[int, typer.Option("--episodes", "-n", help="Rows to write.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of all chance.")] = 0,
    agent: Annotated[str | None, typer.Option(help="Who plays, instead of the data set's mixture.")] = None,
    chosen: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Settings of the environment.")
    ] = None,
) -> None:
    """Make an offline data set of LMRL-Gym."""
    try:
        settings = dict(_setting(text) for text in chosen or [])
        made = asyncio.run(make(name, to, episodes=episodes, seed=seed, agent=agent, settings=settings))
    except TurnwiseError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{made.episodes:,} episodes of {made.agent} in {to}, mean score {made.mean:.3f}")


def _setting(text: str) -> tuple[str, Any]:
    """`NAME=VALUE`, the value as JSON where it is some."""
    import json

    name, mark, value = text.partition("=")
    if not mark:
        raise ConfigError(f"--set {text}: expected NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    typer.run(command)

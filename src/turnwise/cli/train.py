"""`turnwise train`: better weights from the episodes of any environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turnwise.cli.options import JsonFlag, QuietFlag, SettingsFlag, StoreFlag, open_store, pairs, value
from turnwise.cli.run import finish
from turnwise.errors import ConfigError

if TYPE_CHECKING:
    from turnwise.engine.results import Run
    from turnwise.learn.config import TrainConfig
    from turnwise.learn.loop import Say
    from turnwise.store.store import Store


def command(
    config: Annotated[
        Path | None, typer.Argument(help="A TOML file of the keys that --keys lists; flags go before them.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="A name of `turnwise envs`, or file.py:Class.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The policy to begin with: hf/FOLDER or hf/HUB-ID.")
    ] = None,
    setting: SettingsFlag = None,
    agent: Annotated[
        list[str] | None, typer.Option("--agent", "-a", metavar="ROLE=NAME", help="Who fills another role.")
    ] = None,
    tasks: Annotated[Path | None, typer.Option(help="A .jsonl, .toml or .parquet file of tasks.")] = None,
    steps: Annotated[int | None, typer.Option(help="How often to collect and learn.")] = None,
    credit: Annotated[str | None, typer.Option(help="How rewards become advantages, e.g. grpo.")] = None,
    loss: Annotated[str | None, typer.Option(help="What is minimised, e.g. ppo.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all draws.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where checkpoints and the log go.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", "-k", metavar="KEY=VALUE", help="Any other key, e.g. group=16."),
    ] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="List all keys with their defaults, and stop.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a training from its last checkpoint.")
    ] = None,
    store: StoreFlag = None,
    quiet: QuietFlag = False,
    json: JsonFlag = False,
) -> None:
    """Train a model on the episodes it plays; every one of them is kept.

    It goes on where it was killed: turnwise train --resume RUN.
    """
    if keys:
        _list_keys()
        return
    if follows():
        return
    if resume is not None:
        finish(go_on(resume, open_store(store), quiet=quiet), quiet=quiet, json=json)
        return
    flags = {
        "environment": environment,
        "model": model,
        "tasks": None if tasks is None else str(tasks),
        "steps": steps,
        "credit": credit,
        "loss": loss,
        "lr": lr,
        "seed": seed,
        "folder": None if folder is None else str(folder),
    }
    wanted = _config(config, flags, setting, agent, key)
    run = _trained(wanted, open_store(store, create=True), say=_saying(wanted.steps, quiet=quiet))
    finish(run, quiet=quiet, json=json)


def follows() -> bool:
    """Under torchrun, do what rank 0 says until it ends; whether this process has nothing else to do."""
    if not _under_torchrun():
        return False
    from turnwise.learn.engine.torchrun import obey

    return obey()


def _under_torchrun() -> bool:
    import os

    return "TORCHELASTIC_RUN_ID" in os.environ


def go_on(name: str, store: Store, *, quiet: bool) -> Run:
    """Resume a training."""
    import asyncio

    from turnwise.learn import start

    return asyncio.run(start.resume(name, store, say=_saying(None, quiet=quiet)))


def _trained(config: TrainConfig, store: Store, *, say: Say) -> Run:
    import asyncio

    from turnwise.learn import start

    return asyncio.run(start.train(config, store, say=say))


def _config(
    file: Path | None,
    flags: dict[str, Any],
    settings: list[str] | None,
    agents: list[str] | None,
    keys: list[str] | None,
) -> TrainConfig:
    """A file's keys, with flags on top; `--key credit.gamma=0.9` reaches into a part's settings."""
    from turnwise.learn.config import defaults, named, parse_training, read_training

    raw: dict[str, Any] = {} if file is None else read_training(file)
    raw |= {name: given for name, given in flags.items() if given is not None}
    raw["settings"] = {**raw.get("settings", {}), **_values(settings, "--set")}
    raw["agents"] = {**raw.get("agents", {}), **pairs(agents, "--agent")}
    for name, given in _values(keys, "--key").items():
        table, dot, entry = name.partition(".")
        if dot:
            known = raw.get(table, defaults().get(table))
            raw[table] = {**({"name": known} if isinstance(known, str) else known or {}), entry: given}
        else:
            raw[name] = given
    for name, how in (("environment", "--environment NAME"), ("model", "--model hf/FOLDER")):
        if not raw.get(name):
            raise ConfigError(f"no {name} is named: give {how}, or a config file with the key {name!r}")
    text = "" if file is None else file.read_text()
    config = parse_training(raw, where="flags" if file is None else str(file), text=text)
    if _under_torchrun() and named(config.engine, "engine").name != "torchrun":
        raise ConfigError("started by torchrun, but the engine is another: give -k engine=torchrun")
    return config


def _values(flags: list[str] | None, flag: str) -> dict[str, Any]:
    return {name: value(text) for name, text in pairs(flags, flag).items()}


def _saying(steps: int | None, *, quiet: bool) -> Say:
    """Prints a line of the log for people, on the error stream."""
    import sys

    def say(line: dict[str, Any]) -> None:
        step = f"step {line['step']}" + ("" if steps is None else f"/{steps}")
        if "eval" in line:
            score = line["eval"]
            told = (
                f"evaluated: {score['mean']:.3f} [{score['low']:.3f}, {score['high']:.3f}] ({score['run']})"
            )
        else:
            seconds = line["seconds_collect"] + line["seconds_learn"]
            told = f"score {line['score']:.3f}, {line['turns']:.1f} turns"
            told += ", nothing to learn" if "idle" in line else f", loss {line['loss']:.4f}"
            told += f", {line['left_out']} left out" if line["left_out"] else ""
            told += f", {seconds:.1f} s"
        print(f"{step}: {told}", file=sys.stderr, flush=True)

    return (lambda line: None) if quiet else say


def _list_keys() -> None:
    import msgspec

    from turnwise.cli import output
    from turnwise.learn.config import defaults, helps

    console = output.console()
    known = defaults()
    for name, told in helps().items():
        shown = msgspec.json.encode(known[name]).decode() if name in known else "needed"
        console.print(f"{name} = {shown}", style="bold", markup=False, highlight=False)
        console.print(f"    {told}", markup=False, highlight=False)

"""`turnwise doctor`: what is installed here, which keys are set, which sandbox works."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from turnwise.cli.options import JsonFlag, StoreFlag

_EXTRAS = {
    "anthropic": ("anthropic",),
    "data": ("pandas", "pyarrow"),
    "google": ("google-genai",),
    "local": ("torch", "transformers"),
    "plot": ("matplotlib",),
    "postgres": ("psycopg",),
}
_KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY")


def command(
    store: StoreFlag = None,
    json: JsonFlag = False,
    quick: Annotated[bool, typer.Option(help="Do not try the sandbox.")] = False,
) -> None:
    """Say what works here, and how to get what does not."""
    from turnwise.cli import output

    found = [*_base(), *_extras(), *_keys(), *_data(), _stockfish(), _store(store)]
    if not quick:
        found += _sandboxes()
    if json:
        output.print_json(found)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for one in found:
        mark = Text("ok", style="green") if one["ok"] else Text("--", style="yellow")
        table.add_row(mark, one["name"], one["what"])
    output.console().print(table)


def _base() -> list[dict[str, Any]]:
    import platform
    import sqlite3

    from turnwise import __version__

    return [
        {"name": "turnwise", "ok": True, "what": __version__},
        {"name": "python", "ok": True, "what": platform.python_version()},
        {"name": "sqlite", "ok": True, "what": sqlite3.sqlite_version},
    ]


def _extras() -> list[dict[str, Any]]:
    from importlib.metadata import PackageNotFoundError, version

    found: list[dict[str, Any]] = []
    for extra, packages in _EXTRAS.items():
        try:
            what = ", ".join(f"{package} {version(package)}" for package in packages)
            found.append({"name": f"extra {extra}", "ok": True, "what": what})
        except PackageNotFoundError:
            found.append({"name": f"extra {extra}", "ok": False, "what": f"pip install 'turnwise[{extra}]'"})
    return found


def _keys() -> list[dict[str, Any]]:
    import os

    return [
        {"name": key, "ok": bool(os.environ.get(key)), "what": "set" if os.environ.get(key) else "not set"}
        for key in _KEYS
    ]


def _data() -> list[dict[str, Any]]:
    import os
    from pathlib import Path

    root = os.environ.get("TURNWISE_DATA")
    there = bool(root) and Path(root or "").is_dir()
    what = root if there else "not set: a folder with published data sets; built-in samples are used"
    return [{"name": "TURNWISE_DATA", "ok": there, "what": what}]


def _stockfish() -> dict[str, Any]:
    from turnwise.environments.lmrl_gym.chess.stockfish import GET_IT, program

    found = program()
    return {"name": "stockfish", "ok": found is not None, "what": found or f"{GET_IT}; chess has its own"}


def _store(place: str | None) -> dict[str, Any]:
    from turnwise.errors import StoreError
    from turnwise.store.store import Store

    try:
        opened = Store(place, create=False)
        return {"name": "store", "ok": True, "what": f"{opened.shown}, {len(opened.runs())} runs"}
    except StoreError as error:
        return {"name": "store", "ok": False, "what": str(error)}


def _sandboxes() -> list[dict[str, Any]]:
    from turnwise.tools.sandbox import detect

    return [
        {"name": f"sandbox {status.name}", "ok": status.works, "what": status.detail} for status in detect()
    ]

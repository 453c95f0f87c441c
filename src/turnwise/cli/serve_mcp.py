"""`turnwise serve-mcp`: an environment as an MCP server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from turnwise.cli.options import AgentsFlag, SettingsFlag, StoreFlag, first_role, open_store, run_config
from turnwise.errors import ConfigError

if TYPE_CHECKING:
    from turnwise.engine.results import Run
    from turnwise.serving.mcp import McpEnvironment


def command(
    environment: Annotated[str, typer.Argument(help="A name of `turnwise envs`, or file.py:Class.")],
    role: Annotated[
        str | None, typer.Option("--as", help="The role that clients play; by default the first.")
    ] = None,
    agent: AgentsFlag = None,
    setting: SettingsFlag = None,
    task: Annotated[str | None, typer.Option("--task", help="Id of the task; else one a client.")] = None,
    seed: Annotated[int, typer.Option(help="Of all draws of the first client's episode.")] = 0,
    http: Annotated[
        str | None, typer.Option("--http", metavar="HOST:PORT", help="Listen here, instead of over stdio.")
    ] = None,
    store: StoreFlag = None,
) -> None:
    """Offer an environment's tools and conversation to any MCP client; a session is an episode.

    Agents fill the other roles. Each episode is stored, as a run. It ends when the client hangs up, or by
    Ctrl-C.
    """
    import asyncio

    from turnwise.serving.mcp import McpEnvironment

    place = None if http is None else _place(http)
    mine = role or first_role(environment)
    others = run_config(environment, None, agent, setting, None)
    served = McpEnvironment(
        environment,
        mine,
        agents={name: made.use for name, made in others.agents.items() if name != mine},
        settings=others.settings,
        task=task,
        seed=seed,
        store=open_store(store, create=True),
        began=_say,
    )
    if place is None:
        asyncio.run(served.run_stdio())
    else:
        _listen(served, *place)


def _say(run: Run) -> None:
    """Standard output belongs to the protocol."""
    import sys

    print(f"turnwise: a client plays; read it: turnwise show {run.id}/0", file=sys.stderr, flush=True)


def _place(http: str) -> tuple[str, int]:
    host, _, port = http.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--http {http!r}: expected HOST:PORT, e.g. 127.0.0.1:8000")
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigError(f"--http {http!r}: clients are not asked who they are; listen on 127.0.0.1")
    return host, int(port)


def _listen(served: McpEnvironment, host: str, port: int) -> None:
    import sys

    try:
        import uvicorn
    except ImportError:
        raise ConfigError("serving over HTTP needs uvicorn: install turnwise[mcp]") from None
    print(f"turnwise: MCP at http://{host}:{port}/mcp; Ctrl-C ends it", file=sys.stderr, flush=True)
    uvicorn.run(served.app(host), host=host, port=port, log_level="warning")

"""`turnwise view`: runs, episodes and plays in the browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turnwise.cli.options import StoreFlag, open_store
from turnwise.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from turnwise.store.store import Store

_LEAST_TOKEN = 12


def command(
    place: Annotated[str | None, typer.Argument(metavar="[STORE]", help="What to view, as --store.")] = None,
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes any that is free.", max=65535)] = 7331,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine with --token only.")
    ] = ("127.0.0.1"),
    token: Annotated[
        str | None,
        typer.Option(envvar="TURNWISE_VIEW_TOKEN", help="What whoever opens the page must show."),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
    store: StoreFlag = None,
) -> None:
    """Read, compare, fork, play and label in the browser.

    Prints the address first. Ctrl-C ends it, and stops what was begun in it, which can be resumed.
    """
    try:
        from turnwise.view.server.app import application
        from turnwise.view.server.guard import LOOPBACK, is_loopback
        from turnwise.view.server.listening import Listening
        from turnwise.view.server.viewer import Viewer
    except ImportError as error:
        raise ConfigError(f"the viewer needs {error.name}: install turnwise[view]") from None
    _check_token(token, wide=not is_loopback(host))
    opened = _opened(place or store)
    listening = _listen(host, port)
    built = _built()
    viewer = Viewer(opened)
    hosts = (*LOOPBACK, host) if is_loopback(host) else None
    app = application(viewer, token=token, hosts=hosts)
    address = _address(host, listening.getsockname()[1], token)
    print(address, flush=True)
    print(f"turnwise: viewing {opened.shown}; Ctrl-C ends it", file=sys.stderr, flush=True)
    if built and not no_open:
        import webbrowser

        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    Listening(app, viewer).run(sockets=[listening])


def _check_token(token: str | None, *, wide: bool) -> None:
    if wide and not token:
        raise ConfigError("--host lets others in: give --token TOKEN, which the page then asks for")
    if token is not None and len(token) < _LEAST_TOKEN:
        raise ConfigError(f"--token: expected at least {_LEAST_TOKEN} characters, got {len(token)}")


def _opened(place: str | None) -> Store:
    """The store, looked at once, so that what is wrong with it is said now.

    Raises:
        StoreError: it is not there, is no store, is locked, newer or half-written.
    """
    from turnwise.store.probe import probe

    probe(place)
    opened = open_store(place)
    try:
        opened.runs(limit=1)
        opened.counts([])
    except StoreError as error:
        raise StoreError(f"{error}; is it whole?") from error
    return opened


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConfigError: the port is in use, or the address is none of this machine's.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(128)
    except OSError as error:
        advice = "give another by --port, or 0 for any" if port else "give another by --host"
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror or error}: {advice}"
        ) from None
    return made


def _address(host: str, port: int, token: str | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def _built() -> bool:
    """Whether the page is there; in a checkout it is built now where Node is found."""
    from turnwise.view.server.app import WEB

    if (WEB / "dist" / "index.html").is_file():
        return True
    npm = shutil.which("npm")
    if not (WEB / "package.json").is_file():
        _say("this installation has no page; install turnwise[view] from a wheel")
        return False
    if npm is None:
        _say(f"the page is not built: install Node, then run npm ci && npm run build in {WEB}")
        return False
    _say(f"building the page once, in {WEB}")
    return _build(npm, WEB)


def _build(npm: str, web: Path) -> bool:
    installing = [] if (web / "node_modules").is_dir() else [[npm, "ci", "--no-audit", "--no-fund"]]
    for words in (*installing, [npm, "run", "build"]):
        done = subprocess.run(words, cwd=web, capture_output=True, text=True, env=os.environ)
        if done.returncode:
            last = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()][-1:]
            _say(f"the page cannot be built: {' '.join(words[1:3])}: {''.join(last)[:200]}")
            return False
    return True


def _say(line: str) -> None:
    print(f"turnwise: {line}", file=sys.stderr, flush=True)

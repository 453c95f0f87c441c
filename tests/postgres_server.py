"""A PostgreSQL server of a test's own, where PostgreSQL is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) + [
    Path(found).resolve().parent for found in [shutil.which("postgres")] if found
]


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of its superuser; skips the test where there is no PostgreSQL."""
    if not BINARIES:
        pytest.skip("PostgreSQL is not installed; get it by: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="turnwise-pg-"))
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, binaries = folder / "data", BINARIES[-1]

    def do(*words: str) -> None:
        subprocess.run(words, check=True, capture_output=True, cwd=folder, timeout=120, **user)  # type: ignore[call-overload]

    do(str(binaries / "initdb"), "-D", str(data), "-U", "turnwise", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    do(str(binaries / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start")
    try:
        yield f"postgresql://turnwise@127.0.0.1:{port}/postgres"
    finally:
        do(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)

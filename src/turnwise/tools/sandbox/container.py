"""Docker or Podman around the worker, for machines without bubblewrap.

The worker's source travels on the command line, so that nothing of this machine is mounted and the engine
may be a remote one. Inside, the worker is the first process: it ends, and the container with it, where its
host is gone (see `worker.keep`).
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from turnwise.tools.sandbox.launch import Launch
from turnwise.tools.sandbox.limits import SandboxLimits

IMAGE_ENV = "TURNWISE_SANDBOX_IMAGE"
"""Environment variable that names the container image; it needs nothing but Python, as `python3`."""
ENGINES = ("docker", "podman")

_WORKER = Path(__file__).with_name("worker.py")
_NOBODY = "65534:65534"


class Container:
    """A container with no network, a read-only root and limits; the image must be there already.

    Args:
        engine: `docker` or `podman`; by default the first that is installed.
    """

    name = "container"

    def __init__(self, engine: str | None = None) -> None:
        self.engine = engine or next(filter(shutil.which, ENGINES), ENGINES[0])
        self.image = os.environ.get(IMAGE_ENV, "python:3.12-slim")

    def launch(self, limits: SandboxLimits) -> Launch:
        """How to start a worker under these limits."""
        engine, called = self.engine, f"turnwise-{secrets.token_hex(8)}"
        memory = f"{limits.memory_mb + limits.tmp_mb}m"
        command = [
            *(engine, "run", "--rm", "-i", "--name", called, "--pull", "never", "--network", "none"),
            *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", _NOBODY),
            *("--memory", memory, "--memory-swap", memory, "--pids-limit", str(limits.processes + 1)),
            *("--tmpfs", f"/tmp:rw,nosuid,nodev,mode=1777,size={limits.tmp_mb}m", "--workdir", "/tmp"),
            *("--shm-size", f"{limits.tmp_mb}m"),
            *("--env", "HOME=/tmp", "--env", "PYTHONHASHSEED=0", "--env", "OPENBLAS_NUM_THREADS=1"),
            *("--entrypoint", "python3", self.image, "-s", "-c", _WORKER.read_text()),
        ]
        return Launch(
            command,
            # The same user may run in other containers, whose processes the kernel would count too.
            counted=False,
            visible=False,
            interrupt=[engine, "kill", "--signal", "INT", called],
            remove=[engine, "rm", "--force", called],
        )

"""Where a run came from: versions, machine and git state, as far as they can be told without delay."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

_PACKAGES = ("turnwise", "msgspec", "numpy", "openai", "anthropic", "google-genai", "torch", "transformers")


def provenance() -> dict[str, Any]:
    """Versions of Python and of what is installed, and the git commit of the current folder."""
    return {
        "python": platform.python_version(),
        "platform": sys.platform,
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
        "git": _git(),
    }


def _version(name: str) -> str | None:
    """The version of a package; straight from its metadata's head, which `version` parses to the end."""
    try:
        metadata = distribution(name).read_text("METADATA") or ""
    except PackageNotFoundError:
        return None
    return next((line[9:] for line in metadata.splitlines() if line.startswith("Version: ")), None)


def _git() -> dict[str, Any] | None:
    try:
        words = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), None)
    return {"commit": commit, "changed": any(not line.startswith("#") for line in lines)}

"""Where a run came from: versions, machine and git state, as far as they can be told without delay."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
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
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git() -> dict[str, Any] | None:
    try:
        commit = _ask_git("rev-parse", "HEAD")
        changed = _ask_git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "changed": bool(changed)}


def _ask_git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=5, check=True)
    return done.stdout.strip()

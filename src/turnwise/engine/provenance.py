"""Where a run came from: versions, machine and git state, as far as they can be told without delay."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import sys
from typing import Any

_PACKAGES = ("turnwise", "msgspec", "numpy", "openai", "anthropic", "google-genai", "torch", "transformers")
_FOLDER = re.compile(rf"({'|'.join(_PACKAGES).replace('-', '[-_]')})-.*\.dist-info$", re.IGNORECASE)


def provenance() -> dict[str, Any]:
    """Versions of Python and of what is installed, and the git commit of the current folder."""
    return {
        "python": platform.python_version(),
        "platform": sys.platform,
        "versions": _versions(),
        "git": _git(),
    }


def _versions() -> dict[str, str]:
    """The versions of what is installed, from the names of the folders that say so: nothing is opened."""
    found: dict[str, str] = {}
    for place in sys.path:
        with contextlib.suppress(OSError):
            for name in os.listdir(place or "."):
                if _FOLDER.match(name):
                    package, _, version = name.removesuffix(".dist-info").partition("-")
                    found.setdefault(package.replace("_", "-").lower(), version)
    return {package: found[package] for package in _PACKAGES if package in found}


def _git() -> dict[str, Any] | None:
    try:
        words = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), None)
    return {"commit": commit, "changed": any(not line.startswith("#") for line in lines)}

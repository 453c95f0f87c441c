"""What an installation weighs, and how long an import takes, beside the peers; needs pip and an index."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

from common import HERE, peer, save


def weigh(python: Path) -> dict[str, Any]:
    """Distributions and megabytes of an environment, pip and setuptools left out."""
    code = (
        "import importlib.metadata as m, sysconfig, pathlib\n"
        "names = {d.metadata['Name'].lower() for d in m.distributions()} - {'pip', 'setuptools', 'wheel'}\n"
        "root = pathlib.Path(sysconfig.get_paths()['purelib'])\n"
        "skip = {'pip', 'setuptools', 'wheel', '_distutils_hack', 'pkg_resources'}\n"
        "files = [p for p in root.rglob('*') if p.is_file() and '__pycache__' not in p.parts]\n"
        "kept = [p for p in files if p.relative_to(root).parts[0].split('-')[0] not in skip]\n"
        "size = sum(p.stat().st_size for p in kept)\n"
        "print(len(names), size / 1e6)"
    )
    done = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    count, size = done.stdout.split()
    return {"distributions": int(count), "mb": float(size)}


def seconds(*words: str) -> float:
    """The median wall time of a command over nine runs."""
    times: list[float] = []
    for _ in range(9):
        start = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """A fresh environment with the base install, and the peers'."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([str(python), "-m", "pip", "install", "-q", str(HERE.parent)], check=True)
        bare = seconds(str(python), "-c", "pass")
        result["turnwise"] = weigh(python) | {
            "import_s": seconds(str(python), "-c", "import turnwise") - bare,
            "import_api_s": seconds(str(python), "-c", "import turnwise.api") - bare,
            "help_s": seconds(str(python.with_name("turnwise")), "--help"),
            "python_s": bare,
        }
    for name, module in (("inspect", "inspect_ai"), ("verifiers0", "verifiers")):
        if peer(name).exists():
            bare = seconds(str(peer(name)), "-c", "pass")
            result[name] = weigh(peer(name)) | {
                "import_s": seconds(str(peer(name)), "-c", f"import {module}") - bare
            }
    save("footprint", result)


if __name__ == "__main__":
    main()

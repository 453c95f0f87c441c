"""A place to run Python that a model wrote: no network, a read-only system, a private /tmp, and limits.

`PythonSession` keeps variables from cell to cell, `run_program` runs a whole program. Both start a worker
(`worker.py`) through a backend: bubblewrap, else a container, else they refuse (`backends.py`).

What is hard: the wall (namespaces, a system-call filter, no root), the address space of a process, the
number of processes, file sizes, the size of `/tmp`, and wall time. Watched, ten times a second while a cell
runs: the memory of all processes together, and output. CPU time raises an exception in the code; wall time
then kills it. Between cells only threads of the code can be alive.
"""

from turnwise.tools.sandbox.backends import ENV, BackendStatus, choose, detect
from turnwise.tools.sandbox.container import IMAGE_ENV
from turnwise.tools.sandbox.launch import Backend
from turnwise.tools.sandbox.limits import Execution, SandboxLimits
from turnwise.tools.sandbox.process import Serve
from turnwise.tools.sandbox.session import PythonSession, Stub, run_program

__all__ = [
    "ENV",
    "IMAGE_ENV",
    "Backend",
    "BackendStatus",
    "Execution",
    "PythonSession",
    "SandboxLimits",
    "Serve",
    "Stub",
    "choose",
    "detect",
    "run_program",
]

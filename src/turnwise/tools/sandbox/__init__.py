"""A place to run Python that a model wrote. Under construction.

Here are the limits, the kernel filter and the worker that is to run inside. The backends (bubblewrap, a
container, the bare host) and the session that drives the worker are still to come, so nothing runs yet.
"""

from turnwise.tools.sandbox.limits import Execution, SandboxLimits

__all__ = ["Execution", "SandboxLimits"]

"""A service of one's own as an environment: a folder of tasks, users and a policy, and tools in Python.

`Service` is all that such services share: the conversation of a user with an assistant who has tools over a
desk, and the grading by state, by what was said, and by a judge. `turnwise new` writes one; `lantern` is
what it writes. Guide: docs/service.md.
"""

from turnwise.environments.service.suite.case import Case, ToolUse
from turnwise.environments.service.suite.service import Service

__all__ = ["Case", "Service", "ToolUse"]

"""The errors Turnwise raises on purpose: one line each, with the place, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TurnwiseError(Exception):
    """Base of every error that is the caller's to mend; the command line prints its one line and exits."""

    exit_code = 2


class ConfigError(TurnwiseError):
    """A config key, flag, agent name or environment name that cannot be used."""


class TaskError(TurnwiseError):
    """A task row or task set that cannot be used; names the file, the line and the field."""


class StoreError(TurnwiseError):
    """A store that cannot be opened, read or written."""


class ReplayDivergence(TurnwiseError):
    """An environment or scaffold did not repeat what its log says; names the turn and both sides."""


class CapabilityError(TurnwiseError):
    """A method needs what an environment, model or machine does not offer."""


class SandboxError(TurnwiseError):
    """No sandbox can run here, or the sandbox itself (not the code in it) failed."""


class ModelError(TurnwiseError):
    """A model call failed.

    `retryable` says whether the same call may pass later (rate limits, 5xx, time-outs, resets);
    `retry_after` is the server's own wish in seconds, if it said one; `kind` is a short class name such as
    `rate_limit`, `timeout`, `connection`, `server`, `malformed`, `auth`, `context_length`, `bad_request`.
    """

    retries: tuple[str, ...] = ()
    """Kinds of the errors after which it was tried again before, in their order."""

    def __init__(
        self,
        message: str,
        *,
        kind: str = "server",
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after


class ToolError(TurnwiseError):
    """Raised by a tool to tell the model, in one line, why its call did not work."""


def _likeness(name: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, name).ratio()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x' or 'y'?)` for the known names nearest to `name`, else an empty string."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    # Far ones are of use only where there is no near one.
    near = [one for one in near if _likeness(name, one) > _likeness(name, near[0]) - 0.2]
    return f" (did you mean {' or '.join(repr(n) for n in near)}?)" if near else ""

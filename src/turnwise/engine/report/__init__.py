"""A run as a suite of tests: each task a test, the whole held against what is asked of it; for CI and people.

`outcome` reads a run, `checks` holds it against thresholds and an earlier run, `junit` and `markdown` write
it down.
"""

from turnwise.engine.report.checks import (
    Check,
    CheckFailed,
    Threshold,
    at_least,
    earlier,
    paired,
    regression,
    sensible,
    threshold,
)
from turnwise.engine.report.junit import junit
from turnwise.engine.report.markdown import compared, markdown
from turnwise.engine.report.outcome import Played, Report, Result, Tried, reasons, report

__all__ = [
    "Check",
    "CheckFailed",
    "Played",
    "Report",
    "Result",
    "Threshold",
    "Tried",
    "at_least",
    "compared",
    "earlier",
    "junit",
    "markdown",
    "paired",
    "reasons",
    "regression",
    "report",
    "sensible",
    "threshold",
]

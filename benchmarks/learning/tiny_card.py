"""What is told of the policy that ships: its card, and a picture of how it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def card(result: dict[str, Any]) -> str:
    """The card of a policy, its figures from a result of `tiny_policy.py`."""
    return ""


def draw(found: list[dict[str, Any]], path: Path) -> None:
    """The curves."""

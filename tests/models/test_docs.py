"""The page on models names every option and every setting of the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from turnwise.models.anthropic import AnthropicOptions
from turnwise.models.google import GoogleOptions
from turnwise.models.http import HttpOptions
from turnwise.models.openai import OpenAIOptions
from turnwise.models.policy import CallPolicy
from turnwise.models.prices import Price

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text()


@pytest.mark.parametrize(
    "settings", [OpenAIOptions, AnthropicOptions, GoogleOptions, HttpOptions, CallPolicy, Price]
)
def test_all_are_named(settings: Any) -> None:
    names = [field.name for field in msgspec.structs.fields(settings)]
    assert [name for name in names if f"`{name}`" not in PAGE and f"\n{name} = " not in PAGE] == []

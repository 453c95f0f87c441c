"""What the page on tools shows, done as it stands there."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from turnwise.errors import ToolError

PAGE = Path(__file__).parent.parent.parent / "docs" / "tools.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_tool_and_the_desk_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.json").write_text(json.dumps({"orders": {"#1": {"status": "open"}}}))
    monkeypatch.chdir(tmp_path)
    shown: dict[str, Any] = {"__name__": __name__}
    exec(compile(BLOCKS[0], str(PAGE), "exec", dont_inherit=True), shown)
    weather = shown["weather"]
    assert weather.spec.parameters["properties"]["days"]["description"] == "For how many days."
    assert (weather.terms.cost, weather.terms.callers) == (2, ("agent",))
    exec(compile(BLOCKS[1], str(PAGE), "exec", dont_inherit=True), shown)
    desk, other = shown["Shop"](), shown["Shop"]()
    assert asyncio.run(desk.do("cancel", order="#1")) == "done"
    with pytest.raises(ToolError, match="there is no order #2"):
        asyncio.run(desk.do("cancel", order="#2"))
    assert desk.state()["db"] == {"orders": {"#1": {"status": "cancelled"}}}
    assert desk.key() != other.key()


def test_every_block_of_the_page_is_python() -> None:
    for block in BLOCKS:
        compile(block, str(PAGE), "exec", flags=0x2000)  # await at the top, as in a notebook

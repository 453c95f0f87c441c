"""What the page on judges shows is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import turnwise
from turnwise.environments.judging import Judging
from turnwise.judges import kinds
from turnwise.judges.criteria import numbered
from turnwise.verdict import Unreadable
from turnwise.wire import decode

PAGE = Path(__file__).parents[2] / "docs" / "judges.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="only in a checkout")


def test_the_table_has_every_kind() -> None:
    table = PAGE.read_text().partition("## Kinds")[2].partition("A kind of your own")[0]
    told = {name for row in re.findall(r"(?m)^\| (`.*?) \|", table) for name in re.findall(r"`(\w+)`", row)}
    assert told == set(kinds.names()) - {"mt_eval"}


def test_a_kind_of_ones_own_judges(tmp_path: Path) -> None:
    code = next(
        block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "class" in block
    )
    place = tmp_path / "brief.py"
    place.write_text(code)
    made = Judging(judge=f"{place}:Brief", config={"words": 9}, reward="verdict")
    run = turnwise.run(made, "solver", store=tmp_path / "t.db")
    assert [row.score for row in run.episodes()] == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]


def test_the_policies_are_those_of_the_table() -> None:
    for policy in ('{"ask_again": 2}', '{"then": "error"}', '{"then": "score", "score": 0.0}'):
        decode(policy, Unreadable)


def test_criteria_are_given_on_the_command_line() -> None:
    from turnwise.cli.options import value

    given = re.search(r"--set 'criteria=(.*?)'", PAGE.read_text())
    assert given is not None
    made = kinds.made("rubric", {"criteria": value(given[1])})
    assert numbered(made.criteria)[0].text == "It keeps to the language of the user."

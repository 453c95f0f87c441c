"""The environments that the documentation shows can be played as they stand there."""

import re
from pathlib import Path

import pytest

import turnwise

PAGE = Path(__file__).parent.parent / "docs" / "environments.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize(
    ("block", "name", "agent"), [(0, "GuessNumber", ["50"] * 10), (1, "TakeCoins", "random")]
)
def test_an_environment_of_the_documentation_plays(
    tmp_path: Path, block: int, name: str, agent: object
) -> None:
    place = tmp_path / "mine.py"
    place.write_text(BLOCKS[block])
    run = turnwise.run(f"{place}:{name}", agent, limit=20, store=tmp_path / "t.db")
    assert run.summary()["failed"] == 0
    assert len(run.episode(0).turns) > 1

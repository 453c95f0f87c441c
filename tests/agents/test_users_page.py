"""The page on simulated users: its environment plays, its examples run, its manner wraps any user."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from talking import conversation, words_of

import turnwise
from turnwise.agents.users import Interruption, Patience, Plain, Style, Update
from turnwise.cli.options import value
from turnwise.models.scripted import ScriptedModel

PAGE = Path(__file__).parent.parent.parent / "docs" / "users.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize(("agent", "score"), [("baker", 1.0), ("deaf", 0.0)])
def test_the_worked_example_scores_as_the_page_says(agent: str, score: float, tmp_path: Path) -> None:
    place = tmp_path / "bakery.py"
    place.write_text(BLOCKS[0])
    agents = {"agent": agent, "user": "shopper"}
    run = turnwise.run(f"{place}:Bakery", agents=agents, store=tmp_path / "t.db")
    assert run.summary()["failed"] == 0
    assert run.score.mean == score
    assert turnwise.replay(run.id, store=tmp_path / "t.db").replayed == 1
    log = run.episode(0)
    (note,) = (note for note in log.notes if note.name == "interrupt")
    assert note.turn is not None
    assert log.turns[note.turn].text.endswith("Sorry, I meant rye bread, not white.")


def test_a_model_plays_the_customer_too(tmp_path: Path) -> None:
    place = tmp_path / "bakery.py"
    place.write_text(BLOCKS[0])
    shown: list[Any] = []

    def customer(messages: Any) -> str:
        shown.append(messages)
        return "Bread!" if len(messages) < 6 else "###STOP###"

    run = turnwise.run(
        f"{place}:Bakery",
        "baker",
        agents={"user": ScriptedModel(customer)},
        settings={"user": {"level": "hard"}},
        store=tmp_path / "t.db",
    )
    assert run.score.mean == 1.0
    assert "that thing" in shown[0][0].text


def test_the_examples_give_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert (failed, tried >= 8) == (0, True)


def test_the_settings_that_the_page_gives_are_styles() -> None:
    given = re.findall(r"--set \w+='(.*?)'", PAGE.read_text())
    styles = [msgspec.convert(value(text), Style) for text in given]
    assert [(style.level, style.protocol) for style in styles] == [("hard", "llm"), ("easy", "verify")]


def test_an_agent_and_a_manner_of_ones_own() -> None:
    names: dict[str, Any] = {"model": ScriptedModel(["Hello.", "###STOP###"])}
    exec(BLOCKS[1], names)
    assert [type(layer) for layer in names["user"].manner.layers] == [Interruption, Patience, Plain]
    exec(BLOCKS[-1], names)
    updates = (Update(kind="addition", text="now", at=1),)
    shouting = names["Shouting"](Interruption(updates))
    assert words_of(conversation(["a", "b"], ["?"], manner=shouting)) == ["A", "B\n\nNOW"]

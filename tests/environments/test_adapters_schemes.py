"""Names of a scheme: registered by any package, kept in full, found again by resume, fork and replay."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from turnwise import registry
from turnwise.cli.main import app
from turnwise.engine.config import RunConfig
from turnwise.engine.resolve import environment
from turnwise.environments.graded import Lock
from turnwise.errors import ConfigError


def made(rest: str) -> Any:
    """What the scheme below makes of the rest of a name."""
    if rest != "with:colons":
        raise ConfigError(f"test_scheme:{rest}: there is none")
    return Lock


@pytest.fixture
def _scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.entries
    entry = EntryPoint("test_scheme", f"{__name__}:made", "turnwise.environment_schemes")
    extra = {"environment_schemes": {"test_scheme": entry}}
    monkeypatch.setattr(registry, "entries", lambda group: {**known(group), **extra.get(group, {})})


@pytest.mark.usefixtures("_scheme")
def test_a_plug_in_registers_a_scheme() -> None:
    assert isinstance(environment(RunConfig(environment="test_scheme:with:colons")), Lock)
    with pytest.raises(ConfigError, match="test_scheme:nothing: there is none"):
        environment(RunConfig(environment="test_scheme:nothing"))


def test_places_are_found_as_before(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from turnwise.environments.graded import Lock as Mine\n")
    assert registry.load("environments", f"{tmp_path / 'mine.py'}:Mine") is Lock
    assert registry.load("environments", "turnwise.environments.graded:Lock") is Lock
    with pytest.raises(ConfigError, match=r"'gymn:Taxi' cannot be imported: .*did you mean 'gym'"):
        registry.load("environments", "gymn:Taxi")


def test_by_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gymnasium", reason="gymnasium is not installed")
    monkeypatch.chdir(tmp_path)
    command = CliRunner()
    for line in (
        "run gym:FrozenLake-v1 --agent random --limit 3 --set make={is_slippery=false}",
        "replay last",
        "fork last/0 --at 3 --agent random",
        "replay last",
        "resume last",
        "envs gym:FrozenLake-v1",
    ):
        done = command.invoke(app, line.split())
        assert done.exit_code == 0, (line, done.output)
    shown = command.invoke(app, ["ls", "--json"]).stdout
    assert '"gym:FrozenLake-v1"' in shown.replace('"environment": ', "")

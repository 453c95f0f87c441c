"""The gallery of the documentation is what its script makes."""

from __future__ import annotations

import importlib.util
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise import registry

ROOT = Path(turnwise.__file__).parent.parent.parent
SCRIPT = ROOT / "scripts" / "gallery.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="only in a checkout")


@pytest.fixture(scope="module")
def gallery() -> Any:
    pytest.importorskip("PIL")
    spec = importlib.util.spec_from_file_location("gallery", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its annotations are looked up where it says it is.
    sys.modules["gallery"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_tables_and_its_pictures_are_there(gallery: Any) -> None:
    text = gallery.PAGE.read_text()
    assert text == gallery.page(gallery.table()), "write it anew: python scripts/gallery.py"
    worlds = {name for part in gallery.table() for name in part.world}
    assert worlds <= set(registry.entries("environments"))
    files = re.findall(r"\]\((gallery/[^)]+)\)", text)
    assert len(files) == len(worlds)
    for file in files:
        path = ROOT / "docs" / file
        assert path.stat().st_size < 100_000
        if path.suffix == ".svg":
            assert ET.parse(path).getroot().get("role") == "img"


@pytest.mark.parametrize("name", ["lock", "maze", "sokoban"])
def test_pictures_are_the_same_every_time(gallery: Any, name: str) -> None:
    (entry,) = (part.world[name] for part in gallery.table() if name in part.world)
    drawn = gallery.drawn(name, entry)
    assert drawn == gallery.drawn(name, entry)
    kept = (gallery.FOLDER / f"{name}.svg").read_bytes()
    assert drawn[f"{name}.svg"] == kept, "stale; write it anew: python scripts/gallery.py"


def test_a_picture_that_is_not_there_is_named(gallery: Any) -> None:
    (entry,) = (part.world["lock"] for part in gallery.table() if "lock" in part.world)
    entry.frame = 1000
    with pytest.raises(SystemExit, match="lock: frame 1000 of"):
        gallery.drawn("lock", entry)

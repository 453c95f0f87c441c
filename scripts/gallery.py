"""The gallery of the documentation: plays the episodes of `gallery.toml`, draws them, and writes the page.

    python scripts/gallery.py            write docs/gallery.md and docs/gallery/
    python scripts/gallery.py --check    say what differs from it, or is missing; exit code 1 if any

The same table gives the same bytes (films excepted: other versions of Pillow pack them otherwise).
"""

from __future__ import annotations

import asyncio
import html
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from turnwise import registry
from turnwise.engine import resolve
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.plan import Plan
from turnwise.environments.parts.picture import Picture
from turnwise.episode import Episode
from turnwise.view.pictures.raster import gif
from turnwise.view.pictures.svg import svg

ROOT = Path(__file__).parent.parent
TABLE, PAGE, FOLDER = (
    ROOT / "scripts" / "gallery.toml",
    ROOT / "docs" / "gallery.md",
    ROOT / "docs" / "gallery",
)

HEAD = """# Gallery

One picture of each world that can be looked at. `turnwise play NAME` draws it in the terminal and takes
keys; `turnwise render last/0 --gif` makes a film of an episode, `--svg` or `--png` one picture of it. This
page is made by `scripts/gallery.py`: the worlds' own agents play the episodes.
"""

FOOT = """## Show your own

A world says what there is to see, and others draw it. Its script calls `episode.show` with a function that
makes the picture, which is called only where somebody watches; a `World` has a method `picture()`. A
picture is a board of coloured cells, a PNG image, or text. None is ever stored: `turnwise render` gets them
by replay.

```python
from turnwise.environments.parts.picture import Board, Cell

CELLS = {"#": Cell(paper="#475569"), "@": Cell("@", ink="#1d4ed8"), "*": Cell("★", ink="#a16207")}
episode.show(lambda: Board.of(["#####", "#@ *#", "#####"], CELLS, title="A room", caption="0 moves"))
```

An environment whose pictures give away what its players are not told says so by its property `spoilers`;
`turnwise play` then keeps them back, unless `--peek` is given. From Python, `turnwise.engine.launch.frames`
gives all pictures of a stored episode, and `turnwise.view.pictures` draws them.
"""


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One world's place in the gallery; see the table for what its fields mean."""

    title: str
    text: str
    agents: dict[str, str] = {}
    set: dict[str, Any] = {}
    task: int = 0
    seed: int = 0
    frame: int = -1
    film: bool = False


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """Worlds under one heading."""

    title: str
    world: dict[str, Entry]


def table() -> list[Part]:
    """The parts of the gallery."""
    return msgspec.convert(tomllib.loads(TABLE.read_text())["part"], list[Part])


def pictures(name: str, entry: Entry) -> list[Picture]:
    """All pictures of the entry's episode."""
    first = resolve.environment_type(name).roles[0]
    agents = {role: AgentConfig(use=agent) for role, agent in ({first: "solver"} | entry.agents).items()}
    config = RunConfig(
        environment=name, agents=agents, settings=entry.set, offset=entry.task, limit=1, seed=entry.seed
    )
    world = resolve.environment(config)
    config = resolve.completed(config, world)
    _, task, epoch, seed = next(iter(Plan(resolve.tasks(config, world), epochs=1, seed=config.seed)))
    seen: list[Picture] = []
    cast = resolve.casting(config, world)

    def watch(_: int, picture: Picture) -> None:
        seen.append(picture)

    episode = Episode(world, task, cast.agents, seed=seed, epoch=epoch, watch=watch)
    asyncio.run(episode.play())
    return seen


def drawn(name: str, entry: Entry) -> dict[str, bytes]:
    """The entry's files by name.

    Raises:
        SystemExit: its episode has no such picture.
    """
    seen = pictures(name, entry)
    if not -len(seen) <= entry.frame < len(seen):
        raise SystemExit(f"{name}: frame {entry.frame} of {len(seen)} pictures")
    files = {f"{name}.svg": svg(seen[entry.frame]).encode()}
    if entry.film:
        files[f"{name}.gif"] = gif(seen, scale=1.0, seconds=0.35)
    return files


def page(parts: list[Part]) -> str:
    """The page that shows them all."""
    lines: list[str] = [HEAD]
    for part in parts:
        lines.append(f"## {part.title}\n")
        for name, entry in part.world.items():
            picture = f"gallery/{name}.{'gif' if entry.film else 'svg'}"
            lines.append(f"### {entry.title}\n")
            lines.append(f"![{html.escape(entry.title)}]({picture})\n")
            lines.append(f"`{name}` · {entry.text}\n")
    return "\n".join([*lines, FOOT])


def unshown(parts: list[Part]) -> list[str]:
    """Registered worlds that the table lacks."""
    told = {name for part in parts for name in part.world}
    return [name for name in registry.entries("environments") if name not in told]


def main() -> None:
    """Write the gallery, or check it."""
    check = "--check" in sys.argv[1:]
    parts = table()
    FOLDER.mkdir(exist_ok=True)
    stale: list[str] = []
    for part in parts:
        for name, entry in part.world.items():
            for file, data in drawn(name, entry).items():
                path = FOLDER / file
                if not check:
                    path.write_bytes(data)
                elif not path.exists() or (path.suffix == ".svg" and path.read_bytes() != data):
                    stale.append(str(path.relative_to(ROOT)))
    text = page(parts)
    if not check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        stale.append(str(PAGE.relative_to(ROOT)))
    print("not in the table (worlds without pictures need not be):", ", ".join(unshown(parts)))
    if stale:
        raise SystemExit(f"stale, write them by scripts/gallery.py: {', '.join(stale)}")


if __name__ == "__main__":
    main()

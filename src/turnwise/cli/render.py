"""`turnwise render`: an episode as a picture or a film."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turnwise.cli.options import JsonFlag, StoreFlag, open_store
from turnwise.errors import ConfigError

if TYPE_CHECKING:
    from turnwise.engine.replay import Frame

_KINDS = ("svg", "png", "gif")
_LARGEST = 20.0


def command(
    episode: Annotated[str, typer.Argument(help="RUN/NUMBER, e.g. last/0.")],
    gif: Annotated[bool, typer.Option("--gif", help="All pictures, as a film.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="One picture, as vectors (the default).")] = False,
    png: Annotated[bool, typer.Option("--png", help="One picture, as pixels.")] = False,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", help="The file; its ending says .svg, .png or .gif, too.")
    ] = None,
    turn: Annotated[
        int | None, typer.Option("--turn", "-t", min=0, help="How things stood before this turn; else last.")
    ] = None,
    scale: Annotated[
        float | None, typer.Option("--scale", help="How large: 1 is 36 pixels a square of a board.")
    ] = None,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Draw how things stood in an episode, or film it."""
    import asyncio

    from turnwise.cli import output
    from turnwise.engine import launch

    chosen = [kind for kind, flag in zip(_KINDS, (svg, png, gif), strict=True) if flag]
    kind = _kind(chosen, to)
    if kind == "gif" and turn is not None:
        raise ConfigError("--turn picks one picture, and a GIF shows all: draw --svg or --png")
    if scale is not None and not 0 < scale <= _LARGEST:
        raise ConfigError(f"--scale {scale:g}: expected more than 0, at most {_LARGEST:g}")
    opened = open_store(store)
    run, number = launch.find_episode(episode, opened)
    name = f"{run.id}/{number}"
    frames = asyncio.run(launch.frames(name, opened))
    shown = frames if kind == "gif" else [_at(frames, turn, name)]
    path = to or Path(f"{run.id}-{number}.{kind}")
    path.write_bytes(_drawn(shown, kind, scale))
    if json:
        turns = [frame.turn for frame in shown]
        output.print_json({"episode": name, "kind": kind, "turns": turns, "to": str(path)})
    else:
        output.console().print(str(path))


def _kind(chosen: list[str], to: Path | None) -> str:
    """What to draw, by the flag or by the file's ending."""
    if len(chosen) > 1:
        raise ConfigError(f"--{chosen[0]} and --{chosen[1]}: expected one of them")
    if chosen:
        return chosen[0]
    if to is None:
        return "svg"
    ending = to.suffix.lower().removeprefix(".")
    if ending not in _KINDS:
        raise ConfigError(f"--to {to}: expected a name that ends in .svg, .png or .gif, or a flag --svg etc.")
    return ending


def _at(frames: list[Frame], turn: int | None, episode: str) -> Frame:
    """The last picture, or the last one before `turn` was made."""
    if turn is None:
        return frames[-1]
    if turn > frames[-1].turn:
        raise ConfigError(f"--turn {turn}: the pictures of {episode} end before turn {frames[-1].turn}")
    # Where several stand before one turn, the last of them is how things stood when it was made.
    return next((frame for frame in reversed(frames) if frame.turn <= turn), frames[0])


def _drawn(frames: list[Frame], kind: str, scale: float | None) -> bytes:
    if kind == "svg":
        from turnwise.view.pictures.svg import svg

        return svg(frames[0].picture, scale=scale or 1.0).encode()
    from turnwise.view.pictures import raster

    if kind == "png":
        return raster.png(frames[0].picture, scale=scale or 2.0)
    return raster.gif([frame.picture for frame in frames], scale=scale or 1.0)

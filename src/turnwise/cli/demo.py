"""`turnwise demo`: a policy gets better while you watch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turnwise.cli.options import JsonFlag, QuietFlag, StoreFlag, open_store

if TYPE_CHECKING:
    from turnwise.learn.demo import Demo

_PAIRS = 4
"""Transcripts on the page."""
_TOLD = 10
"""Steps that progress tells of at once: each plays other games."""
_BAR = 40


def command(
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of training.")] = None,
    to: Annotated[Path, typer.Option("--to", "-o", help="Folder of the page and the checkpoints.")] = Path(
        "turnwise-demo"
    ),
    store: StoreFlag = None,
    quiet: QuietFlag = False,
    json: JsonFlag = False,
) -> None:
    """Evaluate the policy that comes with Turnwise, train it for some minutes here, and evaluate it again.

    It plays number guess; the gain is on games it was not trained on, with its interval, and on a page.
    """
    import asyncio

    from turnwise.cli import output
    from turnwise.learn.demo import STEPS, demo

    count = steps or STEPS
    opened = open_store(store, create=True)
    work = demo(opened, to, seed=seed, steps=count, say=_saying(count, quiet=quiet))
    done = asyncio.run(work)
    place = to / "index.html"
    place.write_text(_page(done, seed, count), encoding="utf-8")
    gain = done.gain.difference
    if json:
        output.print_json(
            {
                "training": done.training.id,
                "before": done.gain.a.mean,
                "after": done.gain.b.mean,
                "gain": {"mean": gain.mean, "low": gain.low, "high": gain.high},
                "p": done.gain.p,
                "tasks": done.gain.a.n,
                "seconds": done.seconds,
                "page": str(place),
            }
        )
        return
    console = output.console()
    console.print(f"\n{_sentence(done)}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"The page: {place.resolve().as_uri()}", markup=False, highlight=False, soft_wrap=True)
    ids = f"{done.before.id} {done.after.id}"
    print(f"Read more: turnwise show {done.after.id}, turnwise compare {ids}", file=sys.stderr)


def _saying(steps: int, *, quiet: bool) -> Callable[[dict[str, Any]], None]:
    """Tells on the error stream, as bars, how many numbers are found."""
    scores: list[float] = []

    def tell(what: str, share: float) -> None:
        bar = "█" * round(_BAR * share)
        print(f"{what:>18}  {share:4.0%}  {bar}", file=sys.stderr, flush=True)

    def say(line: dict[str, Any]) -> None:
        if "eval" in line:
            tell("before, unseen" if line["step"] == 0 else "after, unseen", line["eval"]["mean"])
            return
        scores.append(line["score"])
        if len(scores) == _TOLD or line["step"] + 1 == steps:
            tell(f"step {line['step'] + 1} of {steps}", sum(scores) / len(scores))
            scores.clear()

    return (lambda line: None) if quiet else say


def _sentence(done: Demo) -> str:
    from turnwise.cli import output

    gain = done.gain.difference
    return (
        f"It found {done.gain.a.mean:.0%} of the numbers before and finds {done.gain.b.mean:.0%} now, after "
        f"{output.duration(done.seconds)}: a gain of {100 * gain.mean:.0f} points, 95\u00a0% interval "
        f"{100 * gain.low:.0f} to {100 * gain.high:.0f}, over the same {done.gain.a.n} unseen games."
    )


def _page(done: Demo, seed: int, steps: int) -> str:
    from turnwise.cli import output
    from turnwise.engine.learning import learning_curve
    from turnwise.view.pictures.curve import curve
    from turnwise.view.pictures.demo_page import Row, page

    blind, exact = (done.beside[name].score for name in ("random", "solver"))
    rows = [
        Row("before", output.interval(done.gain.a)),
        Row("after", output.interval(done.gain.b)),
        Row("gain, paired by game", f"{output.interval(done.gain.difference)}, p {done.gain.p:.2g}"),
        Row("games won that were lost", str(len(done.gain.gained))),
        Row("games lost that were won", str(len(done.gain.lost))),
        Row("who guesses blindly", output.interval(blind)),
        Row("who halves what is left", output.interval(exact)),
        Row("games trained on", f"{done.training.row.planned:,} in {steps} steps"),
        Row("time, evaluations included", output.duration(done.seconds)),
        Row("runs", f"{done.training.id}, {done.before.id}, {done.after.id}"),
    ]
    return page(
        title="A small language model learns to guess a number",
        gain=_sentence(done),
        rows=rows,
        curve=curve(learning_curve(done.training), {"blind": blind.mean, "halving": exact.mean}),
        pairs=done.pairs(_PAIRS),
        again=f"turnwise demo --seed {seed} --steps {steps}",
    )

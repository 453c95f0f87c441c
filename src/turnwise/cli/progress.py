"""What can be seen of a run while it goes on: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from turnwise.cli import output
from turnwise.engine.results import Run, estimate
from turnwise.engine.tally import Tally

if TYPE_CHECKING:
    from rich.console import RenderableType

_LIVE_SECONDS = 0.25
_PLAIN_SECONDS = 10.0


class Progress:
    """Shows a tally until it is closed. A thread draws, so that a busy event loop does not stop it."""

    def __init__(self, run: Run, tally: Tally) -> None:
        self.run = run
        self.tally = tally
        self._over = threading.Event()
        live = sys.stderr.isatty()
        self._thread = threading.Thread(target=self._live if live else self._plain, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Show the end, and stop."""
        self._over.set()
        self._thread.join()

    def _live(self) -> None:
        from rich.live import Live

        screen = output.console(stderr=True)
        with Live(self._panel(), console=screen, auto_refresh=False, transient=False) as live:
            while not self._over.wait(_LIVE_SECONDS):
                live.update(self._panel(), refresh=True)
            live.update(self._panel(), refresh=True)

    def _plain(self) -> None:
        self._print(f"run {self.run.id}: {self.tally.planned} episodes of {self.run.row.environment}")
        while not self._over.wait(_PLAIN_SECONDS):
            self._print(self._line())
        self._print(self._line())

    def _print(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def _line(self) -> str:
        tally = self.tally
        return (
            f"{tally.ended}/{tally.planned} done, {len(tally.running)} running, {tally.failed} failed; "
            f"{self._pace()}; score {self._score()}"
        )

    def _pace(self) -> str:
        tally = self.tally
        seconds = max(tally.seconds, 1e-9)
        parts = [f"{tally.turns / seconds:,.0f} turns/s"]
        if tally.tokens:
            parts.append(f"{tally.tokens / seconds:,.0f} tokens/s")
        if tally.cost:
            parts.append(f"cost {tally.cost:.4g}")
        if tally.ended < tally.planned and tally.remaining is not None:
            parts.append(f"{output.duration(tally.remaining)} left")
        return ", ".join(parts)

    def _score(self) -> str:
        scores = list(self.tally.scores)
        if not scores:
            return "-"
        return output.interval(estimate([task for task, _ in scores], [score for _, score in scores]))

    def _panel(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        tally = self.tally
        head = Text.assemble((self.run.id, "bold"), f"  {output.duration(tally.seconds)}")
        counts = Text.assemble(
            (f"{tally.ended}/{tally.planned} done", "green"),
            f"  {len(tally.running)} running  ",
            (f"{tally.failed} failed", "red" if tally.failed else "dim"),
        )
        grid = Table.grid(padding=(0, 2))
        grid.add_row(ProgressBar(total=max(1, tally.planned), completed=tally.ended, width=40), counts)
        return Group(head, grid, Text(f"{self._pace()}   score {self._score()}"))

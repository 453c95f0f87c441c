"""The demo's page: one file that opens anywhere. What a model wrote is text in it, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from turnwise.log import EpisodeLog

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #00875f; --bad: #c2410c;
  --page: #fff; --text: #1a1a1a; }
@media (prefers-color-scheme: dark) {
  :root { --good: #34d399; --bad: #fb923c; --page: #16181d; --text: #e6e6e6; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 2.5rem auto; padding: 0 1rem;
  background: var(--page); color: var(--text); }
h1 { font-size: 1.7rem; line-height: 1.25; margin-bottom: .4rem; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; }
.gain { font-size: 1.15rem; margin: 0; } .dim { opacity: .7; }
.curve svg { width: 100%; height: auto; display: block; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .35rem 1.2rem .35rem 0; font-weight: normal; }
th { opacity: .7; white-space: nowrap; } td { font-variant-numeric: tabular-nums; }
tr { border-bottom: 1px solid var(--line); }
.pair { display: grid; gap: 1rem; margin: 1rem 0; }
.pair { grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); }
.talk { border: 1px solid var(--line); border-radius: .6rem; padding: .7rem 1rem 1rem; display: flex;
  flex-direction: column; gap: .4rem; }
.talk header { display: flex; justify-content: space-between; }
.talk p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft);
  border-radius: .6rem; padding: .2rem .7rem; max-width: 85%; align-self: flex-start; }
.talk p.agent { align-self: flex-end; background: var(--good); color: var(--page); }
.won { color: var(--good); } .lost { color: var(--bad); }
code { background: var(--soft); border-radius: .3rem; padding: .1rem .4rem; }
"""


class Row(NamedTuple):
    """A line of the table."""

    name: str
    value: str


def page(
    *,
    title: str,
    gain: str,
    rows: Sequence[Row],
    curve: str,
    pairs: Sequence[tuple[EpisodeLog, EpisodeLog]],
    again: str,
) -> str:
    """The page as HTML.

    Args:
        title: Its heading.
        gain: The result in a sentence.
        rows: A table of figures.
        curve: An SVG picture that we drew.
        pairs: Episodes of the same task, before and after.
        again: The command that does it again.
    """
    table = "".join(f"<tr><th>{escape(row.name)}</th><td>{escape(row.value)}</td></tr>" for row in rows)
    talks = "".join(_pair(before, after) for before, after in pairs)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p class="gain">{escape(gain)}</p>
<h2>While it learned</h2>
<div class="curve">{curve}</div>
<p class="dim">Dots: the games of a step. Line: the mean of ten steps.
Rings: games it was not trained on, with 95&nbsp;% intervals.</p>
<h2>The same games, before and after</h2>
{talks}
<p class="dim">The longest of those that were lost and then won.</p>
<h2>In figures</h2>
<table>{table}</table>
<p class="dim">Again: <code>{escape(again)}</code></p>
</body>
</html>
"""


def _pair(before: EpisodeLog, after: EpisodeLog) -> str:
    return f'<div class="pair">{_talk("before", before)}{_talk("after", after)}</div>'


def _talk(name: str, log: EpisodeLog) -> str:
    said = "".join(
        f'<p class="agent">{escape(turn.message.text)}</p>'
        if turn.role in log.roles
        else f"<p>{escape(turn.message.text)}</p>"
        for turn in log.turns
    )
    score = log.score()
    told = "no score" if score is None else "found" if score else "not found"
    kind = "won" if score else "lost"
    return (
        f'<section class="talk"><header><span class="dim">{name}</span>'
        f'<span class="{kind}">{told}</span></header>{said}</section>'
    )

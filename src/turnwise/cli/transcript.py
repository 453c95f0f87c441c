"""An episode as text for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnwise.cli import output
from turnwise.log import EpisodeLog, Turn
from turnwise.message import Message, Text

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = ("cyan", "magenta", "yellow", "blue", "green")


def print_episode(name: str, log: EpisodeLog, console: Console, *, full: bool = False) -> None:
    """The whole conversation: who said what to whom, rewards where they were given, and how it ended.

    Args:
        name: What to call the episode.
        log: The episode.
        console: Where to print.
        full: Also what was shown to each model, notes, and where an error happened.
    """
    from rich.text import Text as Line

    from turnwise.engine.report import reasons

    cast = ", ".join(f"{role} = {agent}" for role, agent in log.agents.items())
    task = output.one_line(str(log.task["id"]), 200)
    console.print(Line.assemble((name, "bold"), f"  task {task}, epoch {log.epoch}, {cast}"))
    for branch in log.branches:
        console.print(Line(f"left its parent at turn {branch.turns}", style="dim"))
    colours = {role: _COLOURS[place % len(_COLOURS)] for place, role in enumerate(log.roles)}
    for turn in log.turns:
        _print_turn(turn, log, console, colours)
        if full:
            _print_calls(turn, log, console)
    rewards = [reward for reward in log.rewards if reward.turn is None]
    for reward in rewards:
        whose = f" of {reward.role}" if reward.role else ""
        console.print(Line(f"\nreward {reward.name}{whose}: {output.number(reward.value)}", style="green"))
    if log.metrics:
        metrics = ", ".join(f"{key} {output.number(value)}" for key, value in sorted(log.metrics.items()))
        console.print(Line(f"metrics: {metrics}", style="dim"))
    if full:
        for note in log.notes:
            console.print(Line(f"note {note.name}: {output.clean(str(note.value))}", style="dim"))
    for reason in reasons(log):
        console.print(Line(f"why: {output.clean(reason)}", style="yellow"))
    end = "not ended" if log.stop is None else log.stop.value + (f" ({log.detail})" if log.detail else "")
    console.print(Line.assemble(f"\nstop: {end}  score: ", (output.number(log.score()), "bold")))
    if log.error is not None:
        told = f"{log.error.type}: {log.error.message}"
        if full and log.error.traceback:
            told = log.error.traceback
        elif log.error.traceback:
            told += "\n(where it happened: --full)"
        console.print(Line(output.clean(told), style="red"))


def _print_turn(turn: Turn, log: EpisodeLog, console: Console, colours: dict[str, str]) -> None:
    from rich.text import Text as Line

    whom = f" > {', '.join(turn.to)}" if turn.to else ""
    who = turn.message.name if turn.role == "tool" and turn.message.name else turn.role
    label = f"{turn.role}:{who}" if who != turn.role else turn.role
    given = [reward for reward in log.rewards if reward.turn == turn.index]
    rewards = "".join(f"  {reward.name} {output.number(reward.value)}" for reward in given)
    console.print(
        Line.assemble(
            (f"\n{turn.index:>3} ", "dim"),
            (label + whom, colours.get(turn.role, "white")),
            (rewards, "green"),
        )
    )
    for line in _body(turn.message).splitlines() or [""]:
        console.print(Line(f"    {line}"))


def _body(message: Message) -> str:
    lines: list[str] = []
    if message.reasoning:
        lines += [f"(thinks) {line}" for line in message.reasoning.splitlines()]
    if isinstance(message.content, str):
        lines += message.content.splitlines()
    else:
        for part in message.content:
            if isinstance(part, Text):
                lines += part.text.splitlines()
            else:
                size = "" if part.data is None else f", {len(part.data):,} bytes"
                lines.append(f"[{part.media_type} {part.digest[:12]}{size}]")
    lines += [f"-> {call.name}({call.arguments})" for call in message.tool_calls]
    return output.clean("\n".join(lines))


def _print_calls(turn: Turn, log: EpisodeLog, console: Console) -> None:
    from rich.text import Text as Line

    for call in log.calls:
        if call.role != turn.role or call.n not in turn.calls:
            continue
        usage = call.usage
        tokens = "" if usage is None else f", {usage.input} tokens in, {usage.output} out"
        start = "nothing" if call.parent is None else f"call {call.parent}"
        added = ", ".join(f"turn {ref}" if isinstance(ref, int) else ref.role for ref in call.added)
        console.print(Line(f"    [call {call.n}: {start} + {added or 'nothing'}{tokens}]", style="dim"))

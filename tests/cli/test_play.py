"""`turnwise play` in a terminal: the board in place, keys, and text."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import sys
import time
from pathlib import Path

import pytest
from terminal import COMMAND, last_json, turn

import turnwise
from turnwise.action import Menu
from turnwise.cli.keys import decoded, keymap
from turnwise.environments.parts.several import Several

pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")
UP, LEFT = b"\x1b[A", b"\x1b[D"
_SIZE = ("COLUMNS", "LINES")


class Terminal:
    """A terminal with `turnwise WORDS` in it."""

    def __init__(self, *words: str, lines: int = 30, columns: int = 60) -> None:
        self.shown = ""
        self._pid, self._end = pty.fork()
        if self._pid == 0:
            # Not what a library set behind `os.environ`, such as the size of the tester's terminal.
            env = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(sys.executable, [*COMMAND, *words], {key: env[key] for key in env if key not in _SIZE})
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: bytes, *, then: str) -> str:
        """Press keys; what is on the screen once it shows `then`."""
        self.shown = ""
        os.write(self._end, keys)
        return self.wait(then)

    def wait(self, text: str, seconds: float = 30) -> str:
        """What was drawn since the last keys, without colours, once `text` is there."""
        end = time.monotonic() + seconds
        while text not in self.plain:
            assert time.monotonic() < end, f"{text!r} never came: {self.plain!r}"
            if not self._read():
                raise AssertionError(f"{text!r} never came, and it ended: {self.plain!r}")
        return self.plain.rpartition("\x1b[H\x1b[J")[2]

    def end(self) -> int:
        """Its exit code, when it ends."""
        while self._read():
            pass
        os.close(self._end)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    @property
    def plain(self) -> str:
        """What was drawn, but for colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.shown).replace("\r\n", "\n")

    def _read(self) -> bool:
        if not select.select([self._end], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._end, 65536)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


def replies(run: str = "last") -> list[str]:
    """What the person said in the last run."""
    return [turn.text for turn in turnwise.open_run(run).episode(0).turns if turn.role == "agent"]


def test_sokoban_by_arrows_letters_and_text(folder: Path) -> None:
    terminal = Terminal("play", "sokoban")
    first = terminal.wait("Ctrl-D leave")
    assert "Sokoban. Bring every box onto a target." in first
    assert "0 actions, 0 wasted" in first
    assert "↑ up   ↓ down   ← left   → right" in first
    assert "48;2;" in terminal.shown, "cells have colours"
    assert "Done: up" in terminal.press(UP, then="Ctrl-D leave")
    assert "2 actions" in terminal.press(b"a", then="Ctrl-D leave")
    assert "3 actions" in terminal.press(b"l", then="Ctrl-D leave")
    # A key that means nothing is no reply; Tab leads to text.
    terminal.press(b"x\t", then="> ")
    assert "5 actions" in terminal.press(b"up, up\n", then="Ctrl-D leave")
    everything = terminal.press(b"?", then="any key goes back")
    assert "Bring every box" in everything
    assert "5 actions" in terminal.press(b" ", then="Ctrl-D leave")
    terminal.press(b"\x04", then="stop: error (left)")
    assert terminal.end() == 0
    assert replies() == ["up", "left", "right", "up, up"]
    # In place: the screen was taken, and given back.
    assert "\x1b[?1049l" in terminal.shown


def test_a_whole_game_by_keys_ends_with_the_board_and_the_score(folder: Path) -> None:
    terminal = Terminal("play", "taxi", "--set", "max_actions=1", "--seed", "1")
    menu = terminal.wait("Ctrl-D leave")
    for choice in ("↑ north", "↓ south", "← west", "→ east", "p pickup", "r dropoff"):
        assert choice in menu
    solved = last_json("run", "taxi", "-a", "solver", "-n", "1", "--seed", "1", "-q", "--store", "solver.db")
    plan = turnwise.open_run(solved["run"], store="solver.db").episode(0)
    (reply,) = (turn.text for turn in plan.turns if turn.role == "agent")
    keys = {
        "north": b"w",
        "south": b"\x1b[B",
        "west": b"h",
        "east": b"\x1bOC",
        "pickup": b"p",
        "dropoff": b"r",
    }
    words = re.findall("|".join(keys), reply)
    for word in words[:-1]:
        terminal.press(keys[word], then="Ctrl-D leave")
    terminal.press(keys[words[-1]], then="score: ")
    assert terminal.end() == 0
    assert "stop: completed (solved)  score: 1" in terminal.plain
    assert f"{len(words)} actions, 0 wasted" in terminal.plain
    assert replies() == words


def test_a_small_terminal_shows_the_board_and_what_fits(folder: Path) -> None:
    terminal = Terminal("play", "wordle", lines=16, columns=40)
    screen = terminal.wait("> ")
    assert "more lines" in screen
    assert len(screen.splitlines()) <= 16
    screen = terminal.press(b"crane\n", then="> ")
    assert " C R A N E" in screen
    assert "any key" in terminal.press(b"?\n", then="any key goes back")
    terminal.press(b" ", then="> ")
    terminal.press(b"\x04", then="stop:")
    terminal.end()
    assert replies() == ["crane"]


def test_interrupted_it_gives_the_screen_back_and_can_be_resumed(folder: Path) -> None:
    terminal = Terminal("play", "lock")
    terminal.wait("Ctrl-D leave")
    terminal.press(b"0", then="Ctrl-D leave")
    terminal.press(b"\x03", then="turnwise resume")
    assert terminal.end() == 130
    assert "\x1b[?1049l" in terminal.shown
    assert replies() == ["0"]


def test_hidden_cards_stay_hidden_unless_one_peeks(folder: Path) -> None:
    pytest.importorskip("pyspiel")
    terminal = Terminal("play", "kuhn_poker")
    assert "Kuhn poker\n" not in terminal.wait("Ctrl-D leave")
    terminal.press(b"\x04", then="stop:")
    terminal.end()
    terminal = Terminal("play", "kuhn_poker", "--peek")
    screen = terminal.wait("Ctrl-D leave")
    assert re.search("Kuhn poker +\n [JQK]   \\?   [JQK]", screen)
    assert "p <PASS>   b <BET>" in screen
    terminal.press(b"\x04", then="stop:")
    terminal.end()


def test_piped_it_is_text_with_the_picture_before_each_question(folder: Path) -> None:
    done = turn("play", "lock", "--set", "horizon=2", "--set", "digits=2", stdin="0\n1\n0\n1\n")
    assert done.returncode == 0
    assert "0 of 2 open" in done.stderr
    assert " actions: 0, 1" in done.stderr
    assert "\x1b" not in done.stderr
    assert "stop: completed (opened)" in done.stdout


def test_keys_of_actions() -> None:
    def keys(*texts: str) -> dict[str, str]:
        found = keymap(Menu.of(texts))
        assert found is not None
        return {choice.label: choice.key for choice in found.choices}

    assert keys("open", "go north", "take", "west") == {
        "go north": "up",
        "west": "left",
        "open": "o",
        "take": "t",
    }
    # `w` belongs to up, so that `wait` has its next letter.
    assert keys("wait", "move up") == {"move up": "up", "wait": "a"}
    assert keys("<answer><X(0,0)></answer>", "<answer><X(0,1)></answer>") == {
        "<X(0,0)>": "1",
        "<X(0,1)>": "2",
    }
    assert keys("0", "7") == {"0": "0", "7": "7"}
    assert keymap(Menu.of([f"word {number}" for number in range(13)])) is None
    several = keymap(Several(("up", "jump"), 3))
    assert several is not None
    # `j` belongs to down only where there is a down.
    assert [(choice.key, choice.reply) for choice in several.choices] == [("up", "up"), ("j", "jump")]


def test_bytes_of_a_terminal_are_keys() -> None:
    assert decoded(b"a\x1b[A\x1bOD?\x1b[3~\x1b") == ["a", "up", "left", "?", "other", "escape"]
    assert decoded("ü\n".encode()) == ["ü", "\n"]

"""Kuhn poker (H. W. Kuhn, "A simplified two-person poker", 1950): three cards, one bet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.mars.environment import SeatedGame
from turnwise.environments.mars.face import Face
from turnwise.environments.mars.players import Equilibrium
from turnwise.environments.mars.spiel import State, load
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import WorldTask

GAME = "kuhn_poker"
CARDS = ("Jack (J)", "Queen (Q)", "King (K)")
TEXTS = ("<PASS>", "<BET>")
DEALS = ((0, 1), (0, 2), (1, 2), (1, 0), (2, 0), (2, 1))
"""Cards of the first and the second player, by the task's seed modulo six, as MARS counts them."""
CARD, HIDDEN, GAP = ("#111827", "#fef9c3"), ("#f8fafc", "#475569"), Cell(" ")


class _Face(Face):
    def rules(self) -> tuple[str, ...]:
        return (
            "Two players play with three cards: King (K), which beats Queen (Q), which beats Jack (J).",
            "Each of them first puts 1 chip into the pot.",
            "Each is dealt one card that the other does not see. The third card stays unseen.",
            "They act in turn, player_0 first. <PASS> adds nothing to the pot, <BET> adds 1 chip.",
            "After a <BET>, a <PASS> of the other gives the pot to the one who bet.",
            "After two <PASS> or two <BET>, the higher card takes the pot.",
        )

    def about(self, player: int) -> tuple[str, ...]:
        return (
            f"You are player_{player}; the other is player_{1 - player}.",
            "At each of your moves you see your card and what was done so far.",
            "The legal actions are listed as `<PASS>` and `<BET>`.",
        )

    def example(self, player: int) -> str:
        return TEXTS[0]

    def write(self, state: State, player: int, action: int) -> str:
        return TEXTS[action]

    def view(self, state: State, player: int) -> str:
        card, *actions = state.information_state_string(player)
        lines = [
            "Blind ante: player_0 and player_1 have put 1 chip each into the pot.",
            f"Deal: your card is {CARDS[int(card)]}.",
            *(f"player_{turn % 2} chose {TEXTS['pb'.index(done)]}." for turn, done in enumerate(actions)),
        ]
        return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))

    def key(self, state: State) -> str:
        return str(state)

    def forfeit(self, state: State, player: int, won: Sequence[float]) -> list[float]:
        stake = float(1 + sum(state.history()[2 + player :: 2]))
        return [-stake, stake] if player == 0 else [stake, -stake]

    def picture(self, state: State) -> Board:
        first, second, *actions = state.history()
        row = (Cell("JQK"[first], *CARD), GAP, Cell("?", *HIDDEN), GAP, Cell("JQK"[second], *CARD))
        done = " ".join(f"{'first' if n % 2 == 0 else 'second'} {TEXTS[a]}" for n, a in enumerate(actions))
        return Board((row,), title=self.title, caption=done)


FACE = _Face("Kuhn poker", worst=-2.0)


class KuhnPoker(SeatedGame, kw_only=True, frozen=True):
    """One card each, one bet; perfect play of both costs the first player 1/18 chip a game."""

    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    def start(self) -> State:
        """Before the deal."""
        return load(GAME).new_initial_state()

    def dealt(self, task: WorldTask) -> Sequence[int]:
        """The deal of the task's seed."""
        return DEALS[task.seed % 6]

    def face(self) -> Face:
        """As MARS tells it."""
        return FACE

    def pays(self) -> tuple[float, float]:
        """The ante and a bet."""
        return (-2.0, 2.0)

    def longest(self) -> int:
        """Pass, bet, and the answer."""
        return 3

    def players(self) -> dict[str, Any]:
        """`solver`, alias `cfr`, plays an equilibrium; `random`."""
        cfr = Equilibrium(GAME, 1000)
        return {"solver": cfr, "cfr": cfr, "random": RandomLegal()}

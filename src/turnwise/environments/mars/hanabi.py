"""Mini-Hanabi: two players who see each other's cards but not their own build fireworks together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, Literal

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.mars.environment import SeatedGame
from turnwise.environments.mars.face import Face
from turnwise.environments.mars.hanabi_player import Conventions, Sight, sight
from turnwise.environments.mars.spiel import State, load
from turnwise.environments.parts.picture import Board, Cell
from turnwise.errors import ConfigError

COLOURS = {"R": "red", "Y": "yellow", "G": "green", "W": "white", "B": "blue"}
PAPERS = {"R": "#fecaca", "Y": "#fef08a", "G": "#bbf7d0", "W": "#f8fafc", "B": "#bfdbfe"}
INK, GAP = "#111827", Cell(" ")
SIZES = {"mini": (2, 2, 3, 3), "simple": (3, 2, 5, 8), "full": (3, 3, 5, 8)}
"""Colours, ranks, hand and information tokens of the sizes MARS plays; always 3 lives."""


class _Face(Face):
    draw = 0.1

    def __init__(self, colours: int, ranks: int, hand: int, tokens: int) -> None:
        super().__init__("Hanabi", informs=False, worst=0.0)
        self.colours = "".join(COLOURS)[:colours]
        self.ranks = ranks
        self.hand = hand
        self.tokens = tokens

    def rules(self) -> tuple[str, ...]:
        named = ", ".join(f"{COLOURS[letter]} ({letter})" for letter in self.colours)
        copies = ", ".join(f"{_copies(rank, self.ranks)} of rank {rank}" for rank in range(1, self.ranks + 1))
        cards = len(self.colours) * sum(_copies(rank, self.ranks) for rank in range(1, self.ranks + 1))
        return (
            "Two players, player 0 and player 1, play together and win or lose together.",
            f"The colours are {named}. Each has, card by card: {copies}; {cards} cards in all.",
            f"Each player holds {self.hand} cards. It sees the other's, but not its own.",
            f"They share {self.tokens} information tokens and 3 life tokens.",
            f"Each colour has a stack, to be built by rank from 1 to {self.ranks}.",
            "In turn, each player does one of these. <Play card i> lays card i of its own hand (counted "
            "from 0) on the stack of its colour, which brings both 1 point if it is the next rank there, and "
            "costs a life token otherwise. <Discard card i> throws it away for one information token. "
            "<Reveal player +1 color c> or <Reveal player +1 rank r> spends one information token and shows "
            "the other which of its cards have the colour c or the rank r.",
            "After playing or discarding, a player draws a card while there are any.",
            f"The game ends when all stacks are complete ({self.ranks * len(self.colours)} points, the "
            "most), after the deck is used up and each has moved once more, or when the last life token is "
            "lost, which takes all points away.",
        )

    def about(self, player: int) -> tuple[str, ...]:
        return (
            f"You are player {player}.",
            "At each of your moves you see the tokens, the stacks, the size of the deck, what was discarded, "
            "the other's hand, and what has been revealed of yours.",
            "R2 is a red card of rank 2; a stack Y0 is still empty.",
        )

    def example(self, player: int) -> str:
        return "<Discard card 0>"

    def write(self, state: State, player: int, action: int) -> str:
        told = state.action_to_string(player, action).strip("()")
        return f"<{told.replace('Play', 'Play card').replace('Discard', 'Discard card')}>"

    def view(self, state: State, player: int) -> str:
        seen = sight(state.observation_string(player))
        return "\n".join(
            [
                f"1. Life tokens: {seen.lives}. Information tokens: {seen.tokens}.",
                f"2. Stacks: {' '.join(f'{colour}{top}' for colour, top in seen.stacks.items())}.",
                f"3. Cards left in the deck: {seen.deck}.",
                f"4. Discarded: {' '.join(seen.discards) or 'nothing'}.",
                "5. The other's hand:",
                *(
                    f"   - Card {place} is {card.shown}; it knows: {_possible(card.colours, card.ranks)}."
                    for place, card in enumerate(seen.other)
                ),
                "6. Your hand, as far as you know:",
                *(
                    f"   - Card {place}: {_possible(card.colours, card.ranks)}."
                    for place, card in enumerate(seen.mine)
                ),
            ]
        )

    def forfeit(self, state: State, player: int, won: Sequence[float]) -> list[float]:
        """Both lose what they have won."""
        return [-value for value in won]

    def outcome(self, totals: Sequence[float], ours: int) -> str:
        """Complete, or how many points."""
        return "complete" if totals[0] == self.ranks * len(self.colours) else f"{totals[0]:g} points"

    def picture(self, state: State) -> Board:
        seats = (sight(state.observation_string(player)) for player in (1, 0))
        first, second = (_row([card.shown for card in seen.other]) for seen in seats)
        seen: Sight = sight(state.observation_string(0))
        stacks = _row([f"{colour}{top}" for colour, top in seen.stacks.items()])
        width = max(len(first), len(second), len(stacks))
        rows = tuple(row + (GAP,) * (width - len(row)) for row in (first, stacks, second))
        caption = f"lives {seen.lives}, information {seen.tokens}, deck {seen.deck}"
        return Board(rows, title="Hanabi: first hand, stacks, second hand", caption=caption)


FACES = {size: _Face(*SIZES[size]) for size in SIZES}


class Hanabi(SeatedGame, kw_only=True, frozen=True):
    """Build the fireworks together, by telling each other just enough."""

    roles: ClassVar[tuple[str, ...]] = ("agent", "partner")
    capabilities: ClassVar[Capabilities] = Capabilities(action_ids=True)

    size: Literal["mini", "simple", "full"] = "mini"
    """`mini` is what MARS trains on (2 colours, 2 ranks, 3 cards), `simple` and `full` what it tests on."""

    def __post_init__(self) -> None:
        if self.others == "full":
            raise ConfigError(
                "hanabi: others=full would show players their own hands; expected others=action"
            )

    def start(self) -> State:
        """Before the deal."""
        colours, ranks, hand, tokens = SIZES[self.size]
        return load(
            f"hanabi(players=2,colors={colours},ranks={ranks},hand_size={hand},"
            f"max_information_tokens={tokens},max_life_tokens=3)"
        ).new_initial_state()

    def face(self) -> Face:
        """As MARS tells it."""
        return FACES[self.size]

    def pays(self) -> tuple[float, float]:
        """Nothing, or all stacks."""
        colours, ranks, _, _ = SIZES[self.size]
        return (0.0, float(colours * ranks))

    def longest(self) -> int:
        """Each token can be spent and each discard brings one; OpenSpiel's own bound."""
        return {"mini": 25, "simple": 42, "full": 54}[self.size]

    def players(self) -> dict[str, Any]:
        """`solver`, alias `conventions`, plays by a few fixed rules; `random`."""
        fixed = Conventions(SIZES[self.size][1])
        return {"solver": fixed, "conventions": fixed, "random": RandomLegal()}


def _copies(rank: int, ranks: int) -> int:
    """Cards of a rank in each colour: three of the lowest, one of the highest, else two."""
    return 3 if rank == 1 else 1 if rank == ranks else 2


@cache
def _possible(colours: str, ranks: str) -> str:
    return f"colour {' or '.join(colours)}, rank {' or '.join(ranks)}"


def _row(cards: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(Cell(card, INK, PAPERS.get(card[0], "#e5e7eb")) for card in cards)

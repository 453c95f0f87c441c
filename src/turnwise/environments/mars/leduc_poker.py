"""Leduc poker (Southey et al. 2005, "Bayes' bluff: opponent modelling in poker"): six cards, two rounds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any, ClassVar, Literal

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.mars.environment import SeatedGame
from turnwise.environments.mars.face import Face
from turnwise.environments.mars.players import Equilibrium
from turnwise.environments.mars.spiel import State, load
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import WorldTask

GAME = "leduc_poker"
SOLVED = "leduc_poker(suit_isomorphism=true)"
"""The same game with suits left out, which they may be: its equilibrium is found in a third of the time."""
RANKS = "JQK"
TEXTS = ("<FOLD>", "<CALL>", "<RAISE>")
RAISES = (2, 4)
"""Chips of a raise, by the round."""
CARD, TABLE, GAP = ("#111827", "#fef9c3"), ("#f8fafc", "#166534"), Cell(" ")
FIELD = re.compile(r"\[(\w+): ([^]]*)\]")


class _Face(Face):
    def rules(self) -> tuple[str, ...]:
        return (
            "Two players play with six cards: two Kings (K), two Queens (Q) and two Jacks (J).",
            "Each of them first puts 1 chip into the pot, and is dealt one card that the other does not see.",
            "There are two rounds of betting, each begun by player_0. Between them one of the other cards "
            "is laid open for both.",
            "<FOLD> gives the pot to the other. <CALL> puts in as many chips as the other has, which may be "
            "none. <RAISE> does so and adds 2 chips in the first round, 4 in the second.",
            "A round has at most two <RAISE>, and is over when both have acted and put in the same.",
            "If nobody folds, whoever holds the rank of the open card takes the pot; otherwise the higher "
            "card (K > Q > J) does; equal ranks share it.",
        )

    def about(self, player: int) -> tuple[str, ...]:
        return (
            f"You are player_{player}; the other is player_{1 - player}.",
            "At each of your moves you see your card, the open card once there is one, and what was done.",
            "The legal actions are listed as `<FOLD>`, `<CALL>` and `<RAISE>`.",
        )

    def example(self, player: int) -> str:
        return TEXTS[1]

    def write(self, state: State, player: int, action: int) -> str:
        return TEXTS[action]

    def view(self, state: State, player: int) -> str:
        known = _fields(state, player)
        lines = [
            "1. Blind ante: player_0 and player_1 have put 1 chip each into the pot.",
            f"2. Deal: your card is {_rank(known['Private'])}.",
        ]
        if "Public" in known:
            lines.append(f"3. The open card is {_rank(known['Public'])}.")
        for place, name in enumerate(("Round1", "Round2")):
            if known[name]:
                lines.append(f"{4 + place}. Betting, round {place + 1}:")
                lines.extend(_betting(known[name].split(), RAISES[place]))
        return "\n".join(lines)

    def information(self, state: State, player: int) -> str:
        """As `SOLVED` writes it: without suits."""
        said = state.information_state_string(player)
        return re.sub(r"(Private|Public): (\d)", lambda card: f"{card[1]}: {int(card[2]) // 2}", said)

    def forfeit(self, state: State, player: int, won: Sequence[float]) -> list[float]:
        stake = 100.0 - float(_fields(state, player)["Money"].split()[player])
        return [-stake, stake] if player == 0 else [stake, -stake]

    def picture(self, state: State) -> Board:
        known, first, second = _fields(state, 0), *state.history()[:2]
        public = Cell(_rank(known["Public"]), *TABLE) if "Public" in known else Cell("?", *TABLE)
        row = (Cell(RANKS[first // 2], *CARD), GAP, public, GAP, Cell(RANKS[second // 2], *CARD))
        rounds = (
            " ".join(TEXTS[int(action)] for action in known[name].split()) for name in ("Round1", "Round2")
        )
        done = "; ".join(part for part in rounds if part)
        return Board((row,), title=self.title, caption=done)


FACE = _Face("Leduc poker", worst=-13.0)


class LeducPoker(SeatedGame, kw_only=True, frozen=True):
    """Two rounds of betting with one open card; perfect play of both costs the first player 0.086 chips."""

    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, action_ids=True)

    variant: Literal["published", "corrected"] = "corrected"
    """`published`: the three cards follow from the seed modulo 24, which deals every triple of ranks equally
    often; `corrected`: as from a shuffled deck (where three different ranks are twice as frequent as a given
    triple with a pair), the hands by the task's seed, the open card by the episode's."""

    def start(self) -> State:
        """Before the deal."""
        return load(GAME).new_initial_state()

    def dealt(self, task: WorldTask) -> Sequence[int]:
        """Hands and open card, where the seed says them."""
        return TRIPLES[task.seed % len(TRIPLES)] if self.variant == "published" else ()

    def face(self) -> Face:
        """As MARS tells it."""
        return FACE

    def pays(self) -> tuple[float, float]:
        """The ante, two raises of 2 and two of 4."""
        return (-13.0, 13.0)

    def longest(self) -> int:
        """Four moves a round: call, raise, raise, call."""
        return 8

    def players(self) -> dict[str, Any]:
        """`solver`, alias `cfr`, plays an equilibrium (exploitable by 0.002 chips a game); `random`."""
        cfr = Equilibrium(SOLVED, 300)
        return {"solver": cfr, "cfr": cfr, "random": RandomLegal()}


def _triples() -> list[tuple[int, ...]]:
    """Cards for each triple of ranks (not three alike): the lowest card of each rank that is still there."""
    return [
        tuple(2 * rank + ranks[:place].count(rank) for place, rank in enumerate(ranks))
        for ranks in product(range(3), repeat=3)
        if len(set(ranks)) > 1
    ]


TRIPLES = _triples()


def _fields(state: State, player: int) -> dict[str, str]:
    """What `player` knows, from OpenSpiel's `[Private: 5][Money: 99 99][Round1: 1 2]...`."""
    return dict(FIELD.findall(state.information_state_string(player)))


def _rank(card: str) -> str:
    return RANKS[int(card) // 2]


def _betting(actions: Sequence[str], raised: int) -> list[str]:
    """A line for each action of a round, with the chips it put in."""
    put, most = [0, 0], 0
    lines: list[str] = []
    for turn, action in enumerate(actions):
        most += raised if action == "2" else 0
        player = turn % 2
        lines.append(f"   - player_{player} chose {TEXTS[int(action)]} (+{most - put[player]} chips).")
        put[player] = most
    return lines

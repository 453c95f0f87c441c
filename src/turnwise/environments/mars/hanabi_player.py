"""What a Hanabi player sees, and one that plays by a few fixed rules."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from turnwise.environments.mars.players import Player
from turnwise.environments.mars.spiel import Position

LIKELY = 0.6
"""A card this likely to fit is played while a life can be spared."""


class Held(NamedTuple):
    """A card in a hand."""

    shown: str
    """What it is, `R1`; `XX` for one's own."""
    colours: str
    """What its holder takes for possible, as letters."""
    ranks: str
    """What its holder takes for possible, as digits."""


class Sight(NamedTuple):
    """What one player sees."""

    lives: int
    tokens: int
    stacks: dict[str, int]
    """The top rank by colour; 0 is an empty stack."""
    mine: tuple[Held, ...]
    other: tuple[Held, ...]
    deck: int
    discards: tuple[str, ...]


def sight(observation: str) -> Sight:
    """Read OpenSpiel's observation, in which one's own hand comes first."""
    fields, hands = dict[str, str](), [list[Held](), list[Held]()]
    at = 0
    for line in observation.splitlines():
        if "||" in line:
            shown, known = line.split("||")
            possible = known.rpartition("|")[2]
            colours = "".join(mark for mark in possible if mark.isalpha())
            hands[at].append(Held(shown.strip(), colours, possible[len(colours) :].strip()))
        elif line.startswith("-----"):
            at = 1
        elif ":" in line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return Sight(
        int(fields["Life tokens"]),
        int(fields["Info tokens"]),
        {stack[0]: int(stack[1:]) for stack in fields["Fireworks"].split()},
        tuple(hands[0]),
        tuple(hands[1]),
        int(fields["Deck size"]),
        tuple(fields["Discards"].split()),
    )


class Conventions(Player):
    """Plays what surely fits; else hints at what the partner can play; else risks a life, hints, discards.

    Args:
        ranks: Of the game; the lowest comes three times in each colour, the highest once, others twice.
    """

    name = "conventions"

    def __init__(self, ranks: int) -> None:
        self.copies = {rank: 3 if rank == 1 else 1 if rank == ranks else 2 for rank in range(1, ranks + 1)}

    def choose(self, position: Position, rng: random.Random) -> int:
        """The first rule that applies; `rng` only where all else is equal."""
        seen = sight(position.information)
        legal = {action.text[9:-10]: action.id for action in position.actions}
        fits = [self._share(card, seen, fitting=True) for card in seen.mine]
        place = max(range(len(fits)), key=fits.__getitem__)
        if fits[place] == 1:
            return legal[f"Play card {place}"]
        hints = {text: self._worth(text, seen) for text in legal if text.startswith("Reveal")}
        best = max(hints.values(), default=(0, 0))
        good = [text for text, worth in hints.items() if worth == best]
        if good and best[0]:
            return legal[rng.choice(good)]
        if seen.lives > 1 and fits[place] >= LIKELY:
            return legal[f"Play card {place}"]
        if good and best[1]:
            return legal[rng.choice(good)]
        missing = len(seen.stacks) * len(self.copies) - sum(seen.stacks.values())
        # Each play or discard draws a card, and after the last one there are two moves more.
        pressed = seen.deck + 2 <= missing and seen.lives > 1 and fits[place] > 0
        if "Discard card 0" in legal and not pressed:
            useless = [self._share(card, seen, fitting=False) for card in seen.mine]
            return legal[f"Discard card {max(range(len(useless)), key=useless.__getitem__)}"]
        return legal[rng.choice(good)] if good and not pressed else legal[f"Play card {place}"]

    def _share(self, card: Held, seen: Sight, *, fitting: bool) -> float:
        """How likely one's own card fits (or is of no use any more), over the cards not seen elsewhere."""
        gone = Counter([*seen.discards, *(held.shown for held in seen.other)])
        gone.update(f"{colour}{rank}" for colour, top in seen.stacks.items() for rank in range(1, top + 1))
        whole = part = 0
        for colour, rank in _identities(card):
            left = self.copies[rank] - gone[f"{colour}{rank}"]
            whole += left
            top = seen.stacks[colour]
            part += left * (rank == top + 1 if fitting else rank <= top)
        return part / whole if whole else 0.0

    def _worth(self, hint: str, seen: Sight) -> tuple[int, int]:
        """Fitting cards that the partner would know to fit after a hint, and those it would touch at all."""
        told = hint.rpartition(" ")[2]
        known = touched = 0
        for card in seen.other:
            if not _fits(card.shown[0], int(card.shown[1]), seen) or _sure(card, seen):
                continue
            after = card
            if told in card.shown:
                touched += 1
                colours, ranks = (told, card.ranks) if told.isalpha() else (card.colours, told)
                after = Held(card.shown, colours, ranks)
            known += _sure(after, seen)
        return known, touched


def _identities(card: Held) -> Iterator[tuple[str, int]]:
    return ((colour, int(rank)) for colour in card.colours for rank in card.ranks)


def _fits(colour: str, rank: int, seen: Sight) -> bool:
    return seen.stacks[colour] + 1 == rank


def _sure(card: Held, seen: Sight) -> bool:
    """Whether its holder knows that it fits."""
    return all(_fits(colour, rank, seen) for colour, rank in _identities(card))

"""Any OpenSpiel game as a world: seats with private views, chance, rewards for each role, action ids.

The game itself is a `State`: OpenSpiel's, or a plain object with the same methods, so that a small game needs
no package. A `Face` (face.py) says how the game is put into words and pictures; `SpielWorld` is the play.

Replies are read as in MARS (thu-nics/MARS): one `<answer>...</answer>`, after thoughts in
`<think>...</think>` if there are any, with nothing else round it. What is no legal action loses the game.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol

from turnwise.action import Action, Menu
from turnwise.environments.parts.picture import Picture
from turnwise.environments.parts.world import Gain, Step, World
from turnwise.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from turnwise.environments.mars.face import Face

ILLEGAL = 10.0
"""What MARS takes for an illegal move, besides the loss of the game."""
FORMAT = 0.05
"""What MARS gives for a legal one."""


class State(Protocol):
    """What is used of an OpenSpiel state. Players are numbers from 0; a negative one is chance or the end."""

    def current_player(self) -> int:
        """Whose move it is."""
        ...

    def is_terminal(self) -> bool:
        """Whether the game is over."""
        ...

    def is_chance_node(self) -> bool:
        """Whether chance moves next."""
        ...

    def chance_outcomes(self) -> Sequence[tuple[int, float]]:
        """Chance's actions and their probabilities."""
        ...

    def legal_actions(self) -> list[int]:
        """Ids of what the mover may do, ascending."""
        ...

    def apply_action(self, action: int) -> None:
        """Play it."""
        ...

    def returns(self) -> Sequence[float]:
        """What each player has won so far."""
        ...

    def history(self) -> list[int]:
        """All actions so far, chance's among them."""
        ...

    def information_state_string(self, player: int) -> str:
        """All that `player` knows."""
        ...

    def observation_string(self, player: int) -> str:
        """What `player` sees."""
        ...

    def action_to_string(self, player: int, action: int) -> str:
        """How the game writes an action."""
        ...


def library() -> Any:
    """OpenSpiel's module.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module("pyspiel")
    except ImportError as error:
        raise ConfigError(f"OpenSpiel is missing ({error}): install turnwise[worlds]") from None


@cache
def load(game: str) -> Any:
    """OpenSpiel's game of a name, with settings in brackets where it has some: `kuhn_poker(players=3)`.

    Raises:
        ConfigError: OpenSpiel is not installed, or knows no such game.
    """
    spiel = library()
    name = game.partition("(")[0].strip()
    if name not in spiel.registered_names():
        near = (
            did_you_mean(name, spiel.registered_names()) or "; expected a name of OpenSpiel's list of games"
        )
        raise ConfigError(f"game {game!r}: OpenSpiel has no {name!r}{near}")
    try:
        return spiel.load_game(game)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"game {game!r}: OpenSpiel refuses it: {reason}") from None


class Position(Menu):
    """The legal actions of a mover, and all that it may know, as OpenSpiel writes it.

    Players that compute (table, CFR, tree search) read `information` instead of the prose they are told.
    """

    __slots__ = ("information",)

    def __init__(self, menu: Menu, information: str) -> None:
        self.actions = menu.actions
        self._texts = menu._texts
        self.information = information


class Offered:
    """Legal actions and their texts, made once for each set of them.

    Attributes:
        menu: As replies.
        ids: By text.
        listed: The texts, as a player is told them.
    """

    __slots__ = ("ids", "listed", "menu")

    def __init__(self, texts: Mapping[int, str]) -> None:
        self.menu = Menu([Action(number, f"<answer>{text}</answer>") for number, text in texts.items()])
        self.ids = {text: number for number, text in texts.items()}
        self.listed = ", ".join(texts.values())


def answer(reply: str) -> str | None:
    """The action named by a reply, or None where it does not keep to the format.

    Of several actions with `||` between them the first one counts.
    """
    text = reply.strip()
    if text.startswith("<think>"):
        text = text.rpartition("</think>")[2].lstrip()
    if not (text.startswith("<answer>") and text.endswith("</answer>")):
        return None
    for action in text.removeprefix("<answer>").removesuffix("</answer>").split("||"):
        if named := action.strip():
            return named
    return None


Rewards = Literal["mars", "game"]


class SpielWorld(World):
    """A game in progress.

    Args:
        state: The game at its very start.
        face: How it is told.
        roles: Who plays, by the number of the player.
        seed: Chance up to the first move follows from it.
        rng: Chance from then on.
        dealt: Chance's first actions, where they are given.
        rewards: `game`: what the game pays; an illegal move loses it. `mars`: also 0.05 for each legal reply
            and something for a draw, and an illegal move costs 10 more, while the others get nothing.
        others: Whether a player is told of others' moves only (`action`), or also of the state they were
            made in (`full`).
        ours: The player whose view of success `outcome` and `metrics` take.
    """

    def __init__(
        self,
        state: State,
        face: Face,
        roles: Sequence[str],
        *,
        seed: int,
        rng: random.Random,
        dealt: Iterable[int] = (),
        rewards: Rewards = "mars",
        others: Literal["full", "action"] = "action",
        ours: int = 0,
    ) -> None:
        self.state = state
        self.face = face
        self.roles = tuple(roles)
        self.ours = ours
        self.moves = 0
        self.totals = [0.0] * len(self.roles)
        """What each player has won, with nothing that MARS adds."""
        self._mars = rewards == "mars"
        self._full = others == "full"
        self._rng = rng
        self._dealt = list(dealt)
        self._news = [face.prompt(player) for player in range(len(self.roles))]
        if state.is_chance_node():
            self._chance(random.Random(f"deal/{seed}"))
        self._turn()

    def observe(self) -> str:
        """The rules at first, the others' moves since the player's last, and how things stand for it."""
        return (
            f"{self._news[self.player]}Information of Turn-{self.moves + 1}:\n\n"
            f"It is your move.\n\n{self._standing()}"
        )

    def actions(self) -> Position:
        """The legal actions under OpenSpiel's ids."""
        return Position(self._offered.menu, self.face.information(self.state, self.player))

    def key(self) -> str | None:
        """The whole state, hidden cards too, as the face writes it."""
        return self.face.key(self.state)

    def step(self, reply: str) -> Step:
        """Play the action that `reply` names, or lose."""
        named = answer(reply)
        action = None if named is None else self._offered.ids.get(named)
        if named is None or action is None:
            return self._forfeit()
        self._tell(named)
        self.moves += 1
        player = self.player
        self.state.apply_action(action)
        self._chance(self._rng)
        paid = [now - before for now, before in zip(self.state.returns(), self.totals, strict=True)]
        self.totals = list(self.state.returns())
        gains = [Gain(value, "game", self.roles[seat]) for seat, value in enumerate(paid) if value]
        if self._mars:
            gains.append(Gain(FORMAT, "format", self.roles[player]))
        if not self.state.is_terminal():
            self._turn()
            return Step(tuple(gains))
        if self._mars and self.face.draw:
            draws = (Gain(self.face.draw, "draw", self.roles[n]) for n, value in enumerate(paid) if not value)
            gains.extend(draws)
        self.over, self.outcome = True, self.face.outcome(self.totals, self.ours)
        return Step(tuple(gains))

    def closing(self) -> str:
        """What each player has won."""
        if self.outcome == "illegal move":
            return f"GAME OVER: that was no legal action; expected one of {self._offered.listed}."
        won = ", ".join(f"player_{player} {value:+g}" for player, value in enumerate(self.totals))
        return f"GAME OVER: {won}."

    def metrics(self) -> Mapping[str, float]:
        """`return`, what the game itself paid the first role; `won`, `drawn`, `moves`."""
        mine = self.totals[self.ours]
        return {"return": mine, "won": mine > 0, "drawn": self.over and mine == 0, "moves": self.moves}

    def picture(self) -> Picture | None:
        """All there is, hidden cards too."""
        return self.face.picture(self.state)

    def _turn(self) -> None:
        """Get ready for the next mover."""
        self.player = self.state.current_player()
        self.mover = self.roles[self.player]
        self._offered = self.face.offered(self.state, self.player)

    def _standing(self) -> str:
        view = self.face.view(self.state, self.player)
        return f"GAME STATE:\n{view}\n\nLEGAL ACTIONS:\n{self._offered.listed}.\n\n"

    def _tell(self, action: str) -> None:
        """Keep for the others what the mover does; its thoughts are its own."""
        shown = self._standing() if self._full else ""
        news = (
            f"Information of Turn-{self.moves + 1}:\n\n"
            f"player_{self.player} moved.\n\n{shown}CHOSEN ACTION:\n{action}\n\n"
        )
        for player in range(len(self._news)):
            self._news[player] = "" if player == self.player else self._news[player] + news

    def _chance(self, rng: random.Random) -> None:
        state = self.state
        while state.is_chance_node():
            if self._dealt:
                state.apply_action(self._dealt.pop(0))
                continue
            actions, weights = zip(*state.chance_outcomes(), strict=True)
            state.apply_action(rng.choices(actions, weights)[0])

    def _forfeit(self) -> Step:
        """The mover loses; in MARS it pays more, and the others get nothing for it."""
        self.over, self.outcome = True, "illegal move"
        paid = self.face.forfeit(self.state, self.player, self.totals)
        self.totals = [won + value for won, value in zip(self.totals, paid, strict=True)]
        if self._mars:
            return Step((Gain(paid[self.player], "game"), Gain(-ILLEGAL, "illegal")), valid=False)
        gains = (Gain(value, "game", self.roles[seat]) for seat, value in enumerate(paid) if value)
        return Step(tuple(gains), valid=False)

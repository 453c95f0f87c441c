"""How a game is put into words and pictures; this one does for any OpenSpiel game, a subclass for one game.

The prompt has the parts and marks of MARS's (GAME RULES, PLAYER INFORMATION, RESPONSE INSTRUCTIONS, then for
each turn GAME STATE, LEGAL ACTIONS, CHOSEN ACTION) in words of our own.
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.environments.mars.spiel import Offered, State
from turnwise.environments.parts.picture import Picture

INSTRUCTIONS = """\
Reply with exactly one of the legal actions, written as `<answer>{{your action}}</answer>`, for example \
`<answer>{example}</answer>`. You may think before, inside `<think>...</think>`; keep it short. Anything \
else outside these marks, or an action that is not legal, loses the game at once."""


class Face:
    """Any game, in OpenSpiel's own words.

    Args:
        title: How the game is called.
        players: How many play.
        perfect: Whether nothing is hidden.
        informs: Whether OpenSpiel writes down all that a player knows (an information state).
        observes: Whether OpenSpiel writes down what a player sees.
        worst: The least that the game pays.
    """

    draw = 0.0
    """What MARS gives each player that a game's last move brings nothing."""
    lasting = True
    """Whether an action's text is the same in every state."""

    def __init__(
        self,
        title: str,
        *,
        players: int = 2,
        perfect: bool = False,
        informs: bool = True,
        observes: bool = True,
        worst: float = -1.0,
    ) -> None:
        self.title = title
        self.players = players
        self.perfect = perfect
        self.informs = informs
        self.observes = observes
        self.worst = worst
        self._prompts: dict[int, str] = {}
        self._menus: dict[tuple[int, tuple[int, ...]], Offered] = {}

    # In words -------------------------------------------------------------------------------------------

    def rules(self) -> Sequence[str]:
        """The rules, one sentence or more each."""
        return (f"This is the game {self.title} for {self.players} players.", "They play to win the most.")

    def about(self, player: int) -> Sequence[str]:
        """What `player` has to know besides, one sentence or more each."""
        return (f"You are player_{player}.",)

    def example(self, player: int) -> str:
        """An action, for the instructions."""
        return "<action>"

    def prompt(self, player: int) -> str:
        """What `player` is told before all else."""
        if player not in self._prompts:
            self._prompts[player] = (
                f"You play {self.title}. Choose each move so that you do as well as you can.\n\n"
                f"GAME RULES:\n{_numbered(self.rules())}\n\n"
                f"PLAYER INFORMATION:\n{_numbered(self.about(player))}\n\n"
                f"RESPONSE INSTRUCTIONS:\n{INSTRUCTIONS.format(example=self.example(player))}\n\n"
            )
        return self._prompts[player]

    def view(self, state: State, player: int) -> str:
        """How things stand for `player`, and nothing that it may not know."""
        if self.observes:
            return state.observation_string(player).strip()
        return str(state) if self.perfect else state.information_state_string(player)

    def write(self, state: State, player: int, action: int) -> str:
        """An action's text."""
        return f"<{state.action_to_string(player, action)}>"

    def offered(self, state: State, player: int) -> Offered:
        """The legal actions."""
        legal = state.legal_actions()
        if not self.lasting:
            return Offered({action: self.write(state, player, action) for action in legal})
        key = (player, tuple(legal))
        menu = self._menus.get(key)
        if menu is None:
            menu = Offered({action: self.write(state, player, action) for action in legal})
            self._menus[key] = menu
        return menu

    # For those who compute ------------------------------------------------------------------------------

    def information(self, state: State, player: int) -> str:
        """All that `player` knows: where nothing is hidden all moves, else as OpenSpiel writes it."""
        if self.perfect:
            return " ".join(map(str, state.history()))
        if self.informs:
            return state.information_state_string(player)
        return state.observation_string(player)

    def key(self, state: State) -> str | None:
        """The whole state in few characters: equal keys, equal futures. None where chance comes later."""
        return None

    # How it ends ----------------------------------------------------------------------------------------

    def forfeit(self, state: State, player: int, won: Sequence[float]) -> list[float]:
        """What each player gets when `player` gives the game away by an illegal move.

        Args:
            state: As it stands.
            player: Who did it.
            won: What each player has won so far.
        """
        lost = self.worst - won[player]
        return [lost if seat == player else -lost / (self.players - 1) for seat in range(self.players)]

    def outcome(self, totals: Sequence[float], ours: int) -> str:
        """A word for how it ended for the player `ours`."""
        best = max(value for seat, value in enumerate(totals) if seat != ours)
        if totals[ours] == best:
            return "draw"
        return "won" if totals[ours] > best else "lost"

    def picture(self, state: State) -> Picture | None:
        """How things stand, for people."""
        return str(state)


def _numbered(lines: Sequence[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))

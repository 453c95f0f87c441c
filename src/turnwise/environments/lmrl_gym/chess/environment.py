"""The environments: whole games of chess, and endgames with few pieces."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.lmrl_gym.chess import play, positions
from turnwise.environments.lmrl_gym.chess.notation import library
from turnwise.environments.lmrl_gym.chess.stockfish import Stockfish, program
from turnwise.environments.lmrl_gym.chess.world import ChessWorld
from turnwise.environments.lmrl_gym.players import Mixed, Player, skilled
from turnwise.environments.parts.world import WorldEnvironment, WorldTask
from turnwise.errors import ConfigError, TaskError
from turnwise.task import Task

SKILLS = {"skill75": 0.75, "skill50": 0.5, "skill25": 0.25}
"""How often players of graded skill look before they move."""
STRENGTHS: tuple[int | None, ...] = (1350, 1600, 1900, 2200, 2500, 2800, None)
"""Elo ratings of the engines that make a data set, from Stockfish's least to its full strength. The published
set says "various strengths" and names none."""


class ChessTask(WorldTask, frozen=True, kw_only=True):
    """A game to play.

    Raises:
        TaskError: for a position that is illegal, over, or not White's to move.
    """

    fen: str | None = None
    """Where it starts; else the environment says, by the seed."""

    def __post_init__(self) -> None:
        if self.fen is None:
            return
        try:
            board = library().Board(self.fen)
        except ValueError as error:
            raise TaskError(f"chess task {self.id!r}: field 'fen': {error}") from None
        if not (board.is_valid() and board.turn and not board.is_game_over()):
            raise TaskError(
                f"chess task {self.id!r}: field 'fen': expected a legal position with White to move, "
                f"not yet over, got {self.fen!r}"
            )


class Chess(WorldEnvironment, kw_only=True, frozen=True):
    """A whole game against a weak Stockfish; 1 for winning, -1 for losing and for each illegal move."""

    name: ClassVar[str] = "chess"
    roles: ClassVar[tuple[str, ...]] = ("agent", "opponent")
    task_type: ClassVar[type[Task]] = ChessTask
    capabilities: ClassVar[Capabilities] = Capabilities(state_key=True, action_ids=True)

    max_moves: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 400
    """The game is over after more replies of the agent than this."""
    rules: bool = True
    """Whether the rules are told first and illegal moves are complained of; the published environment shows
    the position alone."""
    spaced: bool = True
    """Whether positions have a space between characters, as published. Replies may always."""
    elo: int | None = 1200
    """Stockfish's strength as an opponent (see `Stockfish`); None is full strength."""
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 0.1
    """Stockfish's time a move."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """Every reply illegal, and a win."""
        return (-float(self.max_moves + 1), 1.0)

    @property
    def max_replies(self) -> int:
        """One more of each side than `max_moves`."""
        return 2 * (self.max_moves + 1)

    def tasks(self) -> Iterable[ChessTask]:
        """`count` games; they differ by who plays, and by what the players draw."""
        return [msgspec.convert(msgspec.to_builtins(task), ChessTask) for task in super().tasks()]

    def start(self, task: ChessTask) -> str | None:
        """The FEN a task starts from; None is the usual one."""
        return task.fen

    def world(self, task: ChessTask, rng: random.Random) -> ChessWorld:
        """The game of `task`."""
        chess = library()
        start = self.start(task)
        return ChessWorld(
            chess.Board() if start is None else chess.Board(start),
            max_moves=self.max_moves,
            rules=self.rules,
            spaced=self.spaced,
            rng=rng,
        )

    def agents(self) -> dict[str, Callable[..., Any] | Player[play.Seen] | RandomLegal | Stockfish | Mixed]:
        """Players of graded skill, for either side; `solver` is the best of them, and no match for an engine.

        `engines` is Stockfish of another strength in every episode, which made the published data; `mixed` is
        of our own players. `opponent/builtin` is the opponent where no Stockfish is installed.
        """
        players: dict[str, Any] = {"solver": Player("solver", play.Seen, play.careful)}
        for name, skill in SKILLS.items():
            players[name] = Player(name, play.Seen, skilled(skill, play.careful, play.at_random))
        players["mixed"] = Mixed("mixed", [(1, players[name]) for name in ("solver", *SKILLS)])
        players["random"] = RandomLegal()
        # Two plain names are enough for what is checked of every environment with every plain name.
        return {
            "solver": players["solver"],
            "random": players["random"],
            **{f"agent/{name}": players[name] for name in (*SKILLS, "mixed")},
            # Not plain: engines take a time limit, and do not repeat themselves, as plain names promise to.
            "agent/stockfish": self._engine(None),
            "agent/engines": Mixed("engines", [(1, self._engine(elo)) for elo in STRENGTHS]),
            "opponent/builtin": Player("builtin", play.Seen, skilled(0.8, play.greedy, play.at_random)),
            "opponent/stockfish": self._engine(self.elo),
            **{f"opponent/{name}": player for name, player in players.items()},
        }

    def _engine(self, elo: int | None) -> Stockfish:
        return Stockfish("stockfish", elo=elo, seconds=self.seconds)

    def defaults(self) -> Mapping[str, str]:
        """Stockfish plays Black where it is installed, else `builtin`."""
        return {"opponent": "stockfish" if program() else "builtin"}


class Endgames(Chess, kw_only=True, frozen=True):
    """Chess from random positions with a few pieces, in which White ought to win."""

    name: ClassVar[str] = "endgames"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    count: int = 645
    pieces: tuple[str, ...] = ("kQK", "kRK", "kQRK", "kRRK")
    """Setups to draw from, one letter a piece: `k` is Black's king, `K` White's."""

    def __post_init__(self) -> None:
        for setup in self.pieces:
            if setup.count("k") != 1 or setup.count("K") != 1 or set(setup.upper()) - set("KQRBNP"):
                raise ConfigError(
                    f"endgames: setting 'pieces': {setup!r} is no setup: expected one k, one K, and any of "
                    "QRBNP (White) or qrbnp (Black), such as 'kQK'"
                )
        if not self.pieces:
            raise ConfigError("endgames: setting 'pieces': expected at least one setup, such as 'kQK'")

    def start(self, task: ChessTask) -> str:
        """The position of the task's seed; seeds of the test split give positions of it."""
        return task.fen or positions.start(self.pieces, task.seed, test=task.seed >= 1 << 31)

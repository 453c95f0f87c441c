"""Any of our environments as a Gymnasium environment: text in, text out.

    env = GymEnv("wordle")
    observation, info = env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step("slate")

or, registered, `gymnasium.make(register("wordle"))`.
"""

from __future__ import annotations

import asyncio
import contextlib
import string
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from turnwise.engine.seat import Moment, Seat
from turnwise.environment import Environment
from turnwise.errors import ConfigError
from turnwise.limits import Limits
from turnwise.task import Task

try:
    import gymnasium
except ImportError:
    raise ConfigError("turnwise.serving.gymnasium needs Gymnasium: install turnwise[worlds]") from None

T = TypeVar("T")
MOST_CHARACTERS = 10_000_000


class AnyText(gymnasium.spaces.Text):
    """Any text at all; samples are short words of ASCII."""

    def __init__(self, *, seed: Any = None) -> None:
        super().__init__(
            MOST_CHARACTERS, min_length=0, charset=string.ascii_letters + string.digits, seed=seed
        )

    def contains(self, x: Any) -> bool:
        """Whether it is a text."""
        return isinstance(x, str) and len(x) <= self.max_length

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A word of at most 16 characters."""
        if mask is None and probability is None:
            mask = (int(self.np_random.integers(0, 17)), None)
        return super().sample(mask, probability)


class GymEnv(gymnasium.Env[str, str]):
    """One role of an environment, as Gymnasium has it.

    `reset` takes the task and the episode's seed from its own seed, unless `task` is given here or in
    `options` (`{"task": ..., "seed": ...}`). What was said to the role since it last spoke is the
    observation; `info` holds the legal `actions`, where the environment lists them, the `tools` it offers,
    and at the end `stop`, `detail`, the `score` and the `metrics`. What a limit ended is truncated.

    Args:
        environment: A name as on the command line, or the thing itself.
        role: Which; the first by default.
        agents: Who fills the other roles (see `Seat`).
        settings: Of the environment, where it is given by name.
        task: Play this one alone: a task, its id or its place.
        limits: Of each episode.
        render_mode: `ansi` for the environment's picture as text.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self,
        environment: str | Environment,
        role: str | None = None,
        *,
        agents: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        task: Task | str | int | None = None,
        limits: Limits | None = None,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, "ansi"):
            raise ConfigError(f"render_mode: expected None or 'ansi', got {render_mode!r}")
        watch = self._see if render_mode == "ansi" else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._aside: ThreadPoolExecutor | None = None
        self.seat = Seat(environment, role, agents=agents, settings=settings, limits=limits, watch=watch)
        self.observation_space = AnyText()
        self.action_space = AnyText()
        self.render_mode = render_mode
        self._task = None if task is None else self.seat.task(task)
        self._picture: Any = None
        self._said = ""
        self._playing = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Begin an episode, and play until the role is asked."""
        super().reset(seed=seed)
        given = options or {}
        drawn = int(self.np_random.integers(len(self.seat.tasks))) if self._task is None else 0
        number = int(self.np_random.integers(1 << 31))
        if "task" in given:
            task = self.seat.task(given["task"])
        else:
            task = self._task if self._task is not None else self.seat.task(drawn)
        self._picture = None
        moment = self._wait(self.seat.begin(task, int(given.get("seed", number))))
        self._take(moment)
        return self._said, {"task": task.id, **self._info(moment)}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Say something, and play until the role is asked again or the episode is over.

        Raises:
            gymnasium.error.ResetNeeded: no episode is going on.
        """
        if not self._playing:
            raise gymnasium.error.ResetNeeded("call reset() first: no episode is going on")
        moment = self._wait(self.seat.say(str(action)))
        self._take(moment)
        stop = self.seat.episode.stop
        broken_off = moment.over and stop is not None and stop.cut
        return self._said, moment.reward, moment.over and not broken_off, broken_off, self._info(moment)

    def render(self) -> str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """With `render_mode` `ansi`, the environment's picture; what was said last, where it draws none."""
        if self.render_mode is None:
            return None
        return self._said if self._picture is None else drawn(self._picture)

    def close(self) -> None:
        """Give the episode up, and let go of all that is held."""
        if self._loop is not None:
            self._wait(self.seat.close())
            self._loop.close()
            self._loop = None
        if self._aside is not None:
            self._aside.shutdown()
            self._aside = None
        self._playing = False

    def __del__(self) -> None:
        # A script that waits for its next reply would be complained about when it is collected.
        with contextlib.suppress(Exception):
            self.close()

    def _take(self, moment: Moment) -> None:
        self._said = moment.text
        self._playing = not moment.over

    def _see(self, picture: Any) -> None:
        self._picture = picture

    def _info(self, moment: Moment) -> dict[str, Any]:
        info: dict[str, Any] = {}
        if moment.actions is not None:
            info["actions"] = [action.text for action in moment.actions.offer(()).actions]
        if moment.tools:
            info["tools"] = [tool.name for tool in moment.tools]
        if moment.over:
            episode = self.seat.episode
            info |= {
                "stop": str(episode.stop),
                "detail": episode.detail,
                "score": episode.score(self.seat.role),
                "metrics": dict(episode.metrics),
            }
        return info

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the episode's event loop until `work` is done; in a thread where another loop runs here."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._loop.run_until_complete(work)
        if self._aside is None:
            self._aside = ThreadPoolExecutor(1, thread_name_prefix="turnwise")
        return self._aside.submit(self._loop.run_until_complete, work).result()


def register(environment: str, name: str | None = None, *, version: int = 0, **arguments: Any) -> str:
    """Register an environment with Gymnasium.

    Args:
        environment: Its name.
        name: What Gymnasium calls it, without namespace and version.
        version: Of that name.
        **arguments: Of `GymEnv`.

    Returns:
        The id for `gymnasium.make`, e.g. `turnwise/wordle-v0`.
    """
    plain = "".join(mark if mark.isalnum() or mark in "_-" else "-" for mark in name or environment)
    known = f"turnwise/{plain}-v{version}"
    enrol = cast("Any", gymnasium.register)  # pyright: ignore[reportUnknownMemberType]
    enrol(known, entry_point=f"{__name__}:GymEnv", kwargs={"environment": environment, **arguments})
    return known


def drawn(picture: Any) -> str:
    """A picture as text: a board's marks row by row."""
    if isinstance(picture, str):
        return picture
    if not hasattr(picture, "rows"):
        return "[image]"
    rows = ("".join(cell.text for cell in row) for row in picture.rows)
    return "\n".join(line for line in (picture.title, *rows, picture.caption) if line)

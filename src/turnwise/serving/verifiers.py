"""Any of our environments as one of the `verifiers` library, for its evaluations and its trainers.

    vf_env = load_environment("wordle")                      # here, or by the library's own loader:
    vf_env = verifiers.load_environment("turnwise.serving.verifiers", environment="wordle")

The rows of its data set are our tasks. A rollout is an episode in which the model plays one role: the first
prompt is what the script says first, `env_response` is what it says next, tools are offered as the script
offers them and run by it, and each step has the reward that the script gave for it. The reward of a rollout
is the episode's score, its metrics are the episode's.

A prompt holds what was said to the role from the first word on; a script that speaks to it in any order
fits. One thing does not: the library asks one model for one reply at a time, so a script that asks the role
for several replies at once hears them one after the other.

A rollout that the library ends (its `max_turns`) ends the episode as a limit would, and it is scored as it
stands. An episode that failed, or whose verdict is missing, is the library's error and has no reward:
trainers leave such rollouts out.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import randbits
from typing import Any, Literal, cast

from turnwise import wire
from turnwise.engine.seat import Moment, Seat
from turnwise.environment import Environment
from turnwise.environments.adapters import vf_messages
from turnwise.errors import ConfigError, TurnwiseError
from turnwise.limits import Limits

try:
    import verifiers as vf
    from datasets import Dataset
    from verifiers.types import Tool
    from verifiers.utils import message_utils
except ImportError:
    raise ConfigError("turnwise.serving.verifiers needs the library: install turnwise[verifiers]") from None


_dataset = cast("Any", Dataset.from_list)  # pyright: ignore[reportUnknownMemberType]
_message = cast("Any", message_utils.from_raw_message)  # pyright: ignore[reportUnknownMemberType]


class EpisodeRubric(vf.Rubric):
    """The episode's score, with its metrics."""

    def __init__(self) -> None:
        super().__init__(funcs=[score], weights=[1.0])

    async def score_rollout(self, state: Any) -> None:
        """Score one rollout."""
        await super().score_rollout(state)
        state["metrics"] |= state["turnwise"]["metrics"]

    async def score_group(self, states: list[Any]) -> None:
        """Score rollouts of one task."""
        await super().score_group(states)
        for state in states:
            state["metrics"] |= state["turnwise"]["metrics"]


def score(state: Any) -> float:
    """The role's score. The library wants a number, also where there is none and the rollout has an error."""
    return float(state["turnwise"]["score"] or 0.0)


class TurnwiseEnv(vf.MultiTurnEnv):
    """One role of an environment of ours, as `verifiers` has it.

    Args:
        environment: A name as on the command line, or the thing itself.
        role: Which; the first by default.
        agents: Who fills the other roles (see `turnwise.serving.Seat`).
        settings: Of the environment, where it is given by name.
        limit: Most tasks.
        seed: Of all episodes; what is drawn differs by task. `new` for another one each time,
            as training wants it.
        limits: Of each episode.
        **kwargs: Of `verifiers.MultiTurnEnv`: `max_turns`, `system_prompt`, `timeout_seconds` ...
    """

    def __init__(
        self,
        environment: str | Environment,
        role: str | None = None,
        *,
        agents: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        limit: int | None = None,
        seed: int | Literal["new"] = 0,
        limits: Limits | None = None,
        **kwargs: Any,
    ) -> None:
        if seed != "new" and not isinstance(seed, int):
            raise ConfigError(f"seed: expected a whole number or 'new', got {seed!r}")
        self._seat = seat = Seat(environment, role, agents=agents, settings=settings, limits=limits)
        self._seed = seed
        rows = [
            {
                # Replaced by what the script says first, as soon as a rollout begins.
                "prompt": [{"role": "user", "content": task.id}],
                "info": wire.encode(task).decode(),
            }
            for task in seat.tasks.select(limit=limit)
        ]
        begin = cast("Any", super().__init__)  # pyright: ignore[reportUnknownMemberType]
        begin(dataset=_dataset(rows), rubric=EpisodeRubric(), **kwargs)

    async def setup_state(self, state: Any) -> None:
        """Begin the episode, and play until the role is asked."""
        task = wire.from_builtins(dict(state["info"]), self._seat.environment.task_type)
        seat = self._seat.beside()
        state["turnwise_seat"] = seat
        state["turnwise_said"] = 0
        state["turnwise"] = {"score": None, "metrics": {}, "stop": None, "detail": None}
        try:
            moment = await seat.begin(task, self._seed if isinstance(self._seed, int) else randbits(63))
        except TurnwiseError as error:
            raise vf.InfraError(str(error)) from error
        said = self._take(state, moment)
        kept = [message for message in state["prompt"] if message.role == "system"]
        state["prompt"] = [*kept, *said]

    async def env_response(self, messages: Any, state: Any, **kwargs: Any) -> Any:
        """Say the model's reply, and play until the role is asked again or the episode is over."""
        try:
            moment = await state["turnwise_seat"].say(vf_messages.message(messages[-1]))
        except TurnwiseError as error:
            raise vf.InfraError(str(error)) from error
        state["turnwise_said"] += 1
        state["trajectory"][-1]["reward"] = moment.reward
        return self._take(state, moment)

    @vf.cleanup
    async def leave(self, state: Any) -> None:
        """End the episode, if it is not over: as a limit would, or where the rollout failed at once."""
        seat = state.get("turnwise_seat")
        if seat is None:
            return
        if seat.asked and not state.get("error"):
            try:
                await self._finish(state, seat)
            except TurnwiseError as error:
                state["error"] = vf.InfraError(str(error))
            except vf.Error as error:
                state["error"] = error
        await seat.leave()
        del state["turnwise_seat"]

    @vf.teardown
    async def close(self) -> None:
        """Close the models of the other roles."""
        await self._seat.close()

    async def _finish(self, state: Any, seat: Seat) -> None:
        """End the episode of a rollout that is over; its last reply counts, which the library kept back."""
        trajectory, reward = state["trajectory"], 0.0
        if len(trajectory) > state["turnwise_said"]:
            reward += (await seat.say(vf_messages.message(trajectory[-1]["completion"][-1]))).reward
        moment = await seat.stop("the rollout ended") if seat.asked else None
        if moment is not None:
            reward += moment.reward
        if trajectory:
            trajectory[-1]["reward"] = (trajectory[-1]["reward"] or 0.0) + reward
        self._take(state, moment or Moment(messages=(), reward=0.0, over=True))

    def _take(self, state: Any, moment: Moment) -> list[Any]:
        """What was said, in the library's types; how things stand goes into `state`."""
        episode = state["turnwise_seat"].episode
        said = [_message(vf_messages.plain(message)) for message in moment.messages]
        tools = vf_messages.plain_tools(moment.tools)
        state["tool_defs"] = [Tool.model_validate(tool) for tool in tools]
        state["turnwise"] = {
            "score": state["turnwise_seat"].score,
            "metrics": dict(episode.metrics),
            "stop": None if episode.stop is None else str(episode.stop),
            "detail": episode.detail,
        }
        if moment.over:
            if state["turnwise"]["score"] is None:
                raise vf.InfraError(f"a verdict is missing in the episode of task {episode.task.id!r}")
            if episode.stop is not None and episode.stop.cut:
                state["is_truncated"] = True
            state["final_env_response"] = said
        return said


def load_environment(environment: str | Environment, **arguments: Any) -> TurnwiseEnv:
    """What `verifiers.load_environment` calls; arguments as those of `TurnwiseEnv`.

    Raises:
        ConfigError: there is no such environment, role or agent.
    """
    made = TurnwiseEnv(environment, **arguments)
    made.env_id = made.env_id or (environment if isinstance(environment, str) else environment.name)
    return made

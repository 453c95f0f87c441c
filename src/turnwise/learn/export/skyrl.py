"""Turnwise environments under SkyRL, by a generator (its `GeneratorInterface`).

    class Experiment(BasePPOExp):
        def get_generator(self, cfg, tokenizer, inference_engine_client):
            return TurnwiseGenerator(inference_engine_client, tokenizer, "number_guess")

The rows of its data set are made by `rows`. A trajectory is an episode: SkyRL's engine samples token ids
after token ids, the script says what comes between, and the loss mask has 1 for what was sampled alone.
Rewards are given by token: what the script gave for a turn stands at the turn's last token, so that they add
up to the episode's score.

With `step_wise`, an episode whose prompts do not extend one another (a summary, an omission) becomes several
rows, the last of which is marked by `is_last_step`; set SkyRL's `generator.step_wise_trajectories` then, too.
SkyRL takes the last row's reward for that of all of them, so it holds the whole score. Without, such an
episode is refused.

An episode without a score (it failed, a verdict is missing) is played again with another seed, `again` times;
then training stops with its reason, because SkyRL would take any number that stood for it for a reward.

Nothing of SkyRL is imported: its `GeneratorInput`, `GeneratorOutput` and `InferenceEngineInterface.generate`
are dictionaries and one method. What comes out is tested by SkyRL 0.3's own checks, and by its trainer's own
conversion into what it trains on; only the engine that samples is a stand-in. **No weights were trained by
SkyRL with it yet**: that takes its servers, which take a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from turnwise import wire
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.errors import ConfigError
from turnwise.learn.export.stage import Line, Played, Stage, only_line
from turnwise.learn.export.tokens import Answer, TokenModel
from turnwise.model import Request

ENV_CLASS = "turnwise"
"""What `rows` calls the environment; SkyRL asks for a name and leaves it to the generator."""


def rows(environment: str | Environment, *, limit: int | None = None, **stage: Any) -> list[dict[str, Any]]:
    """The rows of a data set for SkyRL, to be written as parquet: one for each task.

    Args:
        environment: A name as on the command line, or the thing itself.
        limit: Most tasks.
        **stage: See `Stage`.

    Raises:
        ConfigError: see `Stage`.
    """
    return [
        {
            # Only a key: what the model is shown is what the script says.
            "prompt": [{"role": "user", "content": task.id}],
            "env_class": ENV_CLASS,
            "task": wire.encode(task).decode(),
        }
        for task in Stage(environment, **stage).chosen(limit)
    ]


class TurnwiseGenerator:
    """A generator of SkyRL that plays a Turnwise environment.

    Args:
        engine: SkyRL's inference engine client.
        tokenizer: Of the policy.
        environment: A name as on the command line, or the thing itself.
        system: A system prompt of the policy's own.
        step_wise: Whether an episode may become several rows.
        again: How often an episode without a score is played anew.
        sampling_params: Of the engine, for calls whose batch brings none.
        model: What the engine knows the policy by, where it has several.
        **stage: See `Stage`: `role`, `agents`, `settings`, `limits`, `concurrency`.

    Raises:
        ConfigError: see `Stage`.
    """

    def __init__(
        self,
        engine: Any,
        tokenizer: Any,
        environment: str | Environment,
        *,
        system: str | None = None,
        step_wise: bool = False,
        again: int = 2,
        sampling_params: Mapping[str, Any] | None = None,
        model: str | None = None,
        **stage: Any,
    ) -> None:
        self._engine = engine
        self._tokenizer = tokenizer
        self._stage = Stage(environment, **stage)
        self._system = system
        self._step_wise = step_wise
        self._again = again
        self._params = None if sampling_params is None else dict(sampling_params)
        self._model = model

    async def generate(self, input_batch: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Play an episode for each prompt, in their order.

        Args:
            input_batch: A `GeneratorInput`; the tasks stand in `env_extras`.

        Returns:
            A `GeneratorOutput`.

        Raises:
            ConfigError: a row holds no task.
            TrainingError: an episode has no score, however often it was played.
            CapabilityError: an episode is more than one row, without `step_wise`.
        """
        count = len(input_batch["prompts"])
        nothing: dict[str, Any] = {}
        extras: Sequence[Mapping[str, Any]] = input_batch.get("env_extras") or [nothing] * count
        tasks = [self._stage.task(_task_of(extra)) for extra in extras]
        names = [_name(one) for one in input_batch.get("trajectory_ids") or [uuid4().hex] * count]
        meta: Any = input_batch.get("batch_metadata")
        step = getattr(meta, "global_step", None)
        # Without a step there is nothing that tells this call from the last one.
        place = uuid4().hex if step is None else f"{step}/{getattr(meta, 'training_phase', '')}"
        params = input_batch.get("sampling_params") or self._params
        generate = _sampler(self._engine, params, self._model)
        policy = TokenModel("skyrl/policy", self._tokenizer, generate)
        agent = Agent(policy, name="policy", system=self._system)
        seeds = [_seed(f"{place}\0{number}\0{name}") for number, name in enumerate(names)]
        played = await self._stage.play(agent, tasks, seeds, again=self._again)
        return self._output(played, input_batch.get("trajectory_ids"))

    def _output(self, played: Sequence[Played], names: Sequence[Any] | None) -> dict[str, Any]:
        lines: list[tuple[Line, Played, int, bool]] = []
        for number, one in enumerate(played):
            mine = _steps(one) if self._step_wise else [only_line(one)]
            lines += [(line, one, number, place == len(mine) - 1) for place, line in enumerate(mine)]
        logprobs = [line.logprobs for line, *_ in lines]
        return {
            "prompt_token_ids": [line.prompt for line, *_ in lines],
            "response_ids": [line.completion for line, *_ in lines],
            "rewards": [line.rewards for line, *_ in lines],
            "loss_masks": [line.mask for line, *_ in lines],
            "rollout_logprobs": None if None in logprobs else logprobs,
            "stop_reasons": ["length" if one.truncated else "stop" for _, one, _, _ in lines],
            "rollout_metrics": _metrics(played),
            "trajectory_ids": None if names is None else [names[number] for _, _, number, _ in lines],
            "is_last_step": [last for *_, last in lines] if self._step_wise else None,
            "env_metrics": [dict(one.log.metrics) if last else {} for _, one, _, last in lines],
        }


def _steps(played: Played) -> list[Line]:
    """An episode's rows, all that they were paid at the end of the last."""
    if len(played.lines) == 1:
        return played.lines
    total = sum(sum(line.rewards) for line in played.lines)
    lines = [line._replace(rewards=[0.0] * len(line.completion)) for line in played.lines]
    lines[-1].rewards[-1] = total
    return lines


def _metrics(played: Sequence[Played]) -> dict[str, float]:
    scores = [one.score for one in played if one.score is not None]
    return {
        "turnwise/score": sum(scores) / len(scores),
        "turnwise/turns": sum(one.turns for one in played) / len(played),
        "turnwise/truncated": sum(one.truncated for one in played) / len(played),
    }


def _task_of(extra: Mapping[str, Any]) -> str:
    task = extra.get("task")
    if not isinstance(task, str):
        raise ConfigError(
            "the row has no task: expected a column `task`, the JSON of a task; make the data set by "
            "turnwise.learn.export.skyrl.rows"
        )
    return task


def _name(trajectory: Any) -> str:
    """What tells a trajectory from the others of a batch."""
    return f"{getattr(trajectory, 'instance_id', trajectory)}_{getattr(trajectory, 'repetition_id', '')}"


def _seed(place: str) -> int:
    return int.from_bytes(blake2b(place.encode(), digest_size=8).digest(), "big") >> 1


def _sampler(engine: Any, params: Mapping[str, Any] | None, model: str | None) -> Any:
    """SkyRL's engine as a function of token ids."""
    sessions: dict[str, str] = {}

    async def generate(prompt: list[int], request: Request) -> Answer:
        session = sessions.setdefault(request.session, uuid4().hex)
        wanted = None if params is None else dict(params)
        if wanted is not None and request.sampling.stop:
            # Where the engine's own defaults hold, the text is cut at a stop string all the same.
            wanted["stop"] = list(request.sampling.stop)
        batch = {"prompt_token_ids": [prompt], "session_ids": [session], "sampling_params": wanted}
        output = await (engine.generate(batch) if model is None else engine.generate(batch, model=model))
        logprobs = output.get("response_logprobs")
        return Answer(
            output["response_ids"][0],
            None if logprobs is None else logprobs[0],
            "length" if output["stop_reasons"][0] == "length" else "stop",
        )

    return generate

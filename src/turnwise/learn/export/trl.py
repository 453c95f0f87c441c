"""Turnwise environments under TRL's `GRPOTrainer`, by its `rollout_func`.

    rollouts = Rollouts("number_guess", max_tokens=8)
    GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        args=GRPOConfig(num_generations=8, ...),
        train_dataset=rollouts.dataset(),
        rollout_func=rollouts,
        reward_funcs=score,
    ).train()

A prompt of the data set is the id of a task; what the model is shown is what the script says. The trainer's
own model plays, in this process: sampling shares the weights with training, so nothing is copied or stale.
Temperature, top-p and top-k are those of the trainer's config, and so is the most tokens of a reply
(`max_completion_length`) unless `max_tokens` says otherwise; how long an episode gets is up to its `limits`.

An episode without a score (it failed, a verdict is missing) is played again with another seed, `again` times;
then its reward is None, and it has no token to learn from. TRL leaves it out of its group's baseline from 1.6
on; an older TRL takes None for 0, so there training stops with the reason.

TRL's other door, `environment_factory`, has TRL itself play, by tool calls alone: see `trl_tools`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.errors import ConfigError
from turnwise.learn.export.loop import Loop
from turnwise.learn.export.stage import Line, Played, Stage, only_line
from turnwise.limits import Limits
from turnwise.model import Sampling
from turnwise.models.options import sdk_of
from turnwise.task import Task, TaskSet


def score(*, score: Sequence[float | None], **_: Any) -> list[float | None]:
    """TRL's reward function: the episodes' scores, as the script gave them."""
    return list(score)


class Rollouts:
    """A `rollout_func` that plays a Turnwise environment.

    Args:
        environment: A name as on the command line, or the thing itself.
        role: Which one the trainer's model plays; the first by default.
        agents: Who fills the other roles.
        settings: Of the environment, where it is given by name.
        tasks: Tasks; by default the environment's own.
        limits: Of each episode.
        system: A system prompt of the policy's own.
        max_tokens: Most tokens of one reply; by default the trainer's `max_completion_length`.
        again: How often an episode without a score is played anew.
        concurrency: Most episodes at a time.
        seed: Of all episodes.

    Raises:
        ConfigError: see `Stage`.
    """

    def __init__(
        self,
        environment: str | Environment,
        role: str | None = None,
        *,
        agents: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        tasks: TaskSet | None = None,
        limits: Limits | None = None,
        system: str | None = None,
        max_tokens: int | None = None,
        again: int = 2,
        concurrency: int = 64,
        seed: int = 0,
    ) -> None:
        self.stage = Stage(
            environment,
            role,
            agents=agents,
            settings=settings,
            tasks=tasks,
            limits=limits,
            concurrency=concurrency,
        )
        self._system = system
        self._max_tokens = max_tokens
        self._again = again
        self._concurrency = concurrency
        self._seed = seed
        self._calls = 0
        self._by_id: dict[str, Task] = {task.id: task for task in self.stage.chosen()}
        self._policy: tuple[Any, Any] | None = None
        """The trainer's network, and the model over it."""
        self._loop = Loop()

    def rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows of a data set for the trainer: one for each task."""
        return [{"prompt": task.id} for task in self.stage.chosen(limit)]

    def dataset(self, limit: int | None = None) -> Any:
        """The rows as a `datasets.Dataset`.

        Raises:
            ConfigError: that library, which comes with TRL, is not installed.
        """
        return sdk_of("trl", "datasets").Dataset.from_list(self.rows(limit))

    def __call__(self, prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
        """Play an episode for each prompt.

        Args:
            prompts: Ids of tasks; TRL has each of them `num_generations` times.
            trainer: The `GRPOTrainer`.

        Returns:
            For each prompt: `prompt_ids`, `completion_ids`, `logprobs` and `env_mask` (see `Line`); `score`,
            which the reward function of this module gives to the trainer; and, for reward functions of your
            own, `turn_rewards` (by turn, in order), `metrics`, `turns`, `truncated` and `stop`.

        Raises:
            ConfigError: a prompt is no task's id, or the trainer does not hold its model in this process.
            TrainingError: no episode has a score, or, before TRL 1.6, one has none.
            CapabilityError: an episode is more than one row.
        """
        tasks = [self._task(prompt) for prompt in prompts]
        network = _network(trainer)
        agent = self._agent(network, trainer)
        seeds = self._seeds(tasks, trainer)
        training = network.training
        network.eval()
        try:
            work = self.stage.play(agent, tasks, seeds, again=self._again, strict=_takes_none_for_zero())
            played = self._loop.wait(work)
        finally:
            network.train(training)
        return _columns(played, empty=_end(trainer))

    def close(self) -> None:
        """Let go of the other roles' models and of the thread that plays."""
        if self._policy is not None:
            self._loop.wait(self._policy[1].close())
        self._loop.wait(self.stage.close())
        self._loop.close()

    def _task(self, prompt: Any) -> Task:
        # A chat's only message, where somebody made the rows so.
        name = prompt if isinstance(prompt, str) else prompt[-1]["content"]
        if name not in self._by_id:
            raise ConfigError(
                f"the prompt {str(name)[:80]!r} is no task of {self.stage.environment.name!r}: expected the "
                f"id of one; make the data set by Rollouts.dataset()"
            )
        return self._by_id[name]

    def _seeds(self, tasks: Sequence[Task], trainer: Any) -> list[int]:
        """A seed for each episode: it follows from the step, so that a resumed training goes on alike."""
        self._calls += 1
        place = f"{self._seed}/{trainer.state.global_step}/{self._calls}/{trainer.accelerator.process_index}"
        copies: Counter[str] = Counter()
        seeds: list[int] = []
        for task in tasks:
            copies[task.id] += 1
            digest = blake2b(f"{place}\0{task.id}\0{copies[task.id]}".encode(), digest_size=8).digest()
            seeds.append(int.from_bytes(digest, "big") >> 1)
        return seeds

    def _agent(self, network: Any, trainer: Any) -> Agent:
        """The trainer's model as an agent, with the weights as they are now."""
        step = str(trainer.state.global_step)
        if self._policy is None or self._policy[0] is not network:
            self._policy = (network, self._model(network, trainer))
        model = self._policy[1]
        with model.changing(step):
            pass
        args = trainer.args
        sampling = Sampling(
            temperature=args.temperature,
            top_p=args.top_p,
            max_tokens=self._max_tokens or args.max_completion_length,
            extra={"top_k": args.top_k} if args.top_k else {},
        )
        return Agent(model, name="policy", system=self._system, sampling=sampling)

    def _model(self, network: Any, trainer: Any) -> Any:
        from turnwise.models.hf.loading import adopt
        from turnwise.models.hf.model import HFModel
        from turnwise.models.hf.options import HFOptions

        options = HFOptions(
            max_batch=self._concurrency,
            keep_thoughts=True,
            lockstep=True,
            # The trainer divides its logits by the temperature, too.
            logprobs="raw" if trainer.args.temperature == 1 else "sampled",
            template_kwargs=dict(getattr(trainer, "chat_template_kwargs", None) or {}),
        )
        return HFModel("policy", options, adopt("hf/policy", network, _tokenizer(trainer)))


def _network(trainer: Any) -> Any:
    """The trainer's network, out of its wrappers.

    Raises:
        ConfigError: its weights are not whole in this process, or somebody else samples.
    """
    for name, attribute in (("vLLM", "use_vllm"), ("FSDP", "is_fsdp_enabled")):
        if getattr(trainer, attribute, False):
            raise ConfigError(
                f"this trainer uses {name}, but the episodes are played by the model in its own process: "
                f"turn {name} off, or train with turnwise.train"
            )
    if getattr(trainer, "is_deepspeed_enabled", False):
        raise ConfigError(
            "this trainer uses DeepSpeed, which may hold the weights in parts: turn it off, or train with "
            "turnwise.train"
        )
    network: Any = trainer.accelerator.unwrap_model(trainer.model)
    # Adapters are put into the network itself, which so samples with them.
    base = getattr(network, "get_base_model", None)
    return network if base is None else base()


def _takes_none_for_zero() -> bool:
    """Whether the TRL that is installed counts a missing reward as 0 in its group, as it did before 1.6."""
    try:
        major, minor = version("trl").split(".")[:2]
    except PackageNotFoundError:
        # Somebody else's trainer of this shape.
        return False
    return (int(major), int(minor)) < (1, 6)


def _tokenizer(trainer: Any) -> Any:
    return getattr(trainer.processing_class, "tokenizer", trainer.processing_class)


def _end(trainer: Any) -> int:
    return int(_tokenizer(trainer).eos_token_id)


def _columns(played: Sequence[Played], *, empty: int) -> dict[str, list[Any]]:
    """What TRL is given of each episode.

    Args:
        played: The episodes.
        empty: Token that stands, masked, for an episode without a score.
    """
    nothing = Line([empty], [empty], [0], [0.0], [0.0])
    columns: dict[str, list[Any]] = {}
    for one in played:
        line = nothing if one.score is None else only_line(one)
        row = {
            "prompt_ids": line.prompt,
            "completion_ids": line.completion,
            "logprobs": line.logprobs,
            "env_mask": line.mask,
            "score": one.score,
            "turn_rewards": line.by_turn(),
            "metrics": dict(one.log.metrics),
            "turns": one.turns,
            "truncated": one.truncated,
            "stop": None if one.log.stop is None else one.log.stop.value,
        }
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return columns

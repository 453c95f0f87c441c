"""What a training is about, found and checked before any weight is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from turnwise.engine import resolve
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.resolve import NONE_GIVEN, Given
from turnwise.environment import Environment
from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn import credit, curriculum, losses
from turnwise.learn.config import TrainConfig, check_choice, check_value, named, parse_training
from turnwise.learn.curriculum import Curriculum, filters
from turnwise.learn.engine import registry as engines
from turnwise.model import Sampling
from turnwise.task import TaskSet

MAIN = "policy"
"""What the policy that a config is about is called among its learners."""
LEAGUE = ("league", "league/pfsp")
"""Names of agents that are past checkpoints of it."""
CORRECTIONS = ("auto", "none", "tis", "icepop", "rejection")
_VALUES = frozenset({"values"})
"""What the trainer can give a credit method."""
_COLUMNS = frozenset({"logprobs", "old", "advantages", "weights", "row", "turn", "entropy"})
"""What it can give a loss."""
_ITS_OWN = frozenset(
    {
        *("roles", "model", "system", "window", "temperature", "max_tokens", "engine"),
        *("credit", "loss", "aggregation", "correction", "kl", "filter"),
        *("epochs", "minibatches", "lr", "weight_decay", "clip", "critic_lr"),
    }
)
"""Keys in which a further learner may differ."""


class Learner(NamedTuple):
    """One policy that is trained: which roles it plays, and how it learns."""

    name: str
    """`policy`, or the role a further one is named after."""
    roles: tuple[str, ...]
    config: TrainConfig
    """The training's, with what is its own."""
    method: credit.Method

    @property
    def agent(self) -> AgentConfig:
        """How it plays."""
        config = self.config
        sampling = Sampling(
            temperature=config.temperature, top_p=1.0, max_tokens=config.max_tokens, extra={"top_k": 0}
        )
        return AgentConfig(use=config.model, system=config.system, sampling=sampling, window=config.window)


class Lesson(NamedTuple):
    """What is played by whom, and who learns from it."""

    config: TrainConfig
    environment: Environment
    tasks: TaskSet
    learners: tuple[Learner, ...]
    """The policy that the config is about first."""
    curriculum: Curriculum
    given: Given

    @property
    def per_step(self) -> int:
        """Most episodes of a step."""
        return self.config.tasks_per_step * self.config.group

    @property
    def run_config(self) -> RunConfig:
        """How its episodes are played, as a run's config."""
        config = self.config
        policies = {role: learner.agent for learner in self.learners for role in learner.roles}
        return RunConfig(
            environment=config.environment,
            settings=config.settings,
            agents={**config.agents, **policies},
            tasks=config.tasks,
            seed=config.seed,
            limits=config.limits,
            concurrency=config.concurrency,
        )


def prepare(config: TrainConfig, given: Given = NONE_GIVEN) -> Lesson:
    """Find everything a config names.

    Raises:
        ConfigError: a name or a setting that does not exist, a method that the environment cannot serve.
    """
    plain = RunConfig(environment=config.environment, settings=config.settings, tasks=config.tasks)
    environment = resolve.environment(plain, given)
    tasks = resolve.tasks(plain, environment, given)
    if config.eval_every:
        settings = {**config.settings, **config.eval_settings}
        resolve.environment(msgspec.structs.replace(plain, settings=settings), given)
    first = curriculum.make(*named(config.curriculum, "curriculum"))
    first.applied(environment)
    learners = [_learner(MAIN, config, config.roles or environment.roles[:1], environment)]
    for name, keys in config.learners.items():
        own = _own(config, name, keys)
        learners.append(_learner(name, own, own.roles, environment))
    _check_seats(config, learners, environment)
    return Lesson(config, environment, tasks, tuple(learners), first, given)


def _own(config: TrainConfig, name: str, keys: Mapping[str, Any]) -> TrainConfig:
    """The config of a further learner: the training's, with its own keys.

    Raises:
        ConfigError: a key that is the whole training's, or does not exist.
    """
    where = f"learners.{name}"
    for key in keys:
        if key not in _ITS_OWN:
            known = key in TrainConfig.__struct_fields__
            near = "; it is the whole training's" if known else did_you_mean(key, _ITS_OWN)
            raise ConfigError(f"{where}.{key}: no key of a learner{near}")
    shared = {key: value for key, value in msgspec.to_builtins(config).items() if key != "learners"}
    return parse_training({**shared, "roles": [name], **keys}, where=where)


def _learner(name: str, config: TrainConfig, roles: Sequence[str], environment: Environment) -> Learner:
    for role in roles:
        resolve.check_role(role, environment)
    return Learner(name, tuple(dict.fromkeys(roles)), config, _checked(config, environment))


def _check_seats(config: TrainConfig, learners: list[Learner], environment: Environment) -> None:
    """Each role is played by one, and there is each.

    Raises:
        ConfigError: naming the first that is not.
    """
    trained: dict[str, str] = {}
    for learner in learners:
        for role in learner.roles:
            if role in trained or role in config.agents:
                other = trained.get(role, "agents")
                raise ConfigError(f"the role {role!r} is played twice: by {other} and by {learner.name}")
            trained[role] = learner.name
    for role in config.agents:
        resolve.check_role(role, environment)


def _checked(config: TrainConfig, environment: Environment) -> credit.Method:
    """The credit method, after a look at it and at everything else that is named."""
    engines.options(config)
    if config.filter is not None:
        filters.get(config.filter)
    chosen, loss = named(config.credit, "credit"), named(config.loss, "loss")
    method = credit.get(chosen.name)
    method.require(environment)
    function = losses.get(loss.name)
    for kind, name, beyond in (
        ("credit method", chosen.name, set(method.takes) - _VALUES),
        ("loss", loss.name, set(losses.inputs(loss.name)) - _COLUMNS),
    ):
        if beyond:
            missing = ", ".join(sorted(beyond))
            raise ConfigError(
                f"{kind} {name!r} must be given {missing}, which the trainer has not; call it from Python"
            )
    _check_options("credit", chosen.options, method.function)
    _check_options("loss", loss.options, function)
    correction = named(config.correction, "correction")
    check_choice("correction", correction.name, CORRECTIONS)
    if correction.name not in ("auto", "none"):
        from turnwise.learn import objective

        _check_options("correction", correction.options, objective.CORRECTIONS[correction.name])
        check_choice("correction.segment", correction.options.get("segment", "row"), ("row", "turn"))
    from turnwise.learn.losses.aggregation import MODES
    from turnwise.learn.losses.over_turn import POLICIES

    added = named(config.aggregation, "aggregation")
    check_choice("aggregation", added.name, MODES)
    _check_known("aggregation", added.options, ["truncated"])
    check_choice("aggregation.truncated", added.options.get("truncated", POLICIES[0]), POLICIES)
    return method


def _check_options(key: str, options: Mapping[str, Any], function: Callable[..., Any]) -> None:
    settings = _settings(function)
    _check_known(key, options, list(settings))
    for name, value in options.items():
        check_value(f"{key}.{name}", value, settings[name])


def _check_known(key: str, options: Mapping[str, Any], known: list[str]) -> None:
    for name in options:
        if name not in known:
            near = did_you_mean(name, known) or (f"; it has {', '.join(known)}" if known else "; it has none")
            raise ConfigError(f"{key}.{name}: unknown key{near}")


def _settings(function: Callable[..., Any]) -> dict[str, Any]:
    """The type of each setting of a function: of what has a default."""
    return {
        parameter.name: parameter.annotation
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty
    }

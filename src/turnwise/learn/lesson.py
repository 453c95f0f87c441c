"""What a training is about, found and checked before any weight is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from turnwise.engine import resolve
from turnwise.engine.resolve import NONE_GIVEN, Given
from turnwise.environment import Environment
from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn import credit, losses
from turnwise.learn.config import TrainConfig
from turnwise.task import TaskSet

_VALUES = frozenset({"values"})
"""What the trainer can give a credit method."""
_COLUMNS = frozenset({"logprobs", "old", "advantages", "weights", "row", "turn", "entropy"})
"""What it can give a loss."""


class Lesson(NamedTuple):
    """What is played by whom, and how it is learned from."""

    config: TrainConfig
    environment: Environment
    tasks: TaskSet
    role: str
    method: credit.Method
    given: Given

    @property
    def per_step(self) -> int:
        """Episodes of a step."""
        return self.config.tasks_per_step * self.config.group


def prepare(config: TrainConfig, given: Given = NONE_GIVEN) -> Lesson:
    """Find everything a config names.

    Raises:
        ConfigError: a name or a setting that does not exist, a method that the environment cannot serve.
    """
    plain = config.run_config(config.role or "")
    environment = resolve.environment(plain, given)
    role = config.role or environment.roles[0]
    if role not in environment.seats:
        near = did_you_mean(role, environment.seats) or f"; it has {', '.join(environment.seats)}"
        raise ConfigError(f"environment {environment.name!r} has no role {role!r}{near}")
    tasks = resolve.tasks(plain, environment, given)
    return Lesson(config, environment, tasks, role, _checked(config, environment), given)


def _checked(config: TrainConfig, environment: Environment) -> credit.Method:
    """The credit method, after a look at it and at the loss."""
    method = credit.get(config.credit)
    method.require(environment)
    loss = losses.get(config.loss)
    for kind, name, beyond in (
        ("credit method", config.credit, set(method.takes) - _VALUES),
        ("loss", config.loss, set(losses.inputs(config.loss)) - _COLUMNS),
    ):
        if beyond:
            missing = ", ".join(sorted(beyond))
            raise ConfigError(
                f"{kind} {name!r} must be given {missing}, which the trainer has not; call it from Python"
            )
    _check_options("credit_options", config.credit_options, method.function)
    _check_options("loss_options", config.loss_options, loss)
    from turnwise.learn.losses.aggregation import MODES

    if config.aggregation not in MODES:
        near = did_you_mean(config.aggregation, MODES) or f"; there are {', '.join(MODES)}"
        raise ConfigError(f"aggregation: there is no {config.aggregation!r}{near}")
    return method


def _check_options(table: str, options: Mapping[str, Any], function: Callable[..., Any]) -> None:
    known = list(_settings(function))
    for key in options:
        if key not in known:
            near = did_you_mean(key, known) or (f"; it has {', '.join(known)}" if known else "; it has none")
            raise ConfigError(f"{table}.{key}: unknown key{near}")


def _settings(function: Callable[..., Any]) -> Iterator[str]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty:
            yield parameter.name

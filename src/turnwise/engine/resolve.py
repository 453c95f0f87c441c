"""From names to things: the environment, its tasks and its agents that a config asks for."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from turnwise import registry
from turnwise.agent import Agent
from turnwise.agents.window import Window
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.gateway import Gateway
from turnwise.environment import Environment
from turnwise.errors import ConfigError, ReplayDivergence, TurnwiseError, did_you_mean
from turnwise.log import EpisodeLog
from turnwise.model import Model, Request, Sample
from turnwise.models.scripted import ScriptedModel
from turnwise.task import TaskSet, load_tasks
from turnwise.unfit import stray, unfit


class Given(NamedTuple):
    """Things made in Python, which a config can only name."""

    environment: Environment | None = None
    tasks: TaskSet | None = None
    agents: Mapping[str, Agent] = {}


NONE_GIVEN = Given()


class Cast(NamedTuple):
    """Who plays: an agent in each role, who did before a fork, and the models behind them by name."""

    agents: dict[str, Agent]
    models: dict[str, Model]
    forebears: tuple[dict[str, Agent], ...] = ()
    """Agents in each role before each place where a fork left its parent."""

    async def close(self) -> None:
        """Close all models."""
        for model in self.models.values():
            await model.close()


class Mute:
    """Stands for a model that will not be asked: a replay's, or that of a fork's forebear."""

    remote = False

    def __init__(self, name: str) -> None:
        self.name = name

    async def sample(self, request: Request) -> Sample:
        """Refuses.

        Raises:
            ReplayDivergence: always.
        """
        raise ReplayDivergence(f"call {request.ordinal} of {self.name} is not recorded")

    async def close(self) -> None:
        """Nothing to let go of."""


def environment(config: RunConfig, given: Given = NONE_GIVEN) -> Environment:
    """The environment, with its settings.

    Raises:
        ConfigError: there is no such environment, or a setting does not fit it.
    """
    if given.environment is not None:
        return given.environment
    found = environment_type(config.environment)
    known = set(found.__struct_fields__)
    for key in config.settings:
        if key not in known:
            near = did_you_mean(key, known) or (f"; it has {', '.join(sorted(known))}" if known else "")
            raise ConfigError(f"environment {found.name!r} has no setting {key!r}{near}")
    slip = stray(config.settings, found)
    if slip is not None:
        raise ConfigError(f"setting {slip[0]!r} of {found.name!r}: {slip[1]}")
    try:
        return msgspec.convert(config.settings, found)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ConfigError):
            raise error.__cause__ from None
        key, reason = unfit(error, found)
        missing = re.search(r"missing required field `(.*?)`", reason)
        if missing and not key:
            raise ConfigError(
                f"environment {found.name!r} needs the setting {missing[1]!r}: give --set {missing[1]}=VALUE"
            ) from None
        raise ConfigError(f"setting {key!r} of {found.name!r}: {reason}") from None


def as_played(log: EpisodeLog, made: Environment) -> Environment:
    """The environment with the settings an episode was played with: a curriculum changes them as it goes.

    Raises:
        ConfigError: they do not fit it any more.
    """
    if log.settings == made.settings():
        return made
    try:
        return msgspec.convert(log.settings, type(made))
    except msgspec.ValidationError as error:
        told = f"environment {made.name!r} does not take the episode's settings"
        raise ConfigError(f"{told}: {error}") from None


def environment_type(name: str) -> type[Environment]:
    """The class of the environment that a config names.

    Raises:
        ConfigError: there is none of this name.
    """
    found = registry.load("environments", name)
    if not (isinstance(found, type) and issubclass(found, Environment)):
        raise ConfigError(f"{name!r} is no environment: expected a subclass of Environment")
    if found.run is Environment.run:
        raise ConfigError(f"environment {found.name!r} defines no run(task, episode)")
    return found


def tasks(config: RunConfig, made: Environment, given: Given = NONE_GIVEN) -> TaskSet:
    """The tasks a run plays.

    Raises:
        TaskError: a row that cannot be used, or an id that is not there.
        ConfigError: there is no task at all.
    """
    if given.tasks is not None:
        whole = given.tasks
    elif config.tasks is None:
        with _foreign(f"the tasks of environment {made.name!r}"):
            whole = TaskSet(made.tasks(), name=made.name)
    else:
        whole = load_tasks(Path(config.tasks), made.task_type)
    chosen = whole.select(limit=config.limit, offset=config.offset, ids=config.ids)
    if not len(chosen):
        raise ConfigError(f"no task to play: {whole.name!r} has {len(whole)}, offset is {config.offset}")
    return chosen


def completed(config: RunConfig, made: Environment, given: Given = NONE_GIVEN) -> RunConfig:
    """`config` with the environment's own choice for each role that nobody was named for."""
    named = {*config.agents, *given.agents}
    chosen = {role: AgentConfig(use=name) for role, name in made.defaults().items() if role not in named}
    return msgspec.structs.replace(config, agents={**config.agents, **chosen}) if chosen else config


def check_role(role: str, made: Environment) -> None:
    """Refuse a role that an environment has not.

    Raises:
        ConfigError: naming the nearest, or all.
    """
    if role not in made.seats:
        near = did_you_mean(role, made.seats) or f"; it has {', '.join(made.seats)}"
        raise ConfigError(f"environment {made.name!r} has no role {role!r}{near}")


def casting(config: RunConfig, made: Environment, given: Given = NONE_GIVEN, *, mute: bool = False) -> Cast:
    """The agents of all roles; remote models behind one gateway each.

    Args:
        config: Names them.
        made: The environment.
        given: Agents made in Python go before what the config names.
        mute: Make no model: for a replay, which asks none.

    Raises:
        ConfigError: a role that nobody fills, or an agent that cannot be made.
    """
    for role in (*config.agents, *given.agents):
        check_role(role, made)
    maker = _Maker(config, made, mute=mute)
    agents = maker.cast(config.agents, given.agents)
    models = dict(maker.models)
    # Who only played before a fork will not be asked again; who still plays is the same agent.
    maker.mute = True
    forebears = tuple(maker.cast(before, {}) for before in config.forebears)
    return Cast(agents, models, forebears)


def is_model(name: str) -> bool:
    """Whether it is `provider/name`, or `provider://name`, of a provider of models."""
    provider, rest = _provider(name)
    return bool(rest) and provider in registry.entries("models")


def _provider(name: str) -> tuple[str, str]:
    """The provider that a model's name begins with, and the rest."""
    at = re.match(r"([a-z]+)://|([^/]*)/", name)
    return ("", "") if at is None else (at[1] or at[2], name[at.end() :])


def model(name: str, config: RunConfig) -> Model | None:
    """The model `provider/name`, behind a gateway if it is remote; None where no provider is so called."""
    if not is_model(name):
        return None
    provider, rest = _provider(name)
    made: Model = registry.load("models", provider)(rest, config.models.get(name, {}))
    if config.prices:
        from turnwise.models.prices import priced

        made = priced(made, config.prices)
    if made.remote:
        made = Gateway(made, config.calls)
    if config.cache is not None:
        from turnwise.models.cached import cached

        made = cached(made, config.cache)
    return made


class _Maker:
    """Makes agents; what is configured alike in one role is made once."""

    def __init__(self, config: RunConfig, made: Environment, *, mute: bool) -> None:
        self.config = config
        self.environment = made
        self.mute = mute
        self.models: dict[str, Model] = {}
        with _foreign(f"the agents of environment {made.name!r}"):
            self._own = made.agents()
        self._made: list[tuple[str, AgentConfig, Agent]] = []

    def cast(self, wanted: Mapping[str, AgentConfig], given: Mapping[str, Agent]) -> dict[str, Agent]:
        """An agent in each role that has one."""
        made = self.environment
        agents: dict[str, Agent] = {}
        for role in made.seats:
            if role in given:
                agents[role] = given[role]
                if role in wanted:
                    self._made.append((role, wanted[role], given[role]))
                if not self.mute:
                    self.models[f"{role}:{given[role].name}"] = given[role].model
            elif role in wanted:
                agents[role] = self._agent(role, wanted[role])
            elif role in made.roles:
                names = ", ".join([*self._names(role), "openai/MODEL"])
                flag = "NAME" if role == made.roles[0] else f"{role}=NAME"
                raise ConfigError(f"nobody fills the role {role!r}: give --agent {flag} (e.g. {names})")
        return agents

    def _agent(self, role: str, wanted: AgentConfig) -> Agent:
        for known_role, known, agent in self._made:
            if (known_role, known) == (role, wanted):
                return agent
        agent = self._make(role, wanted)
        self._made.append((role, wanted, agent))
        return agent

    def _names(self, role: str) -> dict[str, Any]:
        """The environment's own agents for a role: `role/name`, and plain names for the first role."""
        first = role == self.environment.seats[0]
        plain = {name: make for name, make in self._own.items() if first and "/" not in name}
        mine = {
            name.partition("/")[2]: make for name, make in self._own.items() if name.startswith(f"{role}/")
        }
        return plain | mine

    def _make(self, role: str, wanted: AgentConfig) -> Agent:
        name = wanted.use
        make: Callable[..., Agent] = Agent
        if registry.scheme("agents", name) is not None:
            # A scaffold, and behind the colon who thinks in it.
            make = registry.family("agents", name)
            found = self._model(role, name.partition(":")[2])
            found = found.model if isinstance(found, Agent) else found
        else:
            found = self._model(role, name)
        if isinstance(found, Agent):
            return found
        return make(
            found,
            name=name,
            system=wanted.system,
            context=None if wanted.window is None else Window(wanted.window),
            sampling=wanted.sampling,
            max_tool_rounds=wanted.max_tool_rounds,
        )

    def _model(self, role: str, name: str) -> Model | Agent:
        own = self._names(role)
        if self.mute and (is_model(name) or ":" not in name):
            scaffold = as_agent(own[name], name) if name in own else None
            # What an agent does over its model's calls is part of the episode; its model is not asked.
            return scaffold if isinstance(scaffold, Agent) else Mute(name)
        key = name if name not in own else f"{role}/{name}"
        if key in self.models:
            return self.models[key]
        if name in own:
            found = as_agent(own[name], name)
        else:
            found = model(name, self.config) or _other(role, name, own)
        if not self.mute:
            self.models[key] = found.model if isinstance(found, Agent) else found
        return found


def _other(role: str, name: str, own: Mapping[str, Any]) -> Model | Agent:
    """A registered agent, or what a place in a file holds."""
    if ":" not in name and name not in registry.entries("agents"):
        known = [*own, *registry.entries("agents"), *(f"{p}/MODEL" for p in registry.entries("models"))]
        near = did_you_mean(name, known) or f"; known: {', '.join([*known, 'file.py:NAME'])}"
        raise ConfigError(f"unknown agent {name!r} for the role {role!r}{near}")
    found: Any = registry.load("agents", name)
    if isinstance(found, type) or (inspect.isfunction(found) and not inspect.signature(found).parameters):
        with _foreign(f"agent {name!r}"):
            found = found()
    return as_agent(found, name)


@contextmanager
def _foreign(what: str) -> Generator[None]:
    """Around code that is not ours: what it raises becomes one line with the place.

    Raises:
        ConfigError: in place of any error but a `TurnwiseError`.
    """
    try:
        yield
    except TurnwiseError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{what} cannot be made: {last.filename}:{last.lineno}: {reason}") from error


def told_apart(agents: Mapping[str, Any]) -> tuple[dict[str, AgentConfig], dict[str, Agent]]:
    """Agents as a config names them, and those that were made in Python."""
    named: dict[str, AgentConfig] = {}
    given: dict[str, Agent] = {}
    for role, agent in agents.items():
        if isinstance(agent, str):
            named[role] = AgentConfig(use=agent)
        elif isinstance(agent, AgentConfig):
            named[role] = agent
        else:
            name = str(getattr(agent, "name", None) or getattr(agent, "__name__", "script"))
            found = as_agent(agent, name)
            given[role] = found if isinstance(found, Agent) else Agent(found)
            named[role] = AgentConfig(use=given[role].name)
    return named, given


def as_agent(found: Any, name: str) -> Model | Agent:
    """What Python code gave as an agent: an `Agent`, a model, or a script.

    Raises:
        ConfigError: it is none of these.
    """
    if isinstance(found, Agent) or hasattr(found, "sample"):
        return found
    if callable(found) or isinstance(found, (list, tuple)):
        return ScriptedModel(cast("Any", found), name)
    raise ConfigError(
        f"agent {name!r}: expected an Agent, a Model, a function of the messages or of (task, rng), or a "
        f"list of lines; got {type(found).__name__}"
    )

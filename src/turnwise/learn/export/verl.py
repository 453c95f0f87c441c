"""Turnwise environments under verl, by an agent loop.

verl makes agent loops by the names in a YAML file (`actor_rollout_ref.rollout.agent.agent_loop_config_path`);
everything but the first two keys is passed on to `Stage`:

    - name: turnwise
      _target_: turnwise.learn.export.verl.TurnwiseAgentLoop
      environment: number_guess
      settings: {horizon: 5}

The rows of its data set are made by `rows`. A rollout is an episode: verl's server samples token ids after
token ids, the script says what comes between, and the response mask has 1 for what was sampled alone. The
reward of a rollout is the episode's score.

An episode without a score (it failed, a verdict is missing) is played again with another seed, `again` times;
then training stops with its reason, because verl would take any number that stood for it for a reward.

`TurnwiseAgentLoop` is made when it is first asked for, so that nothing here needs verl before. It is tested
under the worker of verl 0.9 itself (`AgentLoopWorker.generate_sequences`), by a YAML file as above, up to the
padded batch that verl trains on; only the server that samples is a stand-in. **No weights were trained by
verl with it yet**: that takes its servers, which take a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from time import perf_counter
from typing import Any, cast
from uuid import uuid4

import msgspec

from turnwise import wire
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.errors import ConfigError, ModelError
from turnwise.learn.export.stage import Played, Stage, only_line
from turnwise.learn.export.tokens import Answer, TokenModel
from turnwise.limits import Limits
from turnwise.model import Request
from turnwise.models.options import sdk_of

AGENT_NAME = "turnwise"
"""What `rows` calls the agent loop."""


def rows(
    environment: str | Environment, *, settings: Mapping[str, Any] | None = None, **stage: Any
) -> list[dict[str, Any]]:
    """The rows of a data set for verl, to be written as parquet: one for each task.

    Args:
        environment: A name as on the command line, or the thing itself.
        settings: Of the environment.
        **stage: See `Stage`; `limit`, the most tasks.

    Raises:
        ConfigError: see `Stage`.
    """
    limit = stage.pop("limit", None)
    made = Stage(environment, settings=settings, **stage)
    return [
        {
            "data_source": f"turnwise/{made.environment.name}",
            # Only a key: what the model is shown is what the script says.
            "prompt": [{"role": "user", "content": task.id}],
            "agent_name": AGENT_NAME,
            "reward_model": {"style": "rule", "ground_truth": ""},
            "extra_info": {"index": index, "task": wire.encode(task).decode()},
        }
        for index, task in enumerate(made.chosen(limit))
    ]


@cache
def _stage(options: str) -> Stage:
    """The stage of these options: verl makes an agent loop for each rollout, which share it."""
    given = msgspec.json.decode(options)
    if "limits" in given:
        given["limits"] = msgspec.convert(given["limits"], Limits)
    return Stage(**given)


def _loop_type() -> type[Any]:
    """The class, over verl's own.

    Raises:
        ConfigError: verl is not installed.
    """
    library: Any = sdk_of("verl", "verl.experimental.agent_loop.agent_loop")

    class TurnwiseAgentLoop(library.AgentLoopBase):
        """An agent loop of verl that plays a Turnwise environment.

        Args:
            *args: verl's own.
            environment: Its name.
            system: A system prompt of the policy's own.
            max_tokens: Most tokens of one reply; by default what is left of the response.
            again: How often an episode without a score is played anew.
            **kwargs: verl's own; and `Stage`'s role, agents, settings, limits, concurrency as plain values.
        """

        def __init__(
            self,
            *args: Any,
            environment: str,
            system: str | None = None,
            max_tokens: int | None = None,
            again: int = 2,
            **kwargs: Any,
        ) -> None:
            names = ("role", "agents", "settings", "limits", "concurrency")
            options = {"environment": environment} | {
                name: kwargs.pop(name) for name in names if kwargs.get(name) is not None
            }
            cast("Any", super().__init__)(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
            self._stage = _stage(msgspec.json.encode(options, enc_hook=_plain, order="sorted").decode())
            self._system = system
            self._max_tokens = max_tokens
            self._again = again

        async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> Any:
            """Play the episode of a row; gives an `AgentLoopOutput`."""
            rollout = self.config.actor_rollout_ref.rollout
            task = self._stage.task(_task_of(kwargs))
            servers = _Servers(self.server_manager, sampling_params, rollout, self._max_tokens)
            template: Any = getattr(self, "apply_chat_template_kwargs", None) or {}
            model = TokenModel("verl/policy", self.tokenizer, servers.generate, template=template)
            agent = Agent(model, name="policy", system=self._system)
            # A new draw each time: verl asks for each row several times, and says not which copy it is.
            seed = int.from_bytes(blake2b(uuid4().bytes, digest_size=8).digest(), "big") >> 1
            (played,) = await self._stage.play(agent, [task], [seed], again=self._again)
            return library.AgentLoopOutput(**_output(played, servers, int(rollout.response_length)))

    TurnwiseAgentLoop.__module__ = __name__
    TurnwiseAgentLoop.__qualname__ = "TurnwiseAgentLoop"
    return TurnwiseAgentLoop


def __getattr__(name: str) -> Any:
    if name != "TurnwiseAgentLoop":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = _loop_type()
    return made


def _plain(value: Any) -> Any:
    """What a YAML file gave, as plain values."""
    return dict(value) if hasattr(value, "items") else list(value)


def _task_of(row: Mapping[str, Any]) -> str:
    info: Any = row.get("extra_info")
    if not isinstance(info, Mapping) or not isinstance(info.get("task"), str):  # pyright: ignore[reportUnknownMemberType]
        raise ConfigError(
            "the row has no task: expected extra_info.task, the JSON of a task; make the data set by "
            "turnwise.learn.export.verl.rows"
        )
    return info["task"]  # pyright: ignore[reportUnknownVariableType]


class _Servers:
    """verl's servers as a function of token ids, for one rollout.

    Args:
        servers: verl's client of them.
        params: How to sample.
        rollout: `actor_rollout_ref.rollout` of the config.
        max_tokens: Most tokens of one reply, beside what is left of the response.
    """

    def __init__(self, servers: Any, params: Mapping[str, Any], rollout: Any, max_tokens: int | None) -> None:
        self._servers = servers
        self._params = params
        self._rollout = rollout
        self._max_tokens = max_tokens
        self._sessions: dict[str, tuple[str, int]] = {}
        self._told: list[Mapping[str, Any]] = []
        self.seconds = 0.0
        """How long they took."""

    async def generate(self, prompt: list[int], request: Request) -> Answer:
        """Sample.

        Raises:
            ModelError: the prompt is too long for the config, or the servers broke off.
        """
        if request.session not in self._sessions:
            self._check(prompt)
            self._told.clear()
        # One id a conversation sends all its turns to the server that has its past.
        name, first = self._sessions.setdefault(request.session, (uuid4().hex, len(prompt)))
        left = max(1, int(self._rollout.response_length) - (len(prompt) - first))
        most = left if self._max_tokens is None else min(left, self._max_tokens)
        wanted = {**self._params, "max_tokens": most}
        if request.sampling.stop:
            wanted["stop"] = list(request.sampling.stop)
        began = perf_counter()
        output = await self._servers.generate(request_id=name, prompt_ids=prompt, sampling_params=wanted)
        self.seconds += perf_counter() - began
        if getattr(output, "stop_reason", None) == "aborted":
            raise ModelError("verl's servers broke the reply off", kind="aborted")
        self._told.append(getattr(output, "extra_fields", None) or {})
        return Answer(
            output.token_ids, output.log_probs, "length" if len(output.token_ids) >= most else "stop"
        )

    @property
    def versions(self) -> dict[str, int]:
        """The oldest and the newest weights that sampled, where that is told: verl bounds staleness by it."""
        found: dict[str, int] = {}
        for name, chosen in (("min_global_steps", min), ("max_global_steps", max)):
            known = [int(told[name]) for told in self._told if told.get(name) is not None]
            if known:
                found[name] = chosen(known)
        return found

    def _check(self, prompt: list[int]) -> None:
        most = getattr(self._rollout, "prompt_length", None)
        if most is not None and len(prompt) > int(most):
            raise ModelError(
                f"the first prompt has {len(prompt)} tokens, rollout.prompt_length is {most}: give data a "
                f"greater max_prompt_length",
                kind="context_length",
            )


def _output(played: Played, servers: _Servers, response_length: int) -> dict[str, Any]:
    """The fields of an `AgentLoopOutput`; as verl's own loops do, a response is cut at its most tokens."""
    line = only_line(played)
    return {
        "prompt_ids": line.prompt,
        "response_ids": line.completion[:response_length],
        "response_mask": line.mask[:response_length],
        "response_logprobs": None if line.logprobs is None else line.logprobs[:response_length],
        "reward_score": played.score,
        "num_turns": played.turns,
        "metrics": {"generate_sequences": servers.seconds},
        "extra_fields": {
            **servers.versions,
            "turn_scores": line.by_turn(),
            "truncated": played.truncated,
            "turnwise_metrics": dict(played.log.metrics),
        },
    }

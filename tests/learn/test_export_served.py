"""Episodes for verl and SkyRL. Their servers, which take a GPU, are played by stand-ins.

verl's own classes are tested where it is installed, and else stand-ins of their shapes (the worker itself in
`test_export_verl.py`); what SkyRL's own code makes of our output, in `test_export_skyrl.py`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest

pytest.importorskip("transformers", reason="needs pip install 'turnwise[learn,local]'")
pytest.importorskip("renderers", reason="needs pip install 'turnwise[learn,local]'")

from toys import FORGETFUL, NEWLINE, tokenizer

import turnwise.learn.export.verl as exported
from turnwise import Environment, Episode, Task
from turnwise.agent import Agent
from turnwise.errors import CapabilityError, ConfigError
from turnwise.learn.engine.protocol import TrainingError
from turnwise.learn.export import skyrl, verl

END = "<|im_end|>"
FIRST = "<|im_start|>user\nGo on.<|im_end|>\n<|im_start|>assistant\n"
BETWEEN = "\n<|im_start|>user\nAnd on.<|im_end|>\n<|im_start|>assistant\n"


class Paid(Environment, frozen=True, kw_only=True):
    """Two turns, paid 1 and 2; `lost` always fails, and `shaky` every first time it is played."""

    name = "paid"

    def tasks(self) -> list[Task]:
        return [Task(id=name) for name in ("fine", "lost", "shaky")]

    async def run(self, task: Task, episode: Episode) -> None:
        PLAYED.append(task.id)
        for says, worth in (("Go on.", 1.0), ("And on.", 2.0)):
            reply = await episode.agent.respond(says)
            if task.id == "lost" or (task.id == "shaky" and PLAYED.count("shaky") == 1):
                raise OSError("the disk is gone")
            episode.reward(worth, turn=reply)
        episode.metric("letters", len(reply.text))


PLAYED: list[str] = []
HERE = f"{__name__}:Paid"


@pytest.fixture(autouse=True)
def _anew() -> None:
    PLAYED.clear()


class Server:
    """Says numbers, each token with a log-probability of its own, and keeps what it was asked."""

    def __init__(self, said: str = "the dog", told: bool = True) -> None:
        self.ids = tokenizer().encode(said + END, add_special_tokens=False)
        self.told = told
        self.asked: list[tuple[str, list[int], Any]] = []
        self.reasons: list[str] = []

    def answer(self, session: str, prompt: list[int], params: Any) -> tuple[list[int], list[float] | None]:
        self.asked.append((session, list(prompt), params))
        logprobs = [-float(len(self.asked)) - place / 16 for place in range(len(self.ids))]
        return list(self.ids), logprobs if self.told else None


class Engine(Server):
    """SkyRL's inference engine, as far as generators use it."""

    async def generate(self, batch: dict[str, Any], model: str | None = None) -> dict[str, Any]:
        (prompt,), (session,) = batch["prompt_token_ids"], batch["session_ids"]
        ids, logprobs = self.answer(session, prompt, batch["sampling_params"])
        return {
            "responses": [tokenizer().decode(ids[:-1])],
            "response_ids": [ids],
            "stop_reasons": ["stop"],
            "response_logprobs": None if logprobs is None else [logprobs],
        }


class Servers(Server):
    """verl's server manager, as far as agent loops use it."""

    async def generate(
        self, request_id: str, *, prompt_ids: list[int], sampling_params: dict[str, Any]
    ) -> SimpleNamespace:
        ids, logprobs = self.answer(request_id, prompt_ids, dict(sampling_params))
        steps = {"min_global_steps": len(self.asked), "max_global_steps": len(self.asked)}
        reason = self.reasons[len(self.asked) - 1] if len(self.asked) <= len(self.reasons) else "completed"
        return SimpleNamespace(token_ids=ids, log_probs=logprobs, stop_reason=reason, extra_fields=steps)


class Output(msgspec.Struct, kw_only=True):
    """verl's `AgentLoopOutput`."""

    prompt_ids: list[int]
    response_ids: list[int]
    response_mask: list[int]
    response_logprobs: list[float] | None = None
    reward_score: float | None = None
    num_turns: int = 0
    metrics: dict[str, Any]
    extra_fields: dict[str, Any] = {}


class LoopBase:
    """verl's `AgentLoopBase`."""

    def __init__(
        self,
        trainer_config: Any,
        server_manager: Any,
        tokenizer: Any,
        processor: Any,
        dataset_cls: Any,
        data_config: Any,
        hf_model_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        assert set(kwargs) <= {"tools"}
        self.config = trainer_config.config
        self.server_manager = server_manager
        self.tokenizer = tokenizer
        self.apply_chat_template_kwargs = data_config.config.get("apply_chat_template_kwargs", {})


@pytest.fixture(params=["stand-in", "verl"])
def loop_type(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The agent loop, over a stand-in of verl's base class or over that itself."""
    if request.param == "verl":
        pytest.importorskip("verl.experimental.agent_loop.agent_loop", reason="needs pip install verl ray")
    else:
        names = ("verl", "verl.experimental", "verl.experimental.agent_loop")
        for name in names:
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        module: Any = ModuleType(f"{names[-1]}.agent_loop")
        module.AgentLoopBase, module.AgentLoopOutput = LoopBase, Output
        monkeypatch.setitem(sys.modules, module.__name__, module)
    yield exported.TurnwiseAgentLoop
    del exported.TurnwiseAgentLoop


def loop_of(
    loop_type: Any, servers: Servers, *, response_length: int = 100, prompt_length: int = 100, **options: Any
) -> Any:
    """The loop as verl's worker makes it."""
    rollout = SimpleNamespace(response_length=response_length, prompt_length=prompt_length)
    config = SimpleNamespace(actor_rollout_ref=SimpleNamespace(rollout=rollout))
    given = {
        "trainer_config": SimpleNamespace(config=config),
        "server_manager": servers,
        "tokenizer": tokenizer(),
        "processor": None,
        "dataset_cls": None,
        "data_config": SimpleNamespace(config={}),
        "hf_model_type": None,
        "tools": SimpleNamespace(tools=[]),
    }

    async def made() -> Any:
        # verl asks for the event loop.
        return loop_type(**given, environment=HERE, **options)

    return asyncio.run(made())


def row_of(task: str) -> dict[str, Any]:
    return next(row for row in verl.rows(HERE) if row["prompt"][0]["content"] == task)


def test_verl_is_given_what_was_sampled(loop_type: Any) -> None:
    servers = Servers()
    loop = loop_of(loop_type, servers, max_tokens=9)
    out = asyncio.run(loop.run({"temperature": 0.7, "logprobs": True}, **row_of("fine")))
    count = len(servers.ids)
    between = tokenizer().encode(BETWEEN, add_special_tokens=False)
    assert tokenizer().decode(out.prompt_ids) == FIRST
    assert out.response_ids == [*servers.ids, *between, *servers.ids]
    assert out.response_mask == [1] * count + [0] * len(between) + [1] * count
    assert out.response_logprobs[0] == -1.0
    assert out.response_logprobs[count : count + len(between)] == [0.0] * len(between)
    assert out.response_logprobs[count + len(between)] == -2.0
    assert (out.reward_score, out.num_turns) == (3.0, 4)
    assert out.extra_fields == {
        "min_global_steps": 1,
        "max_global_steps": 2,
        "turn_scores": [1.0, 2.0],
        "truncated": False,
        "turnwise_metrics": {"letters": 7.0},
    }
    (one, first, params), (two, second, _) = servers.asked
    assert one == two
    assert second == first + servers.ids + between
    assert params == {"temperature": 0.7, "logprobs": True, "max_tokens": 9}


def test_a_response_is_cut_at_its_most_tokens(loop_type: Any) -> None:
    servers = Servers(told=False)
    loop = loop_of(loop_type, servers, response_length=len(Servers().ids) + 2)
    out = asyncio.run(loop.run({}, **row_of("fine")))
    assert len(out.response_ids) == len(out.response_mask) == len(servers.ids) + 2
    assert out.response_mask[-2:] == [0, 0]
    assert out.response_logprobs is None
    assert [params["max_tokens"] for *_, params in servers.asked] == [len(servers.ids) + 2, 1]


def test_what_failed_is_played_again_and_never_a_zero(loop_type: Any) -> None:
    loop = loop_of(loop_type, Servers(), again=1)
    assert asyncio.run(loop.run({}, **row_of("shaky"))).reward_score == 3.0
    assert PLAYED == ["shaky"] * 2
    with pytest.raises(TrainingError, match="1 of 1 episodes gave nothing to learn from: OSError: the disk"):
        asyncio.run(loop.run({}, **row_of("lost")))
    assert PLAYED.count("lost") == 2


def test_what_the_servers_broke_off_is_no_reply(loop_type: Any) -> None:
    servers = Servers()
    servers.reasons = ["completed", "aborted"]
    loop = loop_of(loop_type, servers, again=1)
    out = asyncio.run(loop.run({}, **row_of("fine")))
    # The first call of the second try is the third of all.
    assert out.response_logprobs[0] == -3.0
    assert out.extra_fields["min_global_steps"] == 3


def test_a_prompt_that_is_too_long_for_verl_is_one_line(loop_type: Any) -> None:
    loop = loop_of(loop_type, Servers(), prompt_length=8, again=0)
    with pytest.raises(TrainingError, match=r"the first prompt has \d+ tokens, rollout.prompt_length is 8"):
        asyncio.run(loop.run({}, **row_of("fine")))


def test_a_row_without_a_task_is_one_line(loop_type: Any) -> None:
    loop = loop_of(loop_type, Servers())
    with pytest.raises(ConfigError, match=r"the row has no task: expected extra_info\.task"):
        asyncio.run(loop.run({}, extra_info={"index": 3}))
    with pytest.raises(ConfigError, match="this is no task of 'paid'"):
        asyncio.run(loop.run({}, extra_info={"task": "{"}))


def test_without_verl_there_is_a_line_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "verl", None)
    for name in [name for name in sys.modules if name.startswith("verl.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match="needs verl"):
        _ = exported.TurnwiseAgentLoop
    assert not hasattr(exported, "SomethingElse")


def batch_of(*tasks: str, **more: Any) -> dict[str, Any]:
    rows = {row["prompt"][0]["content"]: row for row in skyrl.rows(HERE)}
    chosen = [rows[task] for task in tasks]
    return {
        "prompts": [row["prompt"] for row in chosen],
        "env_classes": [row["env_class"] for row in chosen],
        "env_extras": [{"task": row["task"]} for row in chosen],
        "sampling_params": {"temperature": 1.0},
        "trajectory_ids": [
            SimpleNamespace(instance_id=str(number), repetition_id=0) for number in range(len(tasks))
        ],
        **more,
    }


def test_skyrl_is_given_what_was_sampled() -> None:
    engine = Engine()
    generator = skyrl.TurnwiseGenerator(engine, tokenizer(NEWLINE), HERE)
    batch = batch_of("fine", "shaky")
    out = asyncio.run(generator.generate(batch))
    count, between = len(engine.ids), tokenizer().encode(BETWEEN, add_special_tokens=False)
    size = 2 * count + len(between)
    for number in range(2):
        assert tokenizer().decode(out["prompt_token_ids"][number]) == FIRST
        assert out["response_ids"][number] == [*engine.ids, *between, *engine.ids]
        assert out["loss_masks"][number] == [1] * count + [0] * len(between) + [1] * count
        paid = [0.0] * size
        paid[count - 1], paid[-1] = 1.0, 2.0
        assert out["rewards"][number] == paid
        assert len(out["rollout_logprobs"][number]) == size
    assert out["trajectory_ids"] == batch["trajectory_ids"]
    assert out["is_last_step"] is None
    assert out["stop_reasons"] == ["stop", "stop"]
    assert out["env_metrics"] == [{"letters": 7.0}] * 2
    assert out["rollout_metrics"] == {
        "turnwise/score": 3.0,
        "turnwise/turns": 4.0,
        "turnwise/truncated": 0.0,
    }
    # Two turns of two episodes, each in a session of its own, and a first try that failed.
    sessions = [session for session, *_ in engine.asked]
    assert sorted(sessions.count(one) for one in set(sessions)) == [1, 2, 2]


def test_an_engine_that_tells_no_log_probabilities() -> None:
    generator = skyrl.TurnwiseGenerator(Engine(told=False), tokenizer(), HERE)
    assert asyncio.run(generator.generate(batch_of("fine")))["rollout_logprobs"] is None


class Brief:
    """Shows the last message alone, so that no prompt extends another."""

    async def view(self, role: Any) -> Any:
        return role.history[-1:]


class Forgetting(Environment, frozen=True, kw_only=True):
    """A role that is told something else each time, in a view of its own."""

    name = "forgetting"

    def tasks(self) -> list[Task]:
        return [Task(id="fine")]

    async def run(self, task: Task, episode: Episode) -> None:
        for worth in (1.0, 2.0):
            episode.reward(worth, turn=await episode.agent.respond(f"Now {worth}."))


def test_an_episode_of_several_rows_is_refused_or_made_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown_the_last(*given: Any, **options: Any) -> Agent:
        return Agent(*given, **options, context=Brief())

    monkeypatch.setattr(skyrl, "Agent", shown_the_last)
    batch = {"prompts": [[]], "env_extras": [{"task": '{"id":"fine"}'}]}
    engine = Engine()
    refused = skyrl.TurnwiseGenerator(engine, tokenizer(FORGETFUL), Forgetting())
    with pytest.raises(CapabilityError, match="the episode of task 'fine' has 2 rows"):
        asyncio.run(refused.generate(batch))
    stepped = skyrl.TurnwiseGenerator(engine, tokenizer(FORGETFUL), Forgetting(), step_wise=True)
    out = asyncio.run(stepped.generate(batch))
    assert out["response_ids"] == [engine.ids, engine.ids]
    assert [sum(one) for one in out["rewards"]] == [0.0, 3.0]
    assert out["rewards"][1][-1] == 3.0
    assert out["is_last_step"] == [False, True]

"""A server samples for the local engine: what it tells is what the trained weights say, after each push.

The servers are recorded protocols over real weights (`servers`): nothing here has been tried with vLLM or
SGLang themselves.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import lessons  # noqa: E402
import servers  # noqa: E402
import torch  # noqa: E402

from turnwise.agent import Agent  # noqa: E402
from turnwise.episode import Episode  # noqa: E402
from turnwise.errors import ConfigError, ModelError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.protocol import TrainingError  # noqa: E402
from turnwise.learn.engine.sampling.served import ServedPolicy  # noqa: E402
from turnwise.learn.journal import read_log  # noqa: E402
from turnwise.learn.rows import batch_of  # noqa: E402
from turnwise.log import EpisodeLog  # noqa: E402
from turnwise.message import user  # noqa: E402
from turnwise.model import Request, Sampling  # noqa: E402
from turnwise.models.policy import CallPolicy  # noqa: E402
from turnwise.task import Task  # noqa: E402

KINDS = {"vllm": servers.VLLM, "sglang": servers.SGLang}
PROMPT = [3, 50, 60, 0, 4]


@pytest.fixture(scope="module")
def base(tmp_path_factory: Any) -> Path:
    """What the servers serve before anything is pushed: the same network with other weights."""
    folder = tmp_path_factory.mktemp("base")
    tiny.save(folder, hidden=16, heads=2, seed=1)
    return folder


@pytest.fixture(scope="module")
def same(tmp_path_factory: Any) -> Path:
    """The network that is trained."""
    folder = tmp_path_factory.mktemp("same")
    tiny.save(folder, hidden=16, heads=2)
    return folder


@pytest.fixture(params=["vllm", "sglang"])
def server(request: Any, base: Path) -> Iterator[Any]:
    with KINDS[request.param](base) as made:
        yield made


def kind_of(server: Any) -> Any:
    return "vllm" if isinstance(server, servers.VLLM) else "sglang"


def engine(at: Any, **options: Any) -> LocalEngine:
    given = {"max_tokens": 6, "device": "cpu", "sampler": kind_of(at), "server": at.url}
    made = LocalEngine(
        tiny.policy(hidden=16, heads=2), tiny.tokenizer(), options=LocalOptions(**(given | options))
    )
    assert isinstance(made.policy, ServedPolicy)
    made.policy.calls = CallPolicy(backoff_seconds=0.0, attempts=3)
    return made


async def logs_of(made: LocalEngine, count: int = 3, temperature: float = 1.0) -> list[EpisodeLog]:
    agent = Agent(made.policy, sampling=Sampling(temperature=temperature))
    episodes = [Episode(lessons.Letters(), Task(id=str(n)), {"agent": agent}, seed=n) for n in range(count)]
    await asyncio.gather(*(episode.play() for episode in episodes))
    return [episode.log() for episode in episodes]


def play(made: LocalEngine, **more: Any) -> list[EpisodeLog]:
    async def go() -> list[EpisodeLog]:
        try:
            return await logs_of(made, **more)
        finally:
            await made.close()

    return asyncio.run(go())


def learn(made: LocalEngine, batch: Batch, lr: float = 0.05) -> None:
    made.forward_backward(batch, lambda scored: (scored.logprobs * torch.sin(1.0 + scored.places)).sum())
    made.optim_step(lr=lr, clip=1.0)


def mismatch(made: LocalEngine, batch: Batch) -> float:
    """By how much the trained weights disagree with what the server told of its samples."""
    return float(np.abs(made.forward_backward(batch, None).logprobs - batch.logprobs[batch.sampled]).max())


@pytest.mark.parametrize("lora", [None, 4])
def test_what_the_server_tells_is_what_the_trained_weights_say_after_each_push(
    server: Any, same: Path, lora: int | None
) -> None:
    if lora is not None:
        pytest.importorskip("peft")
        server.network = servers.Network(same)
    made = engine(server, lora=lora)
    assert not made.exact
    for version in range(3):
        batch = batch_of(play(made)).batch
        assert mismatch(made, batch) < 1e-4
        assert set(batch.turn_version) == {version}
        learn(made, batch)
        assert mismatch(made, batch) > 1e-2, "without a push the two differ"
        stale = batch_of(play(made)).batch
        assert mismatch(made, stale) > 1e-2
        assert set(stale.turn_version) == {version}, "and say so"
        made.sync(version + 1)


def test_prompts_extend_what_was_sampled_token_for_token(server: Any) -> None:
    made = engine(server)
    for log in play(made):
        first, second = log.calls
        assert second.parent == first.n, "its prompt begins with the first one and its sample"
        assert second.added_ids
        assert len(second.logprobs or ()) == len(second.sampled_ids or ()) > 0
    built = batch_of(play(made))
    assert not built.report.breaks, "two turns are one row"
    path = "/v1/completions" if isinstance(server, servers.VLLM) else "/generate"
    for _, body in (said for said in server.said if said[0] == path):
        assert all(isinstance(token, int) for token in body.get("prompt") or body["input_ids"])


def test_a_policy_samples_after_token_ids_too(server: Any) -> None:
    made = engine(server)

    async def go() -> Any:
        drawn = await made.sample(PROMPT, Sampling(temperature=1.0, max_tokens=4), count=3)
        await made.close()
        return drawn

    drawn = asyncio.run(go())
    assert len(drawn) == 3
    assert all(0 < len(one.tokens) == len(one.logprobs) <= 4 for one in drawn)


def test_a_sample_keeps_the_version_it_began_with(server: Any) -> None:
    made = engine(server)
    release = server.lock

    async def go() -> Any:
        request = Request(messages=[user("a")], sampling=Sampling(temperature=1.0))
        with release:
            asked = asyncio.create_task(made.policy.sample(request))
            await asyncio.sleep(0.05)
            pushing = asyncio.create_task(asyncio.to_thread(made.sync, 7))
            await asyncio.sleep(0.05)
        early = await asked
        await pushing
        late = await made.policy.sample(request)
        await made.close()
        return early.version, late.version

    assert asyncio.run(go()) == ("0", "7")


@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_push_that_fails_half_way_stops_everything_until_one_succeeds(server: Any, where: int) -> None:
    steps = {
        "vllm": ["/pause", "/collective_rpc", "/reset_prefix_cache"],
        "sglang": ["/pause_generation", "/update_weights_from_disk", "/update_weights_from_disk"],
    }

    def break_down(body: Any) -> Any:
        raise servers.Refusal(500, "out of memory")

    def refuse(body: Any) -> Any:
        raise servers.Refusal(400, "shape mismatch")

    made = engine(server)
    server.faults = {steps[kind_of(server)][where]: [refuse if where == 2 else break_down]}
    with pytest.raises(TrainingError, match=r"weights of version 1 did not reach the .* server.*checkpoint"):
        made.sync(1)
    failed = play(made)
    assert all("push of version 1 failed" in (log.error.message if log.error else "") for log in failed)
    made.sync(1)
    assert mismatch(made, batch_of(play(made)).batch) < 1e-4


def test_a_restarted_server_is_noticed(server: Any, base: Path) -> None:
    made = engine(server)

    def hang_up(body: Any) -> Any:
        raise ConnectionAbortedError

    server.network = servers.Network(base)
    server.weights = "default"
    server.faults = {"/v1/completions": [hang_up]}
    (log, *_) = play(made)
    assert log.error is not None
    assert "restarted" in log.error.message


def test_a_restarted_vllm_has_no_adapters(same: Path) -> None:
    pytest.importorskip("peft")
    with servers.VLLM(same) as server:
        made = engine(server, lora=2)
        server.network = servers.Network(same)
        (log, *_) = play(made)
    assert log.error is not None
    assert "no longer has the adapter of version 0" in log.error.message


def test_a_broken_connection_alone_does_not_matter(server: Any) -> None:
    made = engine(server)

    def hang_up(body: Any) -> Any:
        raise ConnectionAbortedError

    server.faults = {"/v1/completions": [hang_up], "/generate": [hang_up]}
    assert mismatch(made, batch_of(play(made)).batch) < 1e-4


def test_older_adapters_are_dropped_once_nobody_can_name_them(server: Any, same: Path) -> None:
    pytest.importorskip("peft")
    server.network = servers.Network(same)
    made = engine(server, lora=2)
    for version in range(1, 6):
        made.sync(version)
    left = [name for name in server.network.adapters if name != "model"]
    assert [name.rpartition("-")[2] for name in left] == ["3", "4", "5"]


def test_no_server_is_one_line_before_training(server: Any) -> None:
    with pytest.raises(ConfigError, match=r"sampler .* needs `server`, such as http"):
        engine(server, server=None)
    with pytest.raises(ConfigError, match=r"server: expected an address such as http.*got 'localhost:8000'"):
        engine(server, server="localhost:8000")
    with pytest.raises(ConfigError, match=r"no .* server: .* cannot reach http://127.0.0.1:9"):
        engine(server, server="http://127.0.0.1:9")


def test_a_server_of_another_kind_is_refused(base: Path) -> None:
    with servers.VLLM(base) as server, pytest.raises(ConfigError, match="is no SGLang server"):
        engine(server, sampler="sglang")
    with servers.SGLang(base) as server, pytest.raises(ConfigError, match="is no vLLM server"):
        engine(server, sampler="vllm")


def test_a_server_of_another_size_is_refused(server: Any, tmp_path: Path) -> None:
    tiny.save(tmp_path, hidden=32, heads=2)
    server.network = servers.Network(tmp_path)
    with pytest.raises(ConfigError, match="weights of version 0 did not reach"):
        engine(server)


def test_a_server_of_another_base_under_the_adapters_is_refused(server: Any, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    torch.manual_seed(0)
    other = tiny.policy(hidden=16, heads=2, seed=1)
    with torch.no_grad():
        other.lm_head.weight.normal_(std=1.0)
    other.save_pretrained(tmp_path)
    server.network = servers.Network(tmp_path)
    with pytest.raises(ConfigError, match="log-probabilities differ from the trained model's by"):
        engine(server, lora=2)


def test_log_probabilities_of_another_temperature_are_refused(base: Path) -> None:
    module = tiny.policy(hidden=16, heads=2)
    with torch.no_grad():
        module.lm_head.weight.normal_(std=1.0)
    with servers.VLLM(base) as server:
        options = LocalOptions(device="cpu", sampler="vllm", server=server.url, temperature=0.4, max_tokens=6)
        with pytest.raises(ConfigError, match="--logprobs-mode processed_logprobs"):
            LocalEngine(module, tiny.tokenizer(), options=options)
        server.raw = False
        made = LocalEngine(module, tiny.tokenizer(), options=options)
        assert mismatch(made, batch_of(play(made, temperature=0.4)).batch) < 1e-4


def test_a_server_that_gives_no_token_ids_is_refused(server: Any) -> None:
    server.ids = False
    with pytest.raises(ConfigError, match="returns no token ids"):
        engine(server)


@pytest.mark.parametrize("flags", [{"dev": False}, {"lora": False}])
def test_what_vllm_must_be_started_with_is_said(same: Path, flags: dict[str, bool]) -> None:
    with servers.VLLM(same) as server:
        for name, value in flags.items():
            setattr(server, name, value)
        lora = None if "dev" in flags else 2
        hint = "VLLM_SERVER_DEV_MODE=1" if lora is None else "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"
        with pytest.raises(ConfigError, match=f"start it with {hint}"):
            engine(server, lora=lora)


def test_older_servers_will_do(base: Path) -> None:
    with servers.SGLang(base) as server:
        server.old = True
        made = engine(server)
        assert mismatch(made, batch_of(play(made)).batch) < 1e-4
    with servers.VLLM(base) as server:
        server.remembers = False
        made = engine(server)
        assert mismatch(made, batch_of(play(made)).batch) < 1e-4


def test_a_checkpoint_reaches_the_server(server: Any, tmp_path: Path) -> None:
    made = engine(server)
    learn(made, batch_of(play(made)).batch)
    made.sync(3)
    made.save(tmp_path / "here")
    other = engine(server)
    other.load(tmp_path / "here")
    batch = batch_of(play(other)).batch
    assert mismatch(other, batch) < 1e-4
    assert mismatch(made, batch) < 1e-4
    assert set(batch.turn_version) == {3}


def test_a_shorter_context_of_the_server_is_kept_to(server: Any) -> None:
    server.network.context = 12
    made = engine(server, max_tokens=6)
    prompt = PROMPT * 2

    async def go() -> Any:
        drawn = await made.sample(prompt, Sampling(temperature=1.0, max_tokens=6))
        with pytest.raises(ModelError, match="the model takes 12 with its answer"):
            await made.sample(prompt + PROMPT, Sampling(temperature=1.0))
        await made.close()
        return drawn

    (drawn,) = asyncio.run(go())
    assert len(drawn.tokens) <= 2


@pytest.mark.parametrize("more", [{}, {"lag": 1}])
def test_a_whole_training_samples_at_the_server(server: Any, tmp_path: Path, more: dict[str, int]) -> None:
    tiny.save(tmp_path / "base", hidden=16, heads=2)
    at = {"name": "local", "device": "cpu", "sampler": kind_of(server), "server": server.url}
    wanted = lessons.config(tmp_path, engine=at, lr=1e-2, steps=3, **more)
    run = lessons.run(wanted, tmp_path / "store.db")
    assert run.status == "done"
    lines = read_log(tmp_path / "out")
    assert len(lines) == 3
    versions = [{call.version for call in log.calls} for log in run.logs()]
    assert set.union(*versions) == {str(step) for step in range(3 - len(more))}
    if not more:
        assert max(line["mismatch"] for line in lines) < 1e-4


class Transfer:
    """Stands in for vLLM's trainer side: the calls of a round, and tensors that go from hand to hand."""

    def __init__(self, server: Any) -> None:
        self.server = server
        outer = self

        class Sender:
            def __init__(self, init_info: Any, client: Any, source: Any) -> None:
                self.client, self.source = client, source
                outer.info = init_info

            def send_weights(self) -> None:
                for path in ("/start_weight_update", "/update_weights", "/finish_weight_update"):
                    outer.server.said.append((path, {}))
                outer.server.network.model.load_state_dict(dict(self.source.items()), strict=False)

        package = ModuleType("vllm.distributed.weight_transfer")
        package.WeightTransferTrainerFactory = type("Factory", (), {"trainer_init": staticmethod(Sender)})
        package.HTTPVLLMWeightSyncClient = str
        package.ModuleSource = lambda module: dict(module.named_parameters())
        engine = ModuleType("vllm.distributed.weight_transfer.nccl_engine")
        engine.NCCLTrainerInitInfo = dict
        self.modules = {
            "vllm": ModuleType("vllm"),
            "vllm.distributed": ModuleType("vllm.distributed"),
            package.__name__: package,
            engine.__name__: engine,
        }


def test_nccl_goes_through_vllms_own_trainer_side(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.VLLM(base) as server:
        transfer = Transfer(server)
        for name, module in transfer.modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        made = engine(server, push="nccl")
        assert transfer.info["world_size"] == 3, "two workers, and the trainer"
        assert transfer.info["rank"] == 0
        assert transfer.info["master_address"] == "127.0.0.1"
        learn(made, batch_of(play(made)).batch)
        server.said.clear()
        made.sync(1)
        assert server.paths() == [
            "/pause",
            "/start_weight_update",
            "/update_weights",
            "/finish_weight_update",
            "/reset_prefix_cache",
            "/update_weight_version",
            "/resume",
        ]
        assert mismatch(made, batch_of(play(made)).batch) < 1e-4


def test_nccl_goes_through_sglangs_own_process_group(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.SGLang(base) as server:
        joined: list[dict[str, Any]] = []
        sent: list[torch.Tensor] = []

        def join(**how: Any) -> str:
            joined.append(how)
            return "group"

        def broadcast(tensor: torch.Tensor, *, src: int, group: Any) -> None:
            assert (src, group) == (0, "group")
            sent.append(tensor.clone())

        utils = ModuleType("sglang.srt.utils")
        utils.init_custom_process_group = join
        for module in (ModuleType("sglang"), ModuleType("sglang.srt"), utils):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(torch.distributed, "broadcast", broadcast)
        server.sent = sent
        made = engine(server, push="nccl")
        (how,) = joined
        (told,) = (body for path, body in server.said if path == "/init_weights_update_group")
        assert how["world_size"] == told["world_size"] == 3
        assert (how["rank"], told["rank_offset"]) == (0, 1)
        assert how["group_name"] == told["group_name"]
        assert how["init_method"] == f"tcp://{told['master_address']}:{told['master_port']}"
        learn(made, batch_of(play(made)).batch)
        sent.clear()
        made.sync(1)
        assert mismatch(made, batch_of(play(made)).batch) < 1e-4
        assert len(joined) == 1, "one group for all rounds"


def test_nccl_needs_the_servers_library_here(server: Any, same: Path) -> None:
    with pytest.raises(ConfigError, match=f"push 'nccl' needs {kind_of(server)}"):
        engine(server, push="nccl")
    pytest.importorskip("peft")
    with pytest.raises(ConfigError, match="adapters go by 'disk'"):
        engine(server, push="nccl", lora=2)

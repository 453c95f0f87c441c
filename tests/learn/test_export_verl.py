"""verl's own worker plays our agent loop, by its own config, up to the batch that it trains on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

for needed in ("verl.experimental.agent_loop.agent_loop", "hydra", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn,local]' verl ray")

import numpy as np  # noqa: E402
from hydra import compose, initialize_config_module  # noqa: E402
from toys import tiny  # noqa: E402
from verl.experimental.agent_loop.agent_loop import AgentLoopWorker  # noqa: E402
from verl.protocol import DataProto  # noqa: E402

from turnwise.learn.export import verl  # noqa: E402

SETTINGS = {"low": 1, "high": 3, "max_turns": 2}
LOOPS = """
- name: turnwise
  _target_: turnwise.learn.export.verl.TurnwiseAgentLoop
  environment: number_guess
  settings: {low: 1, high: 3, max_turns: 2}
"""


class Server:
    """Guesses 2, with a log-probability for each token."""

    def __init__(self) -> None:
        self.ids: list[int] = tiny.tokenizer().encode("2<|im_end|>", add_special_tokens=False)
        self.params: dict[str, Any] = {}

    async def generate(
        self, request_id: str, *, prompt_ids: list[int], sampling_params: dict[str, Any]
    ) -> SimpleNamespace:
        self.params = sampling_params
        steps = {"min_global_steps": 7, "max_global_steps": 7}
        logprobs = [-0.5] * len(self.ids)
        return SimpleNamespace(
            token_ids=list(self.ids), log_probs=logprobs, stop_reason="completed", extra_fields=steps
        )


def column(rows: list[dict[str, Any]], key: str) -> Any:
    values = np.empty(len(rows), dtype=object)
    values[:] = [row[key] for row in rows]
    return values


def test_the_worker_of_verl_makes_a_batch_of_our_episodes(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "model")
    (tmp_path / "loops.yaml").write_text(LOOPS)
    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose(
            "ppo_trainer",
            overrides=[
                f"actor_rollout_ref.model.path={folder}",
                f"actor_rollout_ref.rollout.agent.agent_loop_config_path={tmp_path / 'loops.yaml'}",
                "actor_rollout_ref.rollout.name=vllm",
                "actor_rollout_ref.rollout.prompt_length=96",
                "actor_rollout_ref.rollout.response_length=64",
                "actor_rollout_ref.rollout.temperature=0.75",
                "actor_rollout_ref.rollout.calculate_log_probs=True",
            ],
        )
    server = Server()
    rows = verl.rows("number_guess", settings=SETTINGS, limit=6)
    batch = DataProto(
        batch=None,
        non_tensor_batch={"raw_prompt": column(rows, "prompt")}
        | {key: column(rows, key) for key in rows[0] if key != "prompt"},
        meta_info={"global_steps": 7},
    )

    async def played() -> Any:
        return await AgentLoopWorker(config, server).generate_sequences(batch)

    out = asyncio.run(played())
    assert server.params["temperature"] == 0.75
    assert server.params["logprobs"] is True
    scores = out.batch["rm_scores"].sum(1).tolist()
    # Two of the three numbers are not 2, and saying it again is no better.
    assert set(scores) == {0.0, 1.0}
    for number, score in enumerate(scores):
        sampled = out.batch["responses"][number][out.batch["response_mask"][number] == 1]
        assert sampled.tolist() == server.ids * (1 if score else 2)
        logprobs = out.batch["rollout_log_probs"][number]
        assert (logprobs == -0.5).int().tolist() == out.batch["response_mask"][number].tolist()
        mask = out.batch["attention_mask"][number]
        text = tiny.tokenizer().decode(out.batch["input_ids"][number][mask == 1])
        assert text.startswith("<|im_start|>user\nI think of a whole number from 1 to 3.")
        assert text.endswith("<|im_start|>assistant\n2<|im_end|>")
        assert out.batch["position_ids"][number][mask == 1].tolist() == list(range(int(mask.sum())))
    assert out.non_tensor_batch["min_global_steps"].tolist() == [7] * 6
    assert [sum(turns) for turns in out.non_tensor_batch["turn_scores"]] == scores

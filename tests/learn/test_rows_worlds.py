"""Every registered environment: played by a model and scored by the same weights, nothing has moved.

The ratio of the probability that training gives a sampled token, in its row, to the one it was sampled with
is 1, whatever the environment does to the conversation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import turnwise
from turnwise import registry
from turnwise.agent import Agent
from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch
from turnwise.learn.pack import pack
from turnwise.learn.rows import batch_of
from turnwise.model import Sampling
from turnwise.models.hf import connect

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn,local]'")

import torch  # noqa: E402
from toys import tiny, tokenizer  # noqa: E402

NAMES = sorted(registry.entries("environments"))
assert NAMES
LIMITS = {"turns": 5, "seconds": 20}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tiny.save(tmp_path_factory.mktemp("llama"), max_position_embeddings=1 << 15)
    return connect(folder, {"max_tokens": 6, "max_wait_ms": 0})


def rescored(model: Any, batch: Batch, *, share: bool) -> Any:
    """Log-probability of each sampled token in its row, as a trainer computes it."""
    found = np.zeros(len(batch.ids))
    longest = int(np.diff(batch.row_start).max())
    for line in pack(batch, max(longest, 2048), share=share):
        tokens, slots = line.targets(batch, batch.sampled)
        mask = torch.zeros(len(line.ids), len(line.ids))
        mask.masked_fill_(~torch.tensor(line.mask()), torch.finfo(torch.float32).min)
        with torch.no_grad():
            logits = model.network(
                input_ids=torch.tensor(line.ids, dtype=torch.long)[None],
                position_ids=torch.tensor(line.position)[None],
                attention_mask=mask[None, None],
                use_cache=False,
            ).logits[0, torch.tensor(slots)]
        told = logits.log_softmax(-1).gather(-1, torch.tensor(batch.ids[tokens], dtype=torch.long)[:, None])
        found[tokens] = told[:, 0].numpy()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_ratio_is_one_in_every_environment(name: str, model: Any, tmp_path: Path) -> None:
    kind = registry.load("environments", name)
    # A model of texts is shown texts.
    texts = {"observation": "text"} if "observation" in kind.__struct_fields__ else {}
    environment = kind(**texts)
    mine = [role for role in environment.roles if role not in environment.defaults()]
    agent = Agent(model, sampling=Sampling(temperature=1.0))
    try:
        run = turnwise.run(
            environment,
            agents=dict.fromkeys(mine, agent),
            limit=2,
            limits=LIMITS,
            store=tmp_path / "runs.db",
        )
        logs = list(run.logs())
    except ConfigError as error:
        if "install" not in str(error):
            raise
        pytest.skip(f"{name} does not run here: {error}")
    assert [log.error.message for log in logs if log.error is not None] == []
    # Whatever its score: this is about tokens.
    logs = [msgspec.structs.replace(log, rewards=()) for log in logs]
    batch, report = batch_of(logs, roles=mine)
    calls = [call for log in logs for call in log.calls if call.role in mine]
    assert len(batch.turn_row) == len(calls) > 0, report
    assert batch.sampled.sum() == sum(len(call.sampled_ids or ()) for call in calls)
    for share in (False, True):
        moved = rescored(model, batch, share=share)[batch.sampled] - batch.logprobs[batch.sampled]
        assert np.exp(moved) == pytest.approx(np.ones(len(moved)), abs=1e-5)


def test_tokens_encoded_again_are_found_out(model: Any, tmp_path: Path) -> None:
    """The same check fails for rows in which the text was encoded anew."""
    agent = Agent(model, sampling=Sampling(temperature=1.0))
    run = turnwise.run("number_guess", agent, limit=4, limits=LIMITS, store=tmp_path / "runs.db")
    batch = batch_of(run).batch
    ids = batch.ids.copy()
    changed = 0
    for turn in range(len(batch.turn_row)):
        mine = np.flatnonzero(batch.turn == turn)
        again = tokenizer().encode(tokenizer().decode(ids[mine].tolist()), add_special_tokens=False)
        if again != ids[mine].tolist():
            size = min(len(again), len(mine))
            ids[mine[:size]] = again[:size]
            changed += 1
    assert changed
    moved = rescored(model, msgspec.structs.replace(batch, ids=ids), share=False) - batch.logprobs
    assert np.abs(np.exp(moved[batch.sampled]) - 1).max() > 0.01

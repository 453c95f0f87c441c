"""SkyRL's own code takes what our generator gives: its checks, and its trainer's conversion into tensors."""

from __future__ import annotations

import asyncio
import sys
import typing
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import typing_extensions

pytest.importorskip("renderers", reason="needs pip install 'turnwise[learn,local]'")
# SkyRL 0.3 says it runs on Python 3.11, but pydantic takes its typed dictionaries only from 3.12 on.
TYPED = typing_extensions.TypedDict if sys.version_info < (3, 12) else typing.TypedDict
with patch.object(typing, "TypedDict", TYPED):
    for needed in ("skyrl.train.generators.base", "skyrl.train.trainer"):
        pytest.importorskip(needed, reason="needs pip install skyrl ray, with what its trainer imports")

from skyrl.backends.skyrl_train.inference_servers.base import InferenceEngineInterface  # noqa: E402
from skyrl.train.config.config import SkyRLTrainConfig  # noqa: E402
from skyrl.train.generators.base import BatchMetadata, GeneratorInput, TrajectoryID  # noqa: E402
from skyrl.train.trainer import RayPPOTrainer  # noqa: E402
from skyrl.train.utils.trainer_utils import validate_generator_output  # noqa: E402
from test_export_served import FIRST, HERE, Brief, Engine, Forgetting  # noqa: E402
from toys import FORGETFUL, tokenizer  # noqa: E402

from turnwise.agent import Agent  # noqa: E402
from turnwise.learn.export import skyrl  # noqa: E402


class Served(Engine, InferenceEngineInterface):  # type: ignore[misc]
    """An engine of SkyRL's type, of which a generator uses one method."""


Served.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]


def batch_of(rows: list[dict[str, Any]], copies: int) -> GeneratorInput:
    """As SkyRL's trainer prepares it."""
    several = [row for row in rows for _ in range(copies)]
    return GeneratorInput(
        prompts=[row["prompt"] for row in several],
        env_classes=[row["env_class"] for row in several],
        env_extras=[{"task": row["task"]} for row in several],
        sampling_params={"temperature": 1.0},
        trajectory_ids=[
            TrajectoryID(str(row), copy)
            for row, copy in ((n // copies, n % copies) for n in range(len(several)))
        ],
        batch_metadata=BatchMetadata(global_step=3, training_phase="train"),
    )


def converted(out: Any, *, step_wise: bool) -> Any:
    """What SkyRL's trainer makes of a generator's output, by its own method."""
    config = SkyRLTrainConfig()
    uids = [one.instance_id for one in out["trajectory_ids"]]
    config.trainer.train_batch_size = config.trainer.policy_mini_batch_size = len(set(uids))
    config.generator.n_samples_per_prompt = len(uids) // len(set(uids))
    config.generator.step_wise_trajectories = step_wise
    trainer = SimpleNamespace(
        cfg=config,
        tokenizer=tokenizer(),
        all_metrics={},
        dispatch=SimpleNamespace(get_lcm_dp_size=lambda: 1),
    )
    return RayPPOTrainer.convert_to_training_input(trainer, out, uids)


def test_skyrl_trains_on_what_was_sampled() -> None:
    engine = Served()
    generator = skyrl.TurnwiseGenerator(engine, tokenizer(), HERE)
    row = next(row for row in skyrl.rows(HERE) if "fine" in row["task"])
    batch = batch_of([row], copies=2)
    out = asyncio.run(generator.generate(batch))
    validate_generator_output(2, out)
    data = converted(out, step_wise=False)
    for number in range(2):
        whole = data["sequences"][number][data["attention_mask"][number] == 1]
        assert tokenizer().decode(whole).startswith(FIRST)
        width = data["loss_mask"].shape[1]
        sampled = data["sequences"][number][-width:][data["loss_mask"][number] == 1]
        assert sampled.tolist() == engine.ids * 2
        # Paid at the last token of each turn.
        paid = data["rewards"][number][data["loss_mask"][number] == 1].tolist()
        nothing = [0.0] * (len(engine.ids) - 1)
        assert paid == [*nothing, 1.0, *nothing, 2.0]
        told = data["rollout_logprobs"][number]
        assert ((told != 0) == (data["loss_mask"][number] == 1)).all()


def test_skyrl_takes_an_episode_of_several_rows_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown_the_last(*given: Any, **options: Any) -> Agent:
        return Agent(*given, **options, context=Brief())

    monkeypatch.setattr(skyrl, "Agent", shown_the_last)
    generator = skyrl.TurnwiseGenerator(Served(), tokenizer(FORGETFUL), Forgetting(), step_wise=True)
    out = asyncio.run(generator.generate(batch_of(skyrl.rows(Forgetting()), copies=2)))
    validate_generator_output(2, out, step_wise=True)
    data = converted(out, step_wise=True)
    assert data["rewards"].sum(1).tolist() == [0.0, 3.0, 0.0, 3.0]
    assert data.metadata["is_last_step"] == [False, True, False, True]

"""TRL trains a tiny model on a Turnwise environment, through its own trainer."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn,local]'")

import torch  # noqa: E402

sys.path.append(str(Path(__file__).parents[1] / "models"))

import tiny  # noqa: E402
import turnwise.learn.export.trl as exported  # noqa: E402
from turnwise import Environment, Episode, Task  # noqa: E402
from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn.engine.protocol import TrainingError  # noqa: E402
from turnwise.learn.export.trl import Rollouts, score  # noqa: E402

CONFIG = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "max_completion_length": 6}


class Judged(Environment, frozen=True, kw_only=True):
    """Two turns, paid by the length of the reply; `lost` fails, and `unjudged` has no verdict."""

    name = "judged"

    def tasks(self) -> list[Task]:
        return [Task(id=name) for name in ("fine", "lost", "unjudged")]

    async def run(self, task: Task, episode: Episode) -> None:
        for says in ("Go on.", "And on."):
            reply = await episode.agent.respond(says)
            if task.id == "lost":
                raise OSError("the disk is gone")
            episode.reward(None if task.id == "unjudged" else 1.0 + reply.index, turn=reply)


@pytest.fixture
def loaded(tmp_path: Path) -> tuple[Any, Any]:
    import transformers

    folder = tiny.save(tmp_path / "model")
    return (
        transformers.AutoModelForCausalLM.from_pretrained(folder),
        transformers.AutoTokenizer.from_pretrained(folder),
    )


def trainer_of(loaded: tuple[Any, Any], **changes: Any) -> Any:
    """As much of a trainer as rollouts look at."""
    model, tokenizer = loaded
    return SimpleNamespace(
        model=model,
        processing_class=tokenizer,
        args=SimpleNamespace(**CONFIG),
        state=SimpleNamespace(global_step=0),
        accelerator=SimpleNamespace(unwrap_model=lambda model: model, process_index=0),
        **changes,
    )


def test_what_the_trainer_is_given_is_what_was_sampled(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    model.train()
    rollouts = Rollouts(Judged(), concurrency=4)
    out = rollouts(["fine"] * 3, trainer_of(loaded))
    assert model.training
    # The replies are entries 1 and 3 of the conversation.
    assert out["turn_rewards"] == [[2.0, 4.0]] * 3
    assert out["score"] == [6.0] * 3
    rollouts.close()
    assert len({tuple(ids) for ids in out["completion_ids"]}) == 3
    model.eval()
    for prompt, completion, mask, told in zip(
        out["prompt_ids"], out["completion_ids"], out["env_mask"], out["logprobs"], strict=True
    ):
        assert tokenizer.decode(prompt) == "<|im_start|>user\nGo on.<|im_end|>\n<|im_start|>assistant\n"
        between = [token for token, one in zip(completion, mask, strict=True) if not one]
        assert "<|im_start|>user\nAnd on.<|im_end|>\n<|im_start|>assistant\n" in tokenizer.decode(between)
        with torch.no_grad():
            logits = model(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1]
        found = logits.log_softmax(-1).gather(1, torch.tensor(completion)[:, None])[:, 0]
        want = [a if one else 0.0 for a, one in zip(found.tolist(), mask, strict=True)]
        assert told == pytest.approx(want, abs=1e-4)


def test_what_has_no_score_is_no_zero(loaded: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    rollouts = Rollouts(Judged(), again=1)
    monkeypatch.setattr(exported, "version", lambda name: "1.6.0")
    out = rollouts(["fine", "lost", "unjudged"], trainer_of(loaded))
    assert out["score"][1:] == [None, None]
    assert score(**out)[0] is not None
    assert [sum(mask) for mask in out["env_mask"][1:]] == [0, 0]
    assert all(len(ids) >= 1 for key in ("prompt_ids", "completion_ids") for ids in out[key])
    with pytest.raises(
        TrainingError, match=r"2 of 2 episodes gave nothing to learn from: .*the disk is gone"
    ):
        rollouts(["lost", "lost"], trainer_of(loaded))
    # An older TRL would take None for 0.
    monkeypatch.setattr(exported, "version", lambda name: "0.29.1")
    with pytest.raises(TrainingError, match=r"2 of 3 episodes gave nothing to learn from"):
        rollouts(["fine", "lost", "unjudged"], trainer_of(loaded))
    rollouts.close()


def test_bad_input_is_one_line(loaded: tuple[Any, Any]) -> None:
    rollouts = Rollouts("number_guess")
    with pytest.raises(ConfigError, match=r"the prompt 'hello' is no task of 'number_guess'"):
        rollouts(["hello"], trainer_of(loaded))
    with pytest.raises(ConfigError, match="turn vLLM off"):
        rollouts(["0"], trainer_of(loaded, use_vllm=True))
    with pytest.raises(ConfigError, match="has no role 'agnet'"):
        Rollouts("number_guess", "agnet")


def test_the_same_step_plays_the_same_episodes(loaded: tuple[Any, Any]) -> None:
    first, second = (Rollouts("number_guess", max_tokens=4) for _ in range(2))
    told = [rollouts(["0", "0", "1"], trainer_of(loaded)) for rollouts in (first, second)]
    assert told[0] == told[1]
    assert first(["0", "0", "1"], trainer_of(loaded)) != told[0]


@pytest.mark.parametrize("lora", [False, True])
def test_trl_trains_on_number_guess(loaded: tuple[Any, Any], tmp_path: Path, lora: bool) -> None:
    trl = pytest.importorskip("trl", reason="needs pip install trl")
    peft = pytest.importorskip("peft", reason="needs pip install 'turnwise[learn]'") if lora else None
    model, tokenizer = loaded
    rollouts = Rollouts("number_guess", settings={"low": 1, "high": 2, "max_turns": 3}, max_tokens=4)
    scored: list[list[float | None]] = []

    def shaped(*, completion_ids: list[list[int]], **_: Any) -> list[float]:
        # Random weights never guess; a shaping reward of one's own makes the group differ.
        return [float(ids[0] % 7) for ids in completion_ids]

    def watched(**given: Any) -> list[float | None]:
        scored.append(score(**given))
        return scored[-1]

    trainer = trl.GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        args=trl.GRPOConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=2,
            per_device_train_batch_size=4,
            num_generations=4,
            max_completion_length=64,
            learning_rate=1e-3,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            bf16=False,
            disable_tqdm=True,
        ),
        train_dataset=rollouts.dataset(limit=4),
        rollout_func=rollouts,
        reward_funcs=[watched, shaped],
        peft_config=peft and peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    before = {name: weight.clone() for name, weight in trainer.model.named_parameters()}
    trainer.train()
    rollouts.close()
    assert [len(one) for one in scored] == [4, 4]
    assert all(value in (0.0, 1.0) for one in scored for value in one)
    logs = [line for line in trainer.state.log_history if "loss" in line]
    assert len(logs) == 2
    assert all(math.isfinite(line["loss"]) and line["grad_norm"] > 0 for line in logs)
    after = dict(trainer.model.named_parameters())
    moved = [name for name, weight in before.items() if not torch.equal(weight, after[name])]
    assert moved
    assert all(("lora" in name) is lora for name in moved)

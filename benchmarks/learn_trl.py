"""Generation and a whole step of training, by TRL's GRPOTrainer: `… THREADS`. Runs in TRL's environment."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from typing import Any

os.environ |= {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "TRL_EXPERIMENTAL_SILENCE": "1"}

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from common import report
from learn_model import GROUP, NEW, ROWS, SAID, SEEN, TEXT, TURNS, network, timed, tokenizer

STEPS, WARM = 15, 3


class Clock(TrainerCallback):
    """When steps begin and end."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *args: Any, **more: Any) -> None:
        """A step begins."""
        self._began = time.perf_counter()

    def on_step_end(self, *args: Any, **more: Any) -> None:
        """It ends."""
        self.seconds.append(time.perf_counter() - self._began)


def trainer(folder: str, clock: Clock, tokens: int) -> Any:
    """Its trainer, for samples of so many tokens."""
    words = tokenizer()
    return GRPOTrainer(
        model=network(len(words)),
        reward_funcs=lambda completions, **_: [float(text.count("e")) for text in completions],
        args=GRPOConfig(
            output_dir=folder,
            use_cpu=True,
            bf16=False,
            per_device_train_batch_size=ROWS,
            num_generations=GROUP,
            max_completion_length=tokens,
            generation_kwargs={"min_new_tokens": tokens},
            max_steps=STEPS,
            learning_rate=1e-4,
            lr_scheduler_type="constant",
            beta=0.0,
            gradient_checkpointing=False,
            report_to="none",
            save_strategy="no",
            logging_steps=10_000,
            disable_tqdm=True,
            seed=0,
        ),
        processing_class=words,
        callbacks=[clock],
        train_dataset=Dataset.from_dict({"prompt": [TEXT] * 64}),
    )


def train() -> dict[str, float]:
    """Its own training; generation is what it spends in its own method of that name."""
    clock, generating = Clock(), list[float]()
    own = GRPOTrainer._generate_single_turn

    def generate(self: Any, *args: Any, **more: Any) -> Any:
        began = time.perf_counter()
        found = own(self, *args, **more)
        generating.append(time.perf_counter() - began)
        return found

    GRPOTrainer._generate_single_turn = generate
    with tempfile.TemporaryDirectory() as folder:
        trainer(folder, clock, NEW).train()
    GRPOTrainer._generate_single_turn = own
    return {
        "generate_ms": statistics.median(generating[WARM:]) * 1e3,
        "step_ms": statistics.median(clock.seconds[WARM:]) * 1e3,
    }


def converse() -> dict[str, float]:
    """Its loop of several turns: the whole history goes through its own generation again in each."""
    words = tokenizer()
    prompt: list[int] = words(TEXT)["input_ids"]
    seen: list[int] = torch.randint(3, len(words), (SEEN,)).tolist()
    with tempfile.TemporaryDirectory() as folder:
        made = trainer(folder, Clock(), SAID)

        def play(turns: int) -> None:
            rows = [list(prompt) for _ in range(ROWS)]
            for _ in range(turns):
                said, _ = made._generate_single_turn(rows, None, {}, GROUP)
                rows = [row + more + seen for row, more in zip(rows, said, strict=True)]

        return {
            "turns_ms": timed(lambda: play(TURNS), 3, warm=1) * 1e3,
            "one_turn_ms": timed(lambda: play(1), 10) * 1e3,
        }


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    report({**train(), **converse()})

"""Generation and a whole step of training, by Turnwise: `… THREADS`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

import turnwise
from common import report
from learn_model import GROUP, NEW, ROWS, SAID, SEEN, TEXT, TURNS, network, timed, tokenizer
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.journal import read_log
from turnwise.model import Sampling
from turnwise.task import Task

STEPS, WARM = 15, 3


class Talk(Environment, frozen=True, kw_only=True):
    """A conversation; paid for the letter e."""

    turns: int = 1

    def tasks(self) -> list[Task]:
        """Some."""
        return [Task(id=str(number)) for number in range(64)]

    async def run(self, task: Task, episode: Episode) -> None:
        """One text, then always the same answer."""
        says = TEXT
        for _ in range(self.turns):
            reply = await episode.agent.respond(says)
            episode.reward(reply.text.count("e"), turn=reply)
            says = ("The board stands at 31. Your move.")[:SEEN]


def engine() -> LocalEngine:
    """The policy; nothing ends a sample but its length."""
    words = tokenizer()
    words.eos_token = None
    module = network(len(words))
    module.generation_config.eos_token_id = module.config.eos_token_id = None
    return LocalEngine(module, words, options=LocalOptions(max_tokens=NEW, batch=ROWS, device="cpu"))


def measure(threads: int) -> dict[str, float]:
    """Milliseconds of each."""
    torch.set_num_threads(threads)
    made = engine()
    loop = asyncio.new_event_loop()
    prompt = made.tokenizer(TEXT)["input_ids"]
    plain = Sampling(temperature=1.0, max_tokens=NEW)
    seeds = iter(range(10**6))

    def wait(work: Coroutine[Any, Any, Any]) -> Any:
        return loop.run_until_complete(work)

    async def converse(turns: int) -> None:
        agent = Agent(made.policy, sampling=Sampling(temperature=1.0, max_tokens=SAID))
        environment = Talk(turns=turns)
        episodes = [
            Episode(environment, Task(id=str(number)), {"agent": agent}, seed=next(seeds))
            for number in range(ROWS)
        ]
        await asyncio.gather(*(episode.play() for episode in episodes))

    found = {
        "generate_ms": timed(lambda: wait(made.sample(prompt, plain, count=ROWS, seed=next(seeds))), 20)
        * 1e3,
        "turns_ms": timed(lambda: wait(converse(TURNS)), 3, warm=1) * 1e3,
        "twice_the_turns_ms": timed(lambda: wait(converse(2 * TURNS)), 3, warm=1) * 1e3,
        "one_turn_ms": timed(lambda: wait(converse(1)), 10) * 1e3,
    }
    wait(made.close())
    return found | {"step_ms": step()}


def step() -> float:
    """A step of `turnwise train`: 16 episodes played and stored, read back, credited, and learned from."""
    with tempfile.TemporaryDirectory() as folder:
        ends: list[float] = []
        turnwise.train(
            environment=Talk,
            model="hf/bench",
            engine=engine(),
            max_tokens=NEW,
            steps=STEPS,
            tasks_per_step=ROWS // GROUP,
            group=GROUP,
            lr=1e-4,
            concurrency=ROWS,
            save_every=STEPS,
            folder=f"{folder}/out",
            store=f"{folder}/runs.db",
            say=lambda line: ends.append(perf_counter()),
        )
        lines = read_log(Path(folder) / "out")
    assert sum(line["tokens"] for line in lines) == STEPS * ROWS * NEW
    spans = sorted(b - a for a, b in zip(ends[WARM:-1], ends[WARM + 1 :], strict=False))
    return spans[len(spans) // 2] * 1e3


if __name__ == "__main__":
    report(measure(int(sys.argv[1])))

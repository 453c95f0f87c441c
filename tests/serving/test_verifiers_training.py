"""What a trainer on verifiers gets of our environments: token ids from its client, masks, rewards."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for needed in ("verifiers", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[verifiers,local]'")

for folder in ("", "models"):
    sys.path.append(str(Path(__file__).parents[1] / folder))

from verifiers.types import ClientConfig  # noqa: E402

import tiny  # noqa: E402
from endpoint import Endpoint, completion  # noqa: E402
from turnwise import Environment, Episode, Task  # noqa: E402
from turnwise.errors import ConfigError  # noqa: E402
from turnwise.serving.verifiers import TurnwiseEnv  # noqa: E402

TOKENS = tiny.tokenizer()


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The library takes over Ctrl-C with every environment it makes."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def letters(text: str) -> list[int]:
    """A text in the smallest tokens there are, as a policy may sample it and no tokenizer would write it."""
    return [token for letter in text for token in TOKENS.encode(letter, add_special_tokens=False)]


class Server:
    """A vLLM of one policy: chats, chats by token ids, and tokenises, with token ids in its answers."""

    def __init__(self, *replies: str) -> None:
        self.replies = replies
        self.prompts: list[list[int]] = []

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if "temperature" not in asked:
            ids = self.rendered(asked, asked.get("add_generation_prompt", True))
            return 200, {"count": len(ids), "max_model_len": 2048, "tokens": ids}
        prompt = asked.get("tokens") or self.rendered(asked, True)
        said = self.replies[len(self.prompts) % len(self.replies)]
        ids = [*letters(said), TOKENS.eos_token_id]
        self.prompts.append(prompt)
        body = completion(said)
        body["prompt_token_ids"] = prompt
        body["choices"][0] |= {
            "token_ids": ids,
            "logprobs": {"content": [{"token": "", "logprob": -n / 8, "top_logprobs": []} for n in ids]},
        }
        return 200, body

    def rendered(self, asked: dict[str, Any], generation: bool) -> list[int]:
        text = TOKENS.apply_chat_template(asked["messages"], tokenize=False, add_generation_prompt=generation)
        return TOKENS.encode(text, add_special_tokens=False)


def rollouts(environment: TurnwiseEnv, server: Server, count: int = 1) -> list[Any]:
    """Rollouts by the library's own door for trainers, through its own client."""
    with Endpoint(server.answer) as endpoint:
        config = ClientConfig(
            client_type="openai_chat_completions_token", api_base_url=endpoint.url, api_key_var="NO_KEY"
        )
        done = asyncio.run(
            environment.generate(
                environment.get_dataset().to_list() * count,
                config,
                "tiny",
                {"temperature": 1.0},
                state_columns=["trajectory"],
            )
        )
    return done["outputs"]


def test_rollouts_are_rows_to_train_on() -> None:
    server = Server("8", "4", "6")
    environment = TurnwiseEnv("number_guess", settings={"low": 1, "high": 10, "max_turns": 3}, limit=1)
    (output,) = rollouts(environment, server)
    assert output["error"] is None
    steps = [step["tokens"] for step in output["trajectory"]]
    assert len(steps) == 3
    for number, (step, said) in enumerate(zip(steps, server.replies, strict=True)):
        # What was fed and what was sampled, token for token.
        assert step["prompt_ids"] == server.prompts[number]
        assert step["completion_ids"] == [*letters(said), TOKENS.eos_token_id]
        assert step["prompt_mask"] == [0] * len(step["prompt_ids"])
        assert step["completion_mask"] == [1] * len(step["completion_ids"])
        assert step["completion_logprobs"] == [-n / 8 for n in step["completion_ids"]]
    for before, after in itertools.pairwise(steps):
        # Each prompt extends what was there, so that a trainer makes one row of them.
        whole = before["prompt_ids"] + before["completion_ids"]
        assert after["prompt_ids"][: len(whole)] == whole
        between = TOKENS.decode(after["prompt_ids"][len(whole) :])
        assert between.startswith("\n<|im_start|>user\n")
        assert between.endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert sum(step["reward"] for step in output["trajectory"]) == output["reward"]


def test_a_group_has_a_reward_for_each_rollout() -> None:
    server = Server("1", "2")
    settings = {"low": 1, "high": 2, "max_turns": 1}
    outputs = rollouts(TurnwiseEnv("number_guess", settings=settings, limit=1), server, count=4)
    said = [TOKENS.decode(output["trajectory"][0]["tokens"]["completion_ids"][:-1]) for output in outputs]
    assert {output["reward"] for output in outputs} == {0.0, 1.0}
    # The same number is right in all of the group.
    assert len(set(zip(said, [output["reward"] for output in outputs], strict=True))) == 2


class Dice(Environment, frozen=True, kw_only=True):
    """Tells what it threw."""

    name = "dice"

    def tasks(self) -> list[Task]:
        return [Task(id="only")]

    async def run(self, task: Task, episode: Episode) -> None:
        episode.reward(episode.rng.random(), turn=await episode.agent.respond("Go on."))


def test_seeds_are_the_same_for_all_or_new() -> None:
    same, fresh = (
        {output["reward"] for output in rollouts(TurnwiseEnv(Dice(), seed=seed), Server("yes"), count=3)}
        for seed in (3, "new")
    )
    assert (len(same), len(fresh)) == (1, 3)
    with pytest.raises(ConfigError, match="seed: expected a whole number or 'new', got 'old'"):
        TurnwiseEnv(Dice(), seed="old")


class Judged(Environment, frozen=True, kw_only=True):
    """Three turns, of which the second alone is paid; judged at the end, where there is a judge."""

    name = "judged"
    judge: bool = True

    def tasks(self) -> list[Task]:
        return [Task(id="only")]

    async def run(self, task: Task, episode: Episode) -> None:
        for worth in (0.0, 1.0, 0.0):
            reply = await episode.agent.respond("Go on.")
            episode.reward(worth, turn=reply)

    async def score(self, task: Task, episode: Episode) -> None:
        episode.reward(0.5 if self.judge else None, name="verdict")
        episode.metric("turns", len(episode.turns))


def test_a_rollout_that_the_library_ends_counts_its_last_reply_and_is_judged() -> None:
    (output,) = rollouts(TurnwiseEnv(Judged(), max_turns=2), Server("yes"))
    assert output["stop_condition"] == "max_turns_reached"
    assert output["reward"] == 1.5
    assert [step["reward"] for step in output["trajectory"]] == [0.0, 1.5]
    assert output["is_truncated"]
    (output,) = rollouts(TurnwiseEnv(Judged()), Server("yes"))
    assert output["reward"] == 1.5
    assert output["metrics"]["turns"] == 6
    assert not output["is_truncated"]


@pytest.mark.parametrize("most", [-1, 2])
def test_a_missing_verdict_is_an_error_and_no_reward(most: int) -> None:
    (output,) = rollouts(TurnwiseEnv(Judged(judge=False), max_turns=most), Server("yes"))
    assert "a verdict is missing in the episode of task" in str(output["error"])

"""A server as a sampler from the start: connected, given the weights, and proven to have them.

Proven: its log-probabilities are those of the trained network. They are not where it serves another base
model under the adapters, weights that did not arrive, or a quantised form of them; or where it tells
log-probabilities of another distribution than it draws from. Each would train, and learn nothing or worse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turnwise.errors import ConfigError, ModelError
from turnwise.learn.batch import Batch, Turns
from turnwise.learn.engine.protocol import Engine, TrainingError
from turnwise.learn.engine.sampling.protocol import Weights
from turnwise.learn.engine.sampling.served import Answer, ServedSampler
from turnwise.learn.engine.sampling.sglang import SGLangSampler
from turnwise.learn.engine.sampling.vllm import VLLMSampler

TOLERANCE = 0.1
"""Greatest mean difference of log-probabilities; kernels in half precision differ by about a tenth of it."""


def connect(kind: str) -> type[ServedSampler]:
    """The sampler for a kind of server."""
    return {"vllm": VLLMSampler, "sglang": SGLangSampler}[kind]


def begin(served: ServedSampler, engine: Engine, weights: Weights, temperature: float) -> float:
    """Push the first weights, and compare samples with what the trained network says of them.

    Args:
        served: The server.
        engine: Has the trained network.
        weights: What is pushed.
        temperature: At which it is sampled.

    Returns:
        Mean absolute difference of the log-probabilities.

    Raises:
        ConfigError: the weights do not get there, or the two disagree.
    """
    try:
        served.sync(weights, 0)
        batch = as_batch(served.probe(temperature))
    except (ModelError, TrainingError) as error:
        raise ConfigError(str(error)) from error
    here = engine.forward_backward(batch, None).logprobs
    apart = float(np.abs(here - batch.logprobs[batch.sampled]).mean())
    if not apart <= TOLERANCE:
        raise ConfigError(
            f"{served.policy.name} at {served.far.url}: its log-probabilities differ from the trained "
            f"model's by {apart:.3g} on average, expected at most {TOLERANCE}: it serves another model, or "
            f"(vLLM, away from temperature 1) was not started with --logprobs-mode processed_logprobs"
        )
    return apart


def as_batch(answers: Sequence[Answer]) -> Batch:
    """Samples as rows of a batch: each an episode of one turn."""
    count = len(answers)
    numbers = np.arange(count, dtype=np.int64)
    sampled = np.array([len(answer.sampled) for answer in answers], dtype=np.int64)
    widths = sampled + np.array([len(answer.prompt) for answer in answers], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    turn = np.concatenate(
        [np.repeat([-1, number], [len(a.prompt), len(a.sampled)]) for number, a in enumerate(answers)]
    ).astype(np.int64)
    logprobs = np.concatenate([[0.0] * len(answer.prompt) + answer.logprobs for answer in answers])
    return Batch(
        ids=np.concatenate([answer.prompt + answer.sampled for answer in answers]).astype(np.int32),
        row_start=starts,
        sampled=turn >= 0,
        logprobs=logprobs.astype(np.float32),
        turn=turn,
        turns=Turns(
            episode=numbers,
            group=numbers,
            reward=np.zeros(count),
            index=np.zeros(count, dtype=np.int64),
            role=np.zeros(count, dtype=np.int64),
            tokens=sampled,
        ),
        turn_row=numbers,
        turn_version=np.full(count, -1, dtype=np.int64),
        outcome=np.zeros(count),
        truncated=np.zeros(count, dtype=np.bool_),
    )

"""The generation loop: many sequences at once, each joining and leaving when it likes.

Newcomers' prompts are fed in groups of like length (`Batch.join`), then all sequences take joint steps of one
token each (`Batch.step`) until they end. Who computes is a `Runner`: `seats`, where the network is of a
family that is written out here (`llama`), else `padded`, which runs any network as transformers wrote it.

A sequence is computed as if it were alone. That means up to rounding: batches of other shapes add the same
numbers in another order, so log-probabilities differ in their last digits, and where two tokens are all but
equally likely, the choice can differ, too. `max_batch = 1` is exact for those who need that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import torch

from turnwise.models.hf.draw import choose, likeliest
from turnwise.models.hf.job import Job, Runner, answer

if TYPE_CHECKING:
    from torch import Tensor


class Counters(msgspec.Struct, kw_only=True):
    """What a model has done so far."""

    fed: int = 0
    """Prompt tokens fed."""
    cached: int = 0
    """Prompt tokens not fed, because an earlier turn had been."""
    sampled: int = 0
    """Tokens sampled."""
    joins: int = 0
    """Forward passes over prompts."""
    steps: int = 0
    """Forward passes of one token for each sequence."""
    widest: int = 0
    """Most sequences in one step."""
    ended: int = 0
    """Sequences that are finished, or that nobody wanted any more."""


class Batch:
    """The sequences that are being generated.

    Args:
        runner: Who computes.
        tokenizer: Decodes what is looked through for stop strings.
        eos: Token ids that end a sample.
        prefill_tokens: Most tokens to feed at once when sequences join.
        logprobs: Which log-probabilities to give; see `choose`.
    """

    def __init__(
        self,
        runner: Runner,
        tokenizer: Any,
        eos: frozenset[int],
        *,
        prefill_tokens: int,
        logprobs: Literal["raw", "sampled"],
    ) -> None:
        self.runner = runner
        self.counters = Counters()
        self._tokenizer = tokenizer
        self._eos = eos
        self._prefill_tokens = prefill_tokens
        self._logprobs: Literal["raw", "sampled"] = logprobs

    @property
    def jobs(self) -> list[Job]:
        """The sequences."""
        return self.runner.jobs

    @torch.inference_mode()
    def join(self, jobs: Sequence[Job]) -> None:
        """Feed the prompts of `jobs` and sample the first token of each."""
        for group in self._groups(self.runner.admit(jobs)):
            logits = self.runner.feed(group)
            self.counters.joins += 1
            self.counters.fed += sum(job.to_feed for job in group)
            self.counters.cached += sum(job.cached for job in group)
            self._accept(group, logits)
        self._part()

    @torch.inference_mode()
    def step(self) -> None:
        """Sample one more token of each sequence."""
        logits = self.runner.step()
        self.counters.steps += 1
        self.counters.widest = max(self.counters.widest, len(self.jobs))
        self._accept(self.jobs, logits)
        self._part()

    def _groups(self, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        """Jobs of like length together, as many as may be fed at once."""
        group: list[Job] = []
        for job in sorted(jobs, key=lambda job: job.to_feed):
            # Sorted by what is to be fed, so this job is the widest yet.
            if group and (len(group) + 1) * job.to_feed > self._prefill_tokens:
                yield group
                group = []
            group.append(job)
        if group:
            yield group

    def _accept(self, jobs: Sequence[Job], logits: Tensor) -> None:
        """Give each job its next token, and see whether that was its last."""
        tokens, logprobs = choose(logits, [job.draw for job in jobs], self._logprobs)
        self.counters.sampled += len(jobs)
        for row, job in enumerate(jobs):
            if job.draw.alternatives:
                job.alternatives.append(likeliest(logits[row], job.draw, self._logprobs))
        for job, token, logprob in zip(jobs, tokens, logprobs, strict=True):
            job.sampled.append(token)
            job.logprobs.append(logprob)
            if token in self._eos or (job.stop and self._stopped(job)):
                job.finish = "stop"
            elif len(job.sampled) >= job.limit:
                job.finish = "length"

    def _stopped(self, job: Job) -> bool:
        """Whether a stop string has come up. Each token says a byte or more, which bounds where it began."""
        window = max(len(text.encode()) for text in job.stop) + 8
        tail = self._tokenizer.decode(job.sampled[-window:], skip_special_tokens=False)
        return any(text in tail for text in job.stop)

    def _part(self) -> None:
        """Let go of the sequences that are finished or no longer wanted."""
        jobs = self.jobs
        gone = [job.finish is not None or not job.wanted for job in jobs]
        if not any(gone):
            return
        self.counters.ended += sum(gone)
        leaving = [job for job, is_gone in zip(jobs, gone, strict=True) if is_gone]
        self.runner.part(gone)
        answer([job for job in leaving if job.wanted])

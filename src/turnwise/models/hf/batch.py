"""The generation loop: many sequences at once, each joining and leaving when it likes.

A sequence joins in two steps. Its prompt, less what an earlier turn left in the cache, is fed together with
those of other newcomers (`Batch.join`); then it takes part in the joint steps of one token each
(`Batch.step`) until it ends. Lengths differ everywhere, and one layout copes with all of them, because it
leaves no holes inside a sequence: **the past is padded on the left, what is fed is padded on the right.**

    slots of a joining sequence:   [ padding | kept from earlier | fed now | padding ]
    after it has joined:           [ padding | ................. everything it holds ]

The padding on the left is masked, that on the right lies in the future of every real token, and positions
are counted per sequence, so a sequence is computed as if it were alone. Distances between slots are
distances between tokens, so windows of attention stay right, too. What is fed is one rectangle, so newcomers
are grouped by length. A finished sequence leaves its keys and values to the cache at once.

As if alone means up to rounding: batches of other shapes add the same numbers in another order, so
log-probabilities differ in their last digits, and where two tokens are all but equally likely, the choice can
differ, too. `max_batch = 1` is exact for those who need that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import torch

from turnwise.models.hf.draw import Draw, choose
from turnwise.models.hf.loading import Loaded
from turnwise.models.hf.past import Past, Pasts

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


class Job:
    """One sequence to generate, and what has come of it.

    Args:
        prompt: Token ids to start from.
        draw: How to draw tokens.
        limit: Most tokens to sample.
        stop: Strings that end the sample.
        session: Whose past to use and to leave.
        place: What orders jobs that were asked for at the same time; see `lockstep`.
    """

    __slots__ = (
        "cached",
        "done",
        "draw",
        "finish",
        "limit",
        "logprobs",
        "place",
        "prompt",
        "sampled",
        "session",
        "stop",
    )

    def __init__(
        self,
        prompt: list[int],
        draw: Draw,
        limit: int,
        *,
        stop: tuple[str, ...] = (),
        session: str = "",
        place: tuple[str, int] = ("", 0),
    ) -> None:
        self.prompt = prompt
        self.draw = draw
        self.limit = limit
        self.stop = stop
        self.session = session
        self.place = place
        self.cached = 0
        """Prompt tokens that were in the cache."""
        self.sampled: list[int] = []
        self.logprobs: list[float] = []
        self.finish: Literal["stop", "length"] | None = None
        self.done: Future[Job] = Future()
        """Resolves to the job itself; cancelling it ends the work on it."""


class _Fed:
    """Newcomers as one rectangle.

    Args:
        jobs: Who.
        pasts: What each holds already; only the first `job.cached` tokens of it count.
    """

    def __init__(self, jobs: Sequence[Job], pasts: Sequence[Past | None], device: torch.device) -> None:
        self.jobs = jobs
        self.pasts = pasts
        self.device = device
        self.kept = max(job.cached for job in jobs)
        """Slots of the past."""
        self.width = max(len(job.prompt) - job.cached for job in jobs)
        """Slots that are fed."""

    def past(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of each layer, [jobs, heads, kept, width], padded on the left."""
        found = next((past for past in self.pasts if past is not None), None)
        if found is None or not self.kept:
            return []
        layers: list[tuple[Tensor, Tensor]] = []
        for number, (keys, values) in enumerate(found.layers):
            pair: list[Tensor] = []
            for kind, like in enumerate((keys, values)):
                shape = (len(self.jobs), like.shape[0], self.kept, like.shape[2])
                both = torch.zeros(shape, dtype=like.dtype, device=self.device)
                for row, (job, past) in enumerate(zip(self.jobs, self.pasts, strict=True)):
                    if past is not None and job.cached:
                        both[row, :, self.kept - job.cached :] = past.layers[number][kind][:, : job.cached]
                pair.append(both)
            layers.append((pair[0], pair[1]))
        return layers

    def inputs(self) -> dict[str, Tensor]:
        """Arguments of the forward pass: ids and positions [jobs, width], mask [jobs, kept + width]."""
        rows = [job.prompt[job.cached :] for job in self.jobs]
        padded = [row + [row[-1]] * (self.width - len(row)) for row in rows]
        cached = self._column([job.cached for job in self.jobs])
        fed = self._column([len(row) for row in rows])
        slots = torch.arange(self.width, device=self.device)
        before = torch.arange(self.kept, device=self.device)
        return {
            "input_ids": torch.tensor(padded, device=self.device),
            "position_ids": cached + torch.minimum(slots, fed - 1),
            "attention_mask": torch.cat([before >= self.kept - cached, slots < fed], dim=1).long(),
        }

    def last(self) -> list[int]:
        """Fed slot of each job's last prompt token."""
        return [len(job.prompt) - job.cached - 1 for job in self.jobs]

    def _column(self, numbers: list[int]) -> Tensor:
        return torch.tensor(numbers, device=self.device)[:, None]


class Batch:
    """The sequences that are being generated.

    Args:
        loaded: The model.
        eos: Token ids that end a sample.
        pasts: Where pasts are found and left.
        prefill_tokens: Most tokens to feed at once when sequences join.
        logprobs: Which log-probabilities to give; see `choose`.
    """

    def __init__(
        self,
        loaded: Loaded,
        eos: frozenset[int],
        pasts: Pasts,
        *,
        prefill_tokens: int,
        logprobs: Literal["raw", "sampled"],
    ) -> None:
        from transformers import DynamicCache

        self._new_cache: Any = DynamicCache
        self._model = loaded.model
        self._tokenizer = loaded.tokenizer
        self._device: torch.device = loaded.model.device
        self._eos = eos
        self._pasts = pasts
        self._prefill_tokens = prefill_tokens
        self._logprobs: Literal["raw", "sampled"] = logprobs
        self._slots_to_keep = _takes(loaded.model, "logits_to_keep")
        self.counters = Counters()
        self.jobs: list[Job] = []
        self._cache: Any = None
        """Keys and values of all jobs, padded on the left."""
        self._slots = 0
        """Slots of the cache."""

    @torch.inference_mode()
    def join(self, jobs: Sequence[Job]) -> None:
        """Feed the prompts of `jobs` and sample the first token of each."""
        pasts: dict[Job, Past | None] = {}
        for job in jobs:
            past = pasts[job] = self._pasts.find(job.session)
            job.cached = 0 if past is None else past.common(job.prompt)
        for group in self._groups(jobs):
            self._feed(_Fed(group, [pasts[job] for job in group], self._device))
        self._part()

    @torch.inference_mode()
    def step(self) -> None:
        """Sample one more token of each sequence."""
        held = torch.tensor([_held(job) for job in self.jobs], device=self._device)[:, None]
        slots = torch.arange(self._slots + 1, device=self._device)
        logits: Tensor = self._model(
            input_ids=torch.tensor([job.sampled[-1:] for job in self.jobs], device=self._device),
            position_ids=held,
            attention_mask=(slots >= self._slots - held).long(),
            past_key_values=self._cache,
            use_cache=True,
        ).logits
        self._slots += 1
        self.counters.steps += 1
        self.counters.widest = max(self.counters.widest, len(self.jobs))
        self._accept(self.jobs, logits[:, -1])
        self._part()

    def clear(self) -> list[Job]:
        """Drop all sequences; returns them."""
        jobs, self.jobs, self._cache, self._slots = self.jobs, [], None, 0
        return jobs

    def _groups(self, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        """Jobs of like length together, as many as may be fed at once."""
        group: list[Job] = []
        for job in sorted(jobs, key=lambda job: len(job.prompt) - job.cached):
            # Sorted by what is to be fed, so this job is the widest yet.
            if group and (len(group) + 1) * (len(job.prompt) - job.cached) > self._prefill_tokens:
                yield group
                group = []
            group.append(job)
        if group:
            yield group

    def _feed(self, fed: _Fed) -> None:
        past = fed.past()
        cache = self._new_cache(past) if past else self._new_cache()
        last = fed.last()
        places = sorted(set(last))
        keep: dict[str, Any] = {}
        if self._slots_to_keep:
            keep["logits_to_keep"] = torch.tensor(places, device=self._device)
            last = [places.index(place) for place in last]
        logits: Tensor = self._model(**fed.inputs(), past_key_values=cache, use_cache=True, **keep).logits
        rows = torch.arange(len(last), device=self._device)
        logits = logits[rows, torch.tensor(last, device=self._device)]
        self.counters.joins += 1
        self.counters.fed += sum(len(job.prompt) - job.cached for job in fed.jobs)
        self.counters.cached += sum(job.cached for job in fed.jobs)
        self._take(cache, fed)
        self._accept(fed.jobs, logits)

    def _take(self, cache: Any, fed: _Fed) -> None:
        """Add newcomers' keys and values to those of the batch, everything ending in the last slot."""
        lengths = [len(job.prompt) for job in fed.jobs]
        slots = max(self._slots, *lengths)
        ends = torch.tensor([fed.kept + place + 1 for place in fed.last()], device=self._device)[:, None]
        index = (ends - slots + torch.arange(slots, device=self._device)).clamp(min=0)[:, None, :, None]
        layers: list[tuple[Tensor, Tensor]] = []
        for number, layer in enumerate(cache.layers):
            pair: list[Tensor] = [kind.take_along_dim(index, dim=2) for kind in (layer.keys, layer.values)]
            if self.jobs:
                mine = self._cache.layers[number]
                padding = (0, 0, slots - self._slots, 0)
                pair = [
                    torch.cat([torch.nn.functional.pad(old, padding), new])
                    for old, new in zip((mine.keys, mine.values), pair, strict=True)
                ]
            layers.append((pair[0], pair[1]))
        self._cache = self._new_cache(layers)
        self._slots = slots
        self.jobs = [*self.jobs, *fed.jobs]

    def _accept(self, jobs: Sequence[Job], logits: Tensor) -> None:
        """Give each job its next token, and see whether that was its last."""
        tokens, logprobs = choose(logits, [job.draw for job in jobs], self._logprobs)
        self.counters.sampled += len(jobs)
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
        gone = [job.finish is not None or job.done.cancelled() for job in self.jobs]
        if not any(gone):
            return
        self.counters.ended += sum(gone)
        for row, job in enumerate(self.jobs):
            if gone[row] and job.session and self._pasts.room and not job.done.cancelled():
                self._pasts.keep(job.session, self._past(row))
        jobs = self.jobs
        stay = [row for row, is_gone in enumerate(gone) if not is_gone]
        if stay:
            self.jobs = [jobs[row] for row in stay]
            self._shrink(stay)
        else:
            self.clear()
        for row, job in enumerate(jobs):
            if gone[row] and not job.done.cancelled():
                resolve(job)

    def _past(self, row: int) -> Past:
        """What the batch holds of one job; its last token was not fed yet."""
        job = self.jobs[row]
        held = _held(job)
        layers = [
            (
                layer.keys[row, :, self._slots - held :].clone(),
                layer.values[row, :, self._slots - held :].clone(),
            )
            for layer in self._cache.layers
        ]
        return Past([*job.prompt, *job.sampled[:-1]], layers)

    def _shrink(self, rows: list[int]) -> None:
        """Keep these rows, and no more slots than they need."""
        index = torch.tensor(rows, device=self._device)
        slots = max(_held(job) for job in self.jobs)
        start = self._slots - slots
        self._cache = self._new_cache(
            [(layer.keys[index, :, start:], layer.values[index, :, start:]) for layer in self._cache.layers]
        )
        self._slots = slots


def resolve(job: Job, error: Exception | None = None) -> None:
    """Say that a job is done, or why it will not be, unless nobody wants to know any more."""
    if job.done.set_running_or_notify_cancel():
        if error is None:
            job.done.set_result(job)
        else:
            job.done.set_exception(error)


def _held(job: Job) -> int:
    """Tokens of a job that were fed once it has joined: all but the last one sampled."""
    return len(job.prompt) + len(job.sampled) - 1


def _takes(model: Any, argument: str) -> bool:
    import inspect

    return argument in inspect.signature(model.forward).parameters

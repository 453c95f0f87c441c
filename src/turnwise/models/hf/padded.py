"""The runner for every transformers causal model: rows that end together, padded on the left.

A sequence joins in two steps. Its prompt, less what an earlier turn left in the cache, is fed together with
those of other newcomers (`PaddedRunner.feed`); then it takes part in the joint steps of one token each
(`PaddedRunner.step`) until it ends. Lengths differ everywhere, and one layout copes with all of them, because
it leaves no holes inside a sequence: **the past is padded on the left, what is fed is padded on the right.**

    slots of a joining sequence:   [ padding | kept from earlier | fed now | padding ]
    after it has joined:           [ padding | ................. everything it holds ]

The padding on the left is masked, that on the right lies in the future of every real token, and positions
are counted per sequence, so a sequence is computed as if it were alone. Distances between slots are
distances between tokens, so windows of attention stay right, too. What is fed is one rectangle, so newcomers
are grouped by length. A finished sequence leaves its keys and values to the cache at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from turnwise.models.hf.job import Job
from turnwise.models.hf.past import Past, Pasts

if TYPE_CHECKING:
    from torch import Tensor


class PaddedRunner:
    """See the module and `Runner`.

    Args:
        model: `transformers.PreTrainedModel`.
        pasts: Where pasts are found and left.
    """

    def __init__(self, model: Any, pasts: Pasts) -> None:
        from transformers import DynamicCache

        self.jobs: list[Job] = []
        self._new_cache: Any = DynamicCache
        self._model = model
        self._device: torch.device = model.device
        self._pasts = pasts
        self._found: dict[Job, Past | None] = {}
        """Pasts of newcomers."""
        self._picks_slots = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._cache: Any = None
        """Keys and values of all jobs, padded on the left."""
        self._slots = 0
        """Slots of the cache."""

    def admit(self, jobs: Sequence[Job]) -> list[Job]:
        """See `Runner.admit`."""
        for job in jobs:
            past = self._found[job] = self._pasts.find(job.session)
            job.cached = 0 if past is None else past.common(job.prompt)
        return list(jobs)

    def feed(self, jobs: Sequence[Job]) -> Tensor:
        """See `Runner.feed`."""
        fed = _Fed(jobs, [self._found.pop(job) for job in jobs], self._device)
        past = fed.past()
        cache = self._new_cache(past) if past else self._new_cache()
        last = fed.last()
        places = sorted(set(last))
        keep: dict[str, Any] = {}
        if self._picks_slots:
            keep["logits_to_keep"] = torch.tensor(places, device=self._device)
            last = [places.index(place) for place in last]
        logits: Tensor = self._model(**fed.inputs(), past_key_values=cache, use_cache=True, **keep).logits
        self._take(cache, fed)
        rows = torch.arange(len(last), device=self._device)
        return logits[rows, torch.tensor(last, device=self._device)]

    def step(self) -> Tensor:
        """See `Runner.step`."""
        held = torch.tensor([job.held for job in self.jobs], device=self._device)[:, None]
        slots = torch.arange(self._slots + 1, device=self._device)
        logits: Tensor = self._model(
            input_ids=torch.tensor([job.sampled[-1:] for job in self.jobs], device=self._device),
            position_ids=held,
            attention_mask=(slots >= self._slots - held).long(),
            past_key_values=self._cache,
            use_cache=True,
        ).logits
        self._slots += 1
        return logits[:, -1]

    def part(self, gone: Sequence[bool]) -> None:
        """See `Runner.part`."""
        for row, job in enumerate(self.jobs):
            if gone[row] and job.session and self._pasts.room and job.wanted:
                self._pasts.keep(job.session, self._past(row))
        stay = [row for row, is_gone in enumerate(gone) if not is_gone]
        if stay:
            self.jobs = [self.jobs[row] for row in stay]
            self._shrink(stay)
        else:
            self.clear()

    def forget(self, session: str) -> None:
        """See `Runner.forget`."""
        self._pasts.drop(session)

    def forget_all(self) -> None:
        """See `Runner.forget_all`."""
        self._pasts.clear()

    def clear(self) -> list[Job]:
        """See `Runner.clear`."""
        jobs, self.jobs, self._cache, self._slots = self.jobs, [], None, 0
        self._found.clear()
        return jobs

    def _take(self, cache: Any, fed: _Fed) -> None:
        """Add newcomers' keys and values to those of the others, everything ending in the last slot."""
        slots = max(self._slots, *(len(job.prompt) for job in fed.jobs))
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

    def _past(self, row: int) -> Past:
        """What the cache holds of one job; its last token was not fed yet."""
        job = self.jobs[row]
        start = self._slots - job.held
        held = [
            kind[row, :, start:].clone()
            for layer in self._cache.layers
            for kind in (layer.keys, layer.values)
        ]
        size = sum(kind.numel() * kind.element_size() for kind in held)
        return Past([*job.prompt, *job.sampled[:-1]], size, held)

    def _shrink(self, rows: list[int]) -> None:
        """Keep these rows, and no more slots than they need."""
        index = torch.tensor(rows, device=self._device)
        slots = max(job.held for job in self.jobs)
        start = self._slots - slots
        self._cache = self._new_cache(
            [(layer.keys[index, :, start:], layer.values[index, :, start:]) for layer in self._cache.layers]
        )
        self._slots = slots


class _Fed:
    """Newcomers as one rectangle.

    Args:
        jobs: Who.
        pasts: What each holds already; only the first `job.cached` tokens of it count.
    """

    def __init__(self, jobs: Sequence[Job], pasts: Sequence[Past | None], device: torch.device) -> None:
        self.jobs = jobs
        self.held = [None if past is None else past.held for past in pasts]
        """Of each job, keys and values of each layer in turn, [heads, tokens, width]."""
        self.device = device
        self.kept = max(job.cached for job in jobs)
        """Slots of the past."""
        self.width = max(job.to_feed for job in jobs)
        """Slots that are fed."""

    def past(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of each layer, [jobs, heads, kept, width], padded on the left."""
        found = next((held for held in self.held if held is not None), None)
        if found is None or not self.kept:
            return []
        every: list[Tensor] = []
        for number, like in enumerate(found):
            shape = (len(self.jobs), like.shape[0], self.kept, like.shape[2])
            together = torch.zeros(shape, dtype=like.dtype, device=self.device)
            for row, (job, held) in enumerate(zip(self.jobs, self.held, strict=True)):
                if held is not None and job.cached:
                    together[row, :, self.kept - job.cached :] = held[number][:, : job.cached]
            every.append(together)
        return list(zip(every[::2], every[1::2], strict=True))

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
        return [job.to_feed - 1 for job in self.jobs]

    def _column(self, numbers: list[int]) -> Tensor:
        return torch.tensor(numbers, device=self.device)[:, None]

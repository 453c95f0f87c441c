"""Local models: other work in the thread that samples."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]'")

import tiny  # noqa: E402
from turnwise.message import user  # noqa: E402
from turnwise.model import Request, Sample, Sampling  # noqa: E402
from turnwise.models.hf import connect  # noqa: E402


def here() -> str:
    return threading.current_thread().name


def fail() -> None:
    raise ValueError("no")


def request(tokens: int) -> Request:
    return Request(messages=[user("hi")], sampling=Sampling(max_tokens=tokens))


@pytest.mark.parametrize("lockstep", [False, True])
def test_work_is_done_between_two_tokens_of_a_sample(lockstep: bool, tmp_path: Path) -> None:
    model: Any = connect(tiny.save(tmp_path), {"lockstep": lockstep})

    async def go() -> tuple[list[int], Sample]:
        asked = asyncio.ensure_future(model.sample(request(300)))
        seen: list[int] = []
        while not asked.done():
            await asyncio.sleep(0.005)
            if model.counters.steps:
                seen.append(await asyncio.to_thread(model.run, lambda: model.counters.steps))
        sample = await asked
        await model.close()
        return seen, sample

    seen, sample = asyncio.run(go())
    assert len(sample.sampled_ids or ()) > 100
    assert len({steps for steps in seen if steps < 100}) > 1


def test_work_runs_in_one_thread_and_raises_where_it_was_asked_for(tmp_path: Path) -> None:
    model: Any = connect(tiny.save(tmp_path), {})

    async def go() -> list[str]:
        await model.sample(request(2))
        names = [model.run(here), model.run(lambda: model.run(here))]
        with pytest.raises(ValueError, match="no"):
            model.run(fail)
        await model.sample(request(2))
        await model.close()
        return names

    names = asyncio.run(go())
    assert names == [model.name] * 2
    # Nobody samples any more, so the work has a thread of its own, which ends.
    assert model.run(here) not in (here(), model.name)
    with pytest.raises(ValueError, match="no"):
        model.run(fail)

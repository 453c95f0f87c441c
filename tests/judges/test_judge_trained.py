"""A judge is a policy: it is trained on labelled cases, like any other agent."""

from __future__ import annotations

from pathlib import Path

import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import msgspec  # noqa: E402
import torch  # noqa: E402
from talk import log_of  # noqa: E402

import turnwise  # noqa: E402
from turnwise.environments.judging import Judging, case_of  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.verdict import Verdict, judged  # noqa: E402

torch.set_num_threads(1)


class Letters(msgspec.Struct, frozen=True, kw_only=True):
    """Whatever a judge says is a score: the share of its letters in the first half of the alphabet."""

    name: str = "letters"

    async def verdicts(self, log, ask):
        def parse(answer: str) -> Verdict:
            return Verdict(score=sum(ord(x) % 32 < 13 for x in answer) / max(1, len(answer)))

        return [await judged(ask, f"How good is: {log.turns[-1].text}", parse)]

    def reduce(self, verdicts):
        return verdicts[0]


def test_agreement_with_labels_is_learned(tmp_path: Path) -> None:
    model = tiny.save(tmp_path / "base", hidden=32, heads=2)
    cases = [case_of(f"case/{n}", log_of("Hi", f"Hello {n}"), label=1.0) for n in range(4)]
    run = turnwise.train(
        environment=Judging(judge=f"{__file__}:Letters"),
        tasks=cases,
        model=model,
        credit="rloo",
        steps=12,
        group=8,
        lr=3e-3,
        max_tokens=4,
        folder=str(tmp_path / "training"),
        store=tmp_path / "t.db",
    )
    scores = [row.score for row in run.episodes()]
    assert None not in scores
    third = len(scores) // 3
    assert sum(scores[-third:]) > 1.2 * sum(scores[:third])
    verdict = next(note.value for note in run.episode(0).notes if note.name == "judgement")
    assert verdict["score"] == scores[0]

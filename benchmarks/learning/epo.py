"""EPO: is entropy held in its band, where plain PPO's collapses?

    python benchmarks/learning/epo.py

EPO's regulariser changes with what training has seen (the mean entropy of all earlier steps) and with how far
it is, which no loss of one batch knows: so it is added by the engine, which keeps both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import study
import torch
from begin import clone
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told
from training import trained

from turnwise.learn.batch import Batch
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.engine.protocol import Loss, Pass, Scored
from turnwise.learn.losses import epo
from turnwise.learn.losses.aggregation import token_weights
from turnwise.log import EpisodeLog

LOW, HIGH = 0.5, 1.5
"""The band, as shares of the mean entropy so far."""
LAST = 10
"""Steps at the end whose mean is told."""
TASKS = 400
"""To train on."""
SIZE = {
    "horizon": 7,
    "slack": 2.0,
    "tests": 150,
    "clone_steps": 100,
    "steps": 40,
    "tasks_per_step": 8,
    "group": 8,
    "lr": 1e-3,
    "coefficient": 0.05,
    "alpha": 1.0,
    "low": LOW,
    "high": HIGH,
    "gamma": 1.0,
}
ALPHA: dict[str, float | None] = {"ppo": None, "bonus": 0.0, "epo": SIZE["alpha"]}
"""Scale of the corridor's penalty; None has no bonus either."""


class Step(NamedTuple):
    """Entropy in a step."""

    number: int
    """From 1."""
    entropy: float
    """Mean over episodes of the mean over turns of the mean over tokens."""
    history: float | None
    """H̄: the mean of all earlier steps."""
    by_turn: dict[int, float]
    """Mean over the tokens of the turns with a number, from 0."""

    @property
    def ratio(self) -> float:
        """The entropy over that of all earlier steps; nan in the first."""
        return self.entropy / self.history if self.history else math.nan


class Regularised(LocalEngine):
    """An engine that adds EPO's regulariser to every loss, and keeps the entropies that it saw.

    Args:
        folder: Of the policy.
        steps: Steps of the training, K.
        alpha: See `ALPHA`.
        size: Has the other numbers of the regulariser.
    """

    def __init__(self, folder: str, *, steps: int, alpha: float | None, size: dict[str, Any]) -> None:
        super().__init__(folder, options=LocalOptions(device="cpu"))
        self.steps, self.alpha, self.size = steps, alpha, size
        self.step, self.history = 0, epo.History()
        self.told: list[Step] = []
        """What was seen of each step that moved the weights."""
        self._seen: list[tuple[float, Batch, np.ndarray]] = []

    def forward_backward(self, batch: Batch, loss: Loss | None, *, entropy: bool = False) -> Pass:
        """See `Engine.forward_backward`."""
        if loss is None:
            return super().forward_backward(batch, None, entropy=entropy)
        weights = weights_of(batch)
        found = super().forward_backward(batch, self._regularised(loss, weights), entropy=True)
        assert found.entropy is not None
        self._seen.append((float(weights.numpy() @ found.entropy), batch, found.entropy))
        return found

    def sync(self, version: int) -> None:
        """The step is over: its entropy is history."""
        super().sync(version)
        if self._seen:
            entropy = float(np.mean([one for one, _, _ in self._seen]))
            turns = by_turn([(batch, found) for _, batch, found in self._seen])
            self.told.append(Step(version, entropy, self.history.mean, turns))
            self.history = self.history.add(entropy)
            self._seen.clear()
        self.step = version

    def _regularised(self, loss: Loss, weights: torch.Tensor) -> Loss:
        alpha, size = self.alpha, self.size
        if alpha is None:
            return loss
        beta = epo.beta_paper(self.step, steps=self.steps, gamma=size["gamma"])

        def whole(scored: Scored) -> torch.Tensor:
            assert scored.entropy is not None
            return loss(scored) + epo.paper(
                scored.entropy,
                weights=weights[scored.places],
                history=self.history.mean,
                low=size["low"],
                high=size["high"],
                coefficient=size["coefficient"],
                alpha=alpha,
                beta=beta,
            )

        return whole


def weights_of(batch: Batch) -> torch.Tensor:
    """`[M]` Weights of EPO's mean over episodes, turns and tokens."""
    turn = batch.turn[batch.sampled]
    return token_weights(
        "seq-mean-turn-mean",
        row=torch.as_tensor(batch.turns.episode[turn]),
        turn=torch.as_tensor(turn),
    )


def by_turn(seen: Sequence[tuple[Batch, np.ndarray]]) -> dict[int, float]:
    """The mean entropy of the tokens of each turn number."""
    number = np.concatenate([batch.turns.index[batch.turn[batch.sampled]] for batch, _ in seen])
    entropy = np.concatenate([found for _, found in seen])
    return {int(one): float(entropy[number == one].mean()) for one in np.unique(number)}


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone players that do not know where the key is, train, test before and after."""
    world = {"horizon": size["horizon"], "slack": size["slack"], "apples": 0, "split": "train"}
    world["count"] = size.get("tasks", TASKS)
    policy = clone(
        work / f"clone-{seed}",
        environment="keydoor",
        settings=world,
        players={"search": 1, "random": 1},
        steps=size["clone_steps"],
        seed=seed,
    )
    engine = Regularised(policy.removeprefix("hf/"), steps=size["steps"], alpha=ALPHA[arm], size=size)
    done = trained(
        work / f"{arm}-{seed}",
        environment="keydoor",
        settings=world,
        model=policy,
        engine=engine,
        max_tokens=4,
        seed=seed,
        credit={"name": "gae", "gamma": 1.0, "lam": 0.95},
        steps=size["steps"],
        tasks_per_step=size["tasks_per_step"],
        group=size["group"],
        lr=size["lr"],
        critic_lr=3e-3,
        minibatches=2,
        eval_every=size["steps"],
        eval_settings={"split": "test", "count": size["tests"]},
    )
    (_, before), (_, after) = done.evaluations()
    return played(engine, done.curve("score"), opened(before), opened(after))


def played(engine: Regularised, score: list[float | None], before: Share, after: Share) -> Played:
    """What is kept of a training."""
    told = engine.told
    late = [one.ratio for one in told if one.number > engine.steps // 2]
    inside = sum(engine.size["low"] <= ratio <= engine.size["high"] for ratio in late)
    last = told[-LAST:]
    turns = sorted({turn for one in last for turn in one.by_turn})
    return Played(
        {
            "score": score,
            "entropy": [(one.number, one.entropy) for one in told],
            "ratio": [(one.number, one.ratio) for one in told[1:]],
            "by_turn": [
                (turn + 1, mean([one.by_turn[turn] for one in last if turn in one.by_turn])) for turn in turns
            ],
        },
        {
            "before": before,
            "after": after,
            "entropy_first": told[0].entropy if told else None,
            "entropy_last": mean([one.entropy for one in last]),
            "ratio_last": mean([one.ratio for one in last]),
            "inside": Share(inside, len(late)),
        },
    )


def mean(values: Sequence[float]) -> float:
    """Their mean; nan of none."""
    return sum(values) / len(values) if values else math.nan


def opened(logs: Sequence[EpisodeLog]) -> Share:
    """How many doors were opened."""
    return Share(sum(log.detail == "opened" for log in logs), len(logs))


def findings(results: Results) -> list[Finding]:
    """Does PPO leave the band, does EPO stay in it, and does that help?"""
    last = {arm: results.mean(arm, "ratio_last") for arm in ALPHA}
    apart = results.difference("epo", "ppo", "ratio_last")
    inside, against = results.difference("epo", "ppo", "inside"), results.difference("epo", "bonus", "inside")
    gain = results.difference("epo", "ppo", "after")
    low = results.size["low"]
    collapsed = {"yes": "no", "no": "yes", "undecided": "undecided"}
    return [
        Finding(
            "Plain PPO's entropy falls below the band",
            f"entropy of the last {LAST} steps over the mean of all earlier ones: {told(last['ppo'])}, the "
            f"band begins at {low}",
            collapsed[judged(last["ppo"], above=low)],
        ),
        Finding(
            "EPO's entropy ends above the lower edge",
            f"the same: {told(last['epo'])}; less PPO's: {told(apart)}",
            judged(last["epo"], above=low),
        ),
        Finding(
            "EPO is in the band in more steps of the second half than PPO",
            f"share of steps, EPO less PPO: {told(inside)}",
            judged(inside),
        ),
        Finding(
            "The corridor does more than the entropy bonus alone",
            f"share of steps in the band, EPO less bonus alone: {told(against)}",
            judged(against),
        ),
        Finding(
            "EPO opens more doors than PPO", f"doors opened after, EPO less PPO: {told(gain)}", judged(gain)
        ),
    ]


def edges(results: Results) -> dict[str, float]:
    """The band."""
    return {"band": results.size["low"], "band, upper edge": results.size["high"]}


STUDY = Study(
    name="epo",
    title="EPO: entropy in a band",
    question="Does EPO hold the policy's entropy in its band, where plain PPO's collapses?",
    setting=(
        f"A dark corridor with a key at one end and a locked door at the other, which can be opened in "
        f"{SIZE['horizon']} turns at the best and must be in {int(SIZE['slack'] * SIZE['horizon'])}; the "
        f"reward is 1 for the open door, at the end. The policy is a Llama of two layers with random "
        f"weights, cloned for {SIZE['clone_steps']} steps from a player that walks the corridor from end to "
        f"end and one that draws actions blindly, then trained by PPO with a critic (GAE, λ 0.95) for "
        f"{SIZE['steps']} steps of {SIZE['tasks_per_step'] * SIZE['group']} episodes. Entropy is the mean "
        f"over episodes of the mean over turns of the mean over tokens; the band lies from {LOW} to {HIGH} "
        f"times the mean entropy of all earlier steps. The weight of the bonus is {SIZE['coefficient']}; the "
        f"corridor's penalty, in the paper's form, weighs {SIZE['alpha']:g} times that, and that times a "
        f"factor that falls with the phase, from 2 to 1 + e⁻². The paper trained models of 3 to 7 billion "
        f"weights, with a bonus of 0.001. "
        f"Two seeds were added after three had been seen."
    ),
    papers=("Xu et al. 2025, EPO: Entropy-regularized Policy Optimization for LLM Agents, arXiv:2509.22576",),
    arms={
        "ppo": Arm("PPO", "no regulariser"),
        "bonus": Arm("PPO + bonus", "the entropy bonus alone, without a corridor"),
        "epo": Arm("PPO + EPO", "bonus and corridor"),
    },
    curves=(
        Curve("score", "Doors opened, while training", "step", "share of episodes", smooth=5),
        Curve("entropy", "Entropy", "step", "nats a token", smooth=3, scale="log"),
        Curve("ratio", "Entropy over the mean so far", "step", "ratio", smooth=3, levels=edges),
        Curve("by_turn", f"Entropy by turn, last {LAST} steps", "turn", "nats a token", scale="log"),
    ),
    measures=(
        Measure("before", "opened, before"),
        Measure("after", "opened, after"),
        Measure("entropy_first", "entropy, first step"),
        Measure("entropy_last", f"entropy, last {LAST} steps", digits=3),
        Measure("ratio_last", f"over the mean so far, last {LAST}"),
        Measure("inside", "steps in the band, second half"),
    ),
    baseline="ppo",
    size=SIZE,
    smallest={"tasks": 10, "steps": 3, "clone_steps": 3, "tests": 4, "tasks_per_step": 2, "group": 2},
    play=play,
    findings=findings,
    seeds=(0, 1, 2, 3, 4),
)

if __name__ == "__main__":
    study.main(STUDY)

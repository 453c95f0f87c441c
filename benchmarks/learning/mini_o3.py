"""Mini-o3: does a policy search on beyond the turns it was trained with, if running out is not punished?

    python benchmarks/learning/mini_o3.py

All arms begin with one policy, which searches a picture and loses patience at random. They are trained with a
limit of six turns and tested with up to 24.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import study
from begin import clone
from declared import Verdict
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told
from training import trained

import turnwise
from turnwise.engine.config import AgentConfig
from turnwise.log import EpisodeLog
from turnwise.model import Sampling

WORLD = f"{Path(__file__).with_name('picture_search.py')}:PictureSearch"
BUDGETS = (6, 12, 24)
MATTERS = 0.05
"""What difference in success is too small to be one."""
CONTRARY: dict[Verdict, Verdict] = {"yes": "no", "no": "yes", "undecided": "undecided"}
TRUNCATED = {"punished": "penalize", "masked": "mask", "renormalised": "renormalize"}
SIZE = {
    "parts": 16,
    "digits": 6,
    "turns": 6,
    "patience": 0.9,
    "tests": 300,
    "clone_steps": 150,
    "steps": 60,
    "tasks_per_step": 12,
    "group": 8,
    "lr": 1e-3,
}


def impatient(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
    """Looks at part after part, from a random one on; at each turn it may give up and guess."""
    part = rng.randint(1, SIZE["parts"])
    yield
    said = yield f"zoom {part}"
    while not said.text.startswith("digit"):
        if rng.random() > SIZE["patience"]:
            yield f"answer {rng.randint(1, SIZE['digits'])}"
        part = part % SIZE["parts"] + 1
        said = yield f"zoom {part}"
    yield f"answer {said.text.removeprefix('digit ')}"


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone the impatient player, train with few turns, test with many."""
    world = {key: size[key] for key in ("parts", "digits")}
    policy = clone(
        work / f"impatient-{seed}",
        environment=WORLD,
        settings=world | {"max_turns": max(BUDGETS), "split": "train", "count": 1000},
        players={impatient: 1},
        steps=size["clone_steps"],
        context=512,
        seed=seed,
    )
    test = {"split": "test", "count": size["tests"], "max_turns": max(BUDGETS)}
    if arm == "start":
        run = turnwise.run(
            WORLD,
            AgentConfig(use=policy, sampling=Sampling(temperature=1.0, max_tokens=6)),
            settings=world | test,
            seed=seed,
            concurrency=128,
            store=work / f"start-{seed}.db",
        )
        return Played({"turns": []} | by_budget(list(run.logs())), measured(list(run.logs())))
    done = trained(
        work / f"{arm}-{seed}",
        environment=WORLD,
        settings=world | {"max_turns": size["turns"], "split": "train", "count": 1000},
        model=policy,
        max_tokens=6,
        seed=seed,
        credit="grpo",
        loss={"name": "ppo", "low": 0.2, "high": 0.3},
        aggregation={"name": "token-mean", "truncated": TRUNCATED[arm]},
        steps=size["steps"],
        tasks_per_step=size["tasks_per_step"],
        group=size["group"],
        lr=size["lr"],
        eval_settings=test,
        eval_every=size["steps"],
    )
    logs = done.evaluations()[-1][1]
    return Played({"turns": done.curve("turns")} | by_budget(logs), measured(logs))


def by_budget(logs: Sequence[EpisodeLog]) -> dict[str, Any]:
    """Success by the number of turns that are allowed: as nothing tells the policy of a limit, a smaller one
    cuts the same episodes short."""
    return {"success": [(turns, solved(logs, turns).value) for turns in range(1, max(BUDGETS) + 1)]}


def solved(logs: Sequence[EpisodeLog], turns: int) -> Share:
    """How many were right within so many turns."""
    return Share(sum(log.detail == "right" and len(replies(log)) <= turns for log in logs), len(logs))


def replies(log: EpisodeLog) -> list[Any]:
    """What the policy said."""
    return [turn for turn in log.turns if turn.role == "agent"]


def measured(logs: Sequence[EpisodeLog]) -> dict[str, Any]:
    """Success within each budget, and how many answers were guesses."""
    blind = sum(log.detail in ("right", "wrong") and not log.metrics["seen"] for log in logs)
    return {f"at_{turns}": solved(logs, turns) for turns in BUDGETS} | {"guessed": Share(blind, len(logs))}


def findings(results: Results) -> list[Finding]:
    """Whether success rises with the turns of the test, arm by arm, and what the mask costs."""
    found: list[Finding] = []
    for arm in ("masked", "renormalised", "punished"):
        label = STUDY.arms[arm].label
        for few, many in ((6, 12), (12, 24)):
            rise = results.difference(arm, arm, f"at_{many}", f"at_{few}")
            if arm == "punished":
                claim = f"{label}: success rises by no more than {MATTERS} from {few} to {many} turns"
                held = CONTRARY[judged(rise, above=MATTERS)]
            else:
                claim = f"{label}: success still rises from {few} to {many} turns"
                held = judged(rise)
            found.append(Finding(claim, f"success at {many} less at {few}: {told(rise)}", held))
    for claim, turns, least in (
        ("With 24 turns, the mask is better than none", 24, 0.0),
        (f"With the six turns of training, it is worse by {MATTERS} at most", 6, -MATTERS),
    ):
        apart = results.difference("masked", "punished", f"at_{turns}")
        measure = f"mask less no mask, success at {turns}: {told(apart)}"
        found.append(Finding(claim, measure, judged(apart, above=least)))
    return found


STUDY = Study(
    name="mini_o3",
    title="Mini-o3, turns beyond those of the training",
    question="Does a policy that is trained with six turns make use of twelve or 24, if it is not punished "
    "for running out of them?",
    setting=(
        f"One of {SIZE['parts']} parts of a picture shows a digit from 1 to {SIZE['digits']}. A turn looks "
        f"at a part, or answers, which ends the episode; a right answer is worth 1, all else nothing. "
        f"Nothing tells the policy how many turns there are. It is a Llama of two layers, cloned for "
        f"{SIZE['clone_steps']} steps from a player that looks at part after part and at each turn gives up "
        f"and guesses with probability {1 - SIZE['patience']:.1f}. Each arm trains it for {SIZE['steps']} "
        f"steps of {SIZE['tasks_per_step'] * SIZE['group']} episodes with a limit of {SIZE['turns']} turns "
        f"(GRPO, clip 0.2 and 0.3, no KL: the paper's, but that looks are told in words). Tested on "
        f"{SIZE['tests']} other pictures with up to {max(BUDGETS)} turns, at temperature 1."
    ),
    papers=("Lai et al. 2025, arXiv:2509.07969 (Mini-o3)",),
    arms={
        "start": Arm("start", "the cloned policy, not trained further"),
        "punished": Arm("no mask", "an episode that runs out of turns has failed like any other"),
        "masked": Arm("mask", "it counts in its group's mean and deviation, and is left out of the loss"),
        "renormalised": Arm("mask, renormalised", "so, and what the loss is divided by leaves it out, too"),
    },
    curves=(
        Curve("success", "Success by turns allowed, in the test", "turns allowed", "share of pictures"),
        Curve("turns", "Turns, while training", "step", "turns an episode", smooth=5),
    ),
    measures=(
        Measure("at_6", "success, 6 turns"),
        Measure("at_12", "12 turns"),
        Measure("at_24", "24 turns"),
        Measure("guessed", "answered unseen"),
    ),
    baseline="punished",
    size=SIZE,
    smallest={"steps": 2, "clone_steps": 4, "tests": 16, "tasks_per_step": 2, "group": 4},
    play=play,
    findings=findings,
)

if __name__ == "__main__":
    study.main(STUDY)

"""What credit costs: packed turns beside padded `[B, T]` tensors; 1,024 episodes of 4,096 positions, 8 turns.

Three things are timed in one run. *Ours*, on `Turns` and one value a sampled token. *A loop*: the same
formula over padded positions (or over Python dictionaries), written here as trainers write it. *Official*:
verl's, RAGEN's and GiGPO's own functions where checkouts are there (`official.py`). What goes on a row that
is too slow to repeat (bi-level GAE) is measured on eight rows and scaled. `difference` is the greatest one
from the official numbers, else from the loop's. On one core, times are of the processor, so that other
programs do not count.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import official
from common import child, median, repeat, report, save
from turnwise.learn import credit
from turnwise.learn.batch import Turns
from turnwise.learn.credit import threads
from turnwise.learn.credit.tokens import whiten

ROWS, POSITIONS, TURNS, GROUP, FEW = 1024, 4096, 8, 8, 8
GAMMA, LAM = 0.99, 0.95


Array: TypeAlias = npt.NDArray[Any]


class Config(dict[str, Any]):
    """Settings as the official functions read them: by attribute and by `get`."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


class World:
    """The same random episodes in both forms."""

    def __init__(self) -> None:
        random, span = np.random.default_rng(0), POSITIONS // TURNS
        many = random.integers(TURNS // 2, TURNS + 1, ROWS)
        episode = np.repeat(np.arange(ROWS), many)
        index = np.concatenate([np.arange(n) for n in many])
        tokens = random.integers(span // 4, 3 * span // 4, len(episode))
        reward = random.normal(size=len(episode)).astype(np.float32).astype(np.float64)
        self.group = np.repeat(np.arange(ROWS // GROUP), GROUP)
        self.turns = Turns(
            episode=episode,
            group=self.group,
            reward=reward,
            index=index,
            role=np.zeros(len(episode), np.int64),
            tokens=tokens,
            state=random.integers(0, 40, len(episode)),
        )
        offset = np.arange(span)
        keep = np.zeros((ROWS, TURNS, span), np.bool_)
        keep[episode, index] = offset < tokens[:, None]
        self.keep = keep.reshape(ROWS, POSITIONS)
        padded = np.zeros((ROWS, TURNS, span), np.float32)
        padded[episode, index, tokens - 1] = reward
        self.rewards = torch.from_numpy(padded.reshape(ROWS, POSITIONS))
        self.values = torch.from_numpy(random.normal(size=(ROWS, POSITIONS)).astype(np.float32))
        self.mask = torch.from_numpy(self.keep.astype(np.float32))
        self.packed = self.values.numpy()[self.keep]


def loop_gae(rewards: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Masked GAE, position by position over all rows at once."""
    ahead = trace = torch.zeros(len(rewards))
    out: list[Tensor] = []
    for t in reversed(range(rewards.shape[1])):
        now = rewards[:, t] + GAMMA * ahead - values[:, t] + GAMMA * LAM * trace
        ahead = torch.where(mask[:, t] > 0, values[:, t], ahead)
        trace = torch.where(mask[:, t] > 0, now, trace)
        out.append(trace)
    return torch.stack(out[::-1], 1)


def loop_returns(rewards: Tensor, mask: Tensor) -> Tensor:
    """Discounted returns that an observation cuts off, whitened."""
    running = torch.zeros(len(rewards))
    out: list[Tensor] = []
    for t in reversed(range(rewards.shape[1])):
        running = rewards[:, t] + GAMMA * running
        out.append(running)
        running = running * mask[:, t]
    found = torch.stack(out[::-1], 1)
    chosen = found[mask > 0]
    return (found - chosen.mean()) / torch.sqrt(chosen.var() + 1e-8)


def loop_bi_level(rewards: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Both levels, token by token."""
    out = torch.zeros_like(rewards)
    for b in range(len(rewards)):
        ends = rewards[b].nonzero().flatten().tolist()
        given, above, end_ahead = {}, 0.0, 0.0
        for at in reversed(ends):
            above = float(rewards[b, at]) + GAMMA * end_ahead - values[b, at] + GAMMA * LAM * above
            given[at], end_ahead = above + values[b, at], values[b, at]
        ahead = trace = torch.zeros(())
        for at in reversed(mask[b].nonzero().flatten().tolist()):
            if at in given:
                ahead = trace = torch.zeros(())
            trace = given.get(at, 0.0) + GAMMA * ahead - values[b, at] + GAMMA * LAM * trace
            ahead = values[b, at]
            out[b, at] = trace
    return out


def loop_gigpo(turns: Turns) -> Array:
    """Returns and both baselines over dictionaries, a vote a turn."""
    count = len(turns.episode)
    returns, score = [0.0] * count, defaultdict(float)
    for k in reversed(range(count)):
        last = k + 1 == count or turns.episode[k + 1] != turns.episode[k]
        returns[k] = turns.reward[k] + (0.0 if last else GAMMA * returns[k + 1])
        score[turns.episode[k]] += turns.reward[k]
    groups, states = defaultdict(list), defaultdict(list)
    for k, e in enumerate(turns.episode):
        groups[turns.group[e]].append(score[e])
        states[turns.group[e], turns.state[k]].append(returns[k])  # type: ignore[index]
    return np.array(
        [
            score[e]
            - np.mean(groups[turns.group[e]])
            + returns[k]
            - np.mean(states[turns.group[e], turns.state[k]])  # type: ignore[index]
            for k, e in enumerate(turns.episode)
        ]
    )


def one_scalar_torch(score: Tensor, group: Tensor) -> Tensor:
    """GRPO on one ready number an episode, in torch."""
    number = torch.bincount(group)
    zero = torch.zeros(len(number))
    centred = score - (zero.index_add(0, group, score) / number)[group]
    deviation = torch.sqrt(zero.index_add(0, group, centred * centred) / (number - 1))
    return centred / (deviation[group] + 1e-6)


def one_scalar_numpy(score: Array, group: Array) -> Array:
    """The same in numpy: the least there is to do."""
    number = np.bincount(group)
    centred = score - (np.bincount(group, score) / number)[group]
    deviation = np.sqrt(np.bincount(group, centred * centred) / (number - 1))
    return centred / (deviation[group] + 1e-6)


def best(step: Callable[[], Any], times: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Milliseconds of the fastest of several runs."""
    taken: list[float] = []
    for _ in range(times):
        start = clock()
        with contextlib.redirect_stdout(io.StringIO()):
            step()
        taken.append((clock() - start) * 1e3)
    return min(taken)


Case = tuple[Callable[[], Any], Callable[[], Any] | None, Callable[[], Any] | None]
"""Ours, the loop, the official function."""


def token_cases(w: World) -> dict[str, Case]:
    """Methods that give a number a token."""
    method, few = credit.get, slice(0, FEW)
    gae, plus, bi = (
        verl("gae_advantage_return"),
        verl("reinforce_plus_plus_outcome_advantage"),
        official.ragen(),
    )
    part = (w.rewards[few], w.values[few], w.mask[few])
    return {
        "gae": (
            lambda: method("gae")(w.turns, values=w.packed, gamma=GAMMA, lam=LAM),
            lambda: loop_gae(w.rewards, w.values, w.mask),
            None,
        ),
        "gae, whitened": (
            lambda: whiten(method("gae")(w.turns, values=w.packed, gamma=GAMMA, lam=LAM)),
            None,
            gae and (lambda: gae(w.rewards, w.values, w.mask, GAMMA, LAM)[0]),
        ),
        "reinforce_plus_plus": (
            lambda: method("reinforce_plus_plus")(w.turns, gamma=GAMMA, variant="published"),
            lambda: loop_returns(w.rewards, w.mask),
            plus and (lambda: plus(w.rewards, w.mask, config=Config(gamma=GAMMA))[0]),
        ),
        "bi_level_gae": (
            lambda: method("bi_level_gae")(w.turns, values=w.packed, gamma=GAMMA, lam=LAM, turn_gamma=GAMMA),
            lambda: loop_bi_level(*part),
            bi and (lambda: bi(*part, GAMMA, LAM, GAMMA)[1] - part[1] * part[2]),
        ),
    }


def turn_cases(w: World) -> dict[str, Case]:
    """Methods that give a number a turn."""
    cases: dict[str, Case] = {}
    names = {
        "grpo": "grpo_outcome_advantage",
        "rloo": "rloo_outcome_advantage",
        "opo": "opo_outcome_advantage",
        "gpg": "gpg_outcome_advantage",
        "pass_at_k": "grpo_passk_outcome_advantage",
        "reinforce_plus_plus_baseline": "reinforce_plus_plus_baseline_outcome_advantage",
    }
    for name, theirs in names.items():
        found, config = verl(theirs), Config(norm_adv_by_std_in_grpo=True)
        more = {"config": config} if name == "pass_at_k" else {}
        cases[name] = (
            lambda name=name: credit.get(name)(w.turns),
            None,
            found and (lambda f=found, m=more: f(w.rewards, w.mask, w.group, **m)[0]),
        )
    for name in ("dr_grpo", "turn_baseline", "turn_grpo", "mapo"):
        cases[name] = (lambda name=name: credit.get(name)(w.turns), None, None)
    cases["gigpo"] = (
        lambda: credit.get("gigpo")(w.turns, gamma=GAMMA, votes="turn"),
        lambda: loop_gigpo(w.turns),
        official_gigpo(w),
    )
    return cases


def official_gigpo(w: World) -> Callable[[], Any] | None:
    """Step returns and both advantages, on rows of one turn each, as its trainer has them."""
    found, turns = official.gigpo(), w.turns
    if not found:
        return None
    width, count = POSITIONS // TURNS, len(turns.episode)
    mask, token_reward = torch.ones(count, width), torch.zeros(count, width)
    token_reward[:, -1] = torch.from_numpy(np.bincount(turns.episode, turns.reward)[turns.episode])
    anchor = np.array([f"state {state}" for state in turns.state], dtype=object)  # type: ignore[union-attr]
    columns = {"rewards": turns.reward, "traj_uid": turns.episode, "active_masks": np.ones(count)}
    batch = SimpleNamespace(non_tensor_batch=columns, batch={"input_ids": mask})

    def both() -> Tensor:
        step = found["compute_step_discounted_returns"](batch, GAMMA)
        group = turns.group[turns.episode]
        return found["compute_gigpo_outcome_advantage"](
            token_reward, step, mask, anchor, group, turns.episode
        )[0]

    return both


def verl(name: str) -> Callable[..., Any] | None:
    """One of verl's estimators, if it is there."""
    return official.verl(name)


def spread(result: Any, w: World) -> Array:
    """Any of the forms as one number a sampled token, of the rows there are."""
    if isinstance(result, Tensor):
        if result.shape[1] == POSITIONS:
            return result.numpy()[w.keep[: len(result)]]
        result = result[:, 0].numpy()
    return np.repeat(result, w.turns.tokens) if len(result) == len(w.turns.tokens) else result


def measure(cores: int) -> dict[str, Any]:
    """All cases on so many cores."""
    torch.set_num_threads(cores)
    threads.cores = lambda: cores
    clock = time.process_time if cores == 1 else time.perf_counter
    w, rows = World(), {}
    score = np.bincount(w.turns.episode, w.turns.reward)
    ready = torch.from_numpy(score).float(), torch.from_numpy(w.group)
    scalars = {
        "torch": best(lambda: one_scalar_torch(*ready), 300),
        "numpy": best(lambda: one_scalar_numpy(score, w.group), 300),
    }
    for name, (ours, loop, theirs) in (token_cases(w) | turn_cases(w)).items():
        per_token = name in token_cases(w)
        ours()  # compiled
        row: dict[str, float] = {"ours_ms": best(ours, 15 if per_token else 100, clock)}
        scale = ROWS / FEW if name == "bi_level_gae" else 1
        times = 1 if name in ("bi_level_gae", "gigpo") else 3
        for which, function in (("loop", loop), ("official", theirs)):
            if function is not None:
                row[f"{which}_ms"] = best(function, times, clock) * scale
                row[f"{which}_ratio"] = row[f"{which}_ms"] / row["ours_ms"]
                with contextlib.redirect_stdout(io.StringIO()):
                    reference = spread(function(), w)
                row["difference"] = float(np.abs(spread(ours(), w)[: len(reference)] - reference).max())
        if not per_token:
            row |= {f"of_one_scalar_{kind}": row["ours_ms"] / least for kind, least in scalars.items()}
        rows[name] = row
    return {"cases": rows, "one_scalar_ms": scalars, "turns": len(w.turns.tokens), "tokens": len(w.packed)}


def main() -> None:
    """Three rounds on one and on two cores; medians."""
    found = repeat(3, {f"{n} cores": lambda n=n: child(sys.executable, "learn_credit.py", n) for n in (1, 2)})
    figures = {
        cores: {
            name: {key: median([row["cases"][name] for row in rows], key) for key in rows[0]["cases"][name]}
            for name in rows[0]["cases"]
        }
        for cores, rows in found.items()
    }
    save("learn_credit", {"figures": figures, "rows": found})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        report(measure(int(sys.argv[1])))
    else:
        main()

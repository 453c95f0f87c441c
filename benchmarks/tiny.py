"""The policy that ships, in numpy alone: how fast, and the same as in torch?

    python benchmarks/tiny.py

Tokens a second of the whole model (one caller, one thread) in whole episodes, in a process that
cannot import torch or any other extra; then 1,000 prompts from five worlds, each continued greedily by numpy
and by transformers' own `generate`, token by token compared.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import turnwise
from common import Meter, save
from turnwise.engine.config import AgentConfig
from turnwise.model import Sampling
from turnwise.models.draws import Draw
from turnwise.models.tiny.blas import alone
from turnwise.models.tiny.draw import choose
from turnwise.models.tiny.folder import SHIPPED, Policy, read
from turnwise.models.tiny.llama import Cache
from turnwise.models.tiny.template import rendered

NAME = "sprout"
WORLDS: dict[str, dict[str, Any]] = {
    "number_guess": {},
    "lock": {},
    "keydoor": {},
    "bifurcation": {},
    "maze": {"max_steps": 40},
}
PROMPTS, MOST = 1000, 16
EXTRAS = ("torch", "transformers", "tokenizers", "safetensors", "jinja2", "numba", "scipy", "matplotlib")


def speed(name: str) -> dict[str, Any]:
    """Tokens a second of processor time in a world's episodes, one after the other."""
    agent = AgentConfig(use=f"tiny/{NAME}", sampling=Sampling(temperature=1.0, max_tokens=24))
    with Meter() as meter:
        run = turnwise.run(
            name, agent, settings=WORLDS[name] | {"count": 20}, concurrency=1, store=":memory:"
        )
    usage = [call.usage for log in run.logs() for call in log.calls if call.usage is not None]
    read_, said = (sum(getattr(one, key) or 0 for one in usage) for key in ("input", "output"))
    fed = read_ - sum(one.cached or 0 for one in usage)
    return meter.row(
        len(usage),
        tokens_said=said,
        tokens_read=fed,
        said_per_cpu_s=said / meter.cpu,
        said_per_wall_s=said / meter.wall,
    )


def speeds() -> dict[str, Any]:
    """`speed` of each world, in a process with the base install alone."""
    found: dict[str, Any] = {}
    for name in WORLDS:
        done = subprocess.run(
            [sys.executable, __file__, "--speed", name], check=True, stdout=subprocess.PIPE, text=True
        )
        found[name] = json.loads(done.stdout.splitlines()[-1])
        print(name, found[name], flush=True)
    return found


def prompts() -> dict[str, list[list[int]]]:
    """What players were shown in each world, as tokens: `PROMPTS` different prompts in all."""
    tokenizer = read(SHIPPED / NAME).loaded.tokenizer
    found: dict[str, list[list[int]]] = {}
    for name, settings in WORLDS.items():
        run = turnwise.run(name, "random", seed=5, settings=settings | {"count": 300}, store=":memory:")
        told = {
            rendered([{"role": one.role, "content": one.text} for one in log.shown(call)], prompt=True)
            for log in run.logs()
            for call in log.calls[:6]
        }
        drawn = random.Random(0).sample(sorted(told), PROMPTS // len(WORLDS))
        found[name] = [tokenizer.encode(text) for text in drawn]
    return found


def greedy(policy: Policy, ids: list[int]) -> list[int]:
    """The likeliest token after the likeliest token after `ids`, in numpy."""
    cache, draw = Cache(policy.network.shape), Draw(0.0, 1.0, 0, random.Random())
    tokens: list[int] = []
    feed = ids
    while len(tokens) < MOST and (not tokens or tokens[-1] not in policy.loaded.eos):
        token, _ = choose(policy.network.feed(feed, cache), draw)
        tokens.append(token)
        feed = [token]
    return tokens


def agreement() -> dict[str, Any]:
    """On how many prompts numpy and torch say the same."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    policy = read(SHIPPED / NAME)
    module: Any = AutoModelForCausalLM.from_pretrained(SHIPPED / NAME, dtype="auto").eval()
    found: dict[str, Any] = {"prompts": 0, "same": 0, "tokens": 0, "most_tokens": MOST, "worlds": {}}
    for name, rows in prompts().items():
        same = 0
        for ids in rows:
            with alone():
                mine = greedy(policy, ids)
            whole = module.generate(
                torch.tensor([ids]), do_sample=False, max_new_tokens=MOST, pad_token_id=1, use_cache=True
            )
            same += mine == whole[0, len(ids) :].tolist()
            found["tokens"] += len(mine)
        found["prompts"] += len(rows)
        found["same"] += same
        found["worlds"][name] = {"prompts": len(rows), "same": same}
        print(name, found["worlds"][name], flush=True)
    return found


def main() -> None:
    """Measure, and keep what was found."""
    if sys.argv[1:2] == ["--speed"]:
        # As in the base install: none of the extras can be imported.
        sys.modules.update(dict.fromkeys(EXTRAS))
        with alone():
            print(json.dumps(speed(sys.argv[2])))
        return
    folder = SHIPPED / NAME
    result = {
        "policy": NAME,
        "version": read(folder).version,
        "bytes": sum(file.stat().st_size for file in Path(folder).iterdir()),
        "speed": speeds(),
        "greedy": agreement(),
    }
    save("tiny", result)


if __name__ == "__main__":
    main()

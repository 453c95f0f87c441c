"""Processes that come, go and fail: torchrun, other numbers of them, and one that dies or hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import lessons  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.protocol import Scored, TrainingError  # noqa: E402
from turnwise.learn.engine.torchrun import TorchrunEngine, TorchrunOptions  # noqa: E402
from turnwise.learn.journal import read_log  # noqa: E402
from turnwise.learn.rows import batch_of  # noqa: E402


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    tiny.save(folder / "base", hidden=16, heads=2)
    return folder / "base"


@pytest.fixture(scope="module")
def batch(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Episodes of a training."""
    folder = tmp_path_factory.mktemp("episodes")
    wanted = lessons.config(folder, model=f"hf/{base}", steps=1)
    engine = LocalEngine(str(base), options=LocalOptions(max_tokens=3, device="cpu"))
    return batch_of(lessons.run(wanted, folder / "store.db", engine=engine)).batch


@contextmanager
def engine(model: Path, **options: Any) -> Iterator[TorchrunEngine]:
    made = TorchrunEngine(str(model), options=TorchrunOptions(**({"processes": 2, "timeout": 60} | options)))
    try:
        yield made
    finally:
        asyncio.run(made.close())


def others() -> list[int]:
    """The processes that this one started for an engine."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "torchrun import work"], capture_output=True
    )
    return [int(line) for line in found.stdout.split()]


def step(made: TorchrunEngine | LocalEngine, batch: Batch) -> float:
    def loss(scored: Scored) -> torch.Tensor:
        return (scored.logprobs * torch.sin(1.0 + scored.places)).sum() / 10

    made.forward_backward(batch, loss)
    return made.optim_step(lr=1e-2, clip=1.0, weight_decay=0.1)["grad_norm"]


def test_another_number_goes_on_from_the_checkpoint_when_one_dies(
    base: Path, batch: Batch, tmp_path: Path
) -> None:
    local = LocalEngine(str(base), options=LocalOptions(device="cpu"))
    expected = [step(local, batch) for _ in range(6)]
    found: list[float] = []
    with engine(base, processes=1) as made:
        found += [step(made, batch) for _ in range(2)]
        made.save(tmp_path / "one")
    with engine(base, processes=2) as made:
        made.load(tmp_path / "one")
        found += [step(made, batch) for _ in range(2)]
        made.save(tmp_path / "two")
        step(made, batch)
        (other,) = others()
        os.kill(other, signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(
            TrainingError, match=r"^training cannot go on: rank 1 was ended by SIGKILL; mend it"
        ):
            made.forward_backward(batch, None)
        assert time.monotonic() - began < 10
        with pytest.raises(TrainingError, match="rank 1 was ended by SIGKILL"):
            made.sync(1)
    with engine(base, processes=1) as made:
        made.load(tmp_path / "two")
        found += [step(made, batch) for _ in range(2)]
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_process_that_hangs_or_fails_is_told_of(
    base: Path, batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine(base, timeout=5) as made:
        (other,) = others()
        os.kill(other, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(TrainingError, match=r"training cannot go on: a rank gave no answer within 5 s"):
            step(made, batch)
        assert time.monotonic() - began < 30
    assert not others(), "what does not answer is ended"
    with engine(base):
        # From now on there is a folder of this name for rank 0 alone.
        monkeypatch.chdir(base.parent)
        with pytest.raises(TrainingError, match=r"rank 1 failed .*ConfigError: .*'hf/./base'"):
            TorchrunEngine("./base", options=TorchrunOptions(processes=2, timeout=60))
    with pytest.raises(ConfigError, match="nowhere"):
        TorchrunEngine(str(tmp_path / "nowhere"), options=TorchrunOptions(processes=2))
    assert not others(), "they end with their engine, and nobody is started for what cannot be loaded"


SCRIPT = """
import asyncio, sys
from pathlib import Path
import lessons
from turnwise.learn.engine.torchrun import TorchrunEngine, TorchrunOptions, obey

if not obey():
    folder = Path(sys.argv[1])
    wanted = lessons.config(folder, steps=2)
    made = TorchrunEngine(wanted.model[3:], options=TorchrunOptions(max_tokens=3, batch=5, timeout=60))
    lessons.run(wanted, folder / "store.db", engine=made)
    print("done by", made.options.processes)
"""


def test_torchrun_starts_a_training_that_gives_the_local_engines_curve(base: Path, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "base").symlink_to(base)
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    path = os.pathsep.join([str(Path(lessons.__file__).parent), *sys.path])
    done = subprocess.run(
        [*words, str(tmp_path / "train.py"), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("done by") == 1, "rank 0 alone went on"
    wanted = lessons.config(tmp_path, steps=2, folder=str(tmp_path / "local"))
    lessons.run(wanted, tmp_path / "local.db")
    ours, theirs = read_log(tmp_path / "out"), read_log(tmp_path / "local")
    assert len(ours) == len(theirs) == 2
    for here, there in zip(ours, theirs, strict=True):
        for key in here:
            if not key.startswith("seconds"):
                assert here[key] == pytest.approx(there[key], abs=1e-5), key


def test_a_model_that_takes_no_trees_is_refused_before_anybody_loads_it(tmp_path: Path) -> None:
    """One that looks at the last 24 tokens only: what stands behind a branch would count as near."""
    torch.manual_seed(0)
    near = transformers.MistralConfig(
        vocab_size=262,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        sliding_window=24,
    )
    transformers.MistralForCausalLM(near).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(
        ConfigError, match=r"\(MistralForCausalLM\) cannot be trained in trees: .* at 'auto'$"
    ):
        TorchrunEngine(str(tmp_path), options=TorchrunOptions(processes=2, layout="trees"))
    assert not others()

"""Where a study's trainings begin: a tiny policy with random weights that has learned a world's language.

Scripted players play; a tokenizer is made of what was said, and the policy learns to say what they said. Who
the players are decides how weak the start is: the language is theirs, and so is the play.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

import turnwise
from turnwise.engine.results import Run
from turnwise.environment import Environment
from turnwise.learn import tiny
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.imitation import demonstrations, imitate


def clone(
    folder: Path,
    *,
    environment: str | Environment,
    players: Mapping[Any, int],
    steps: int,
    seed: int,
    settings: Mapping[str, Any] | None = None,
    context: int = 1024,
    lr: float = 3e-3,
    **size: Any,
) -> str:
    """A policy that has learned a world's language from the episodes of its players; as `hf/FOLDER`.

    Args:
        folder: Where the policy goes. What is there already is taken as it is.
        environment: The world; a `str` by name or as `file.py:Class`, or made.
        players: Whose episodes are imitated, and how often each task is played for it.
        steps: Of imitation, 32 episodes each.
        seed: Of play, weights and imitation.
        settings: Of a world given by its name.
        context: Most tokens of an episode.
        lr: Learning rate of the imitation.
        **size: See `turnwise.learn.tiny.policy`.
    """
    if folder.exists():
        return f"hf/{folder}"
    began = time.process_time()
    given = {"settings": dict(settings or {})} if isinstance(environment, str) else {}
    store = folder.with_name(f"{folder.name}-players.db")
    runs = [
        turnwise.run(environment, player, epochs=epochs, seed=seed, store=store, **given)
        for player, epochs in players.items()
    ]
    engine = begun(runs, seed=seed, context=context, **size)
    losses = imitate(engine, demonstrations(runs, engine.tokenizer), steps=steps, lr=lr, seed=seed)
    seconds = time.process_time() - began
    print(f"{folder.name}: cloned in {seconds:.0f} s, loss {losses[0]:.2f} to {losses[-1]:.2f}", flush=True)
    engine.save(folder)
    return f"hf/{folder}"


def begun(runs: Iterable[Run], *, seed: int, context: int, **size: Any) -> LocalEngine:
    """A policy with random weights, over the tokens of what was said in some runs.

    Args:
        runs: Where to read it.
        seed: Of the weights.
        context: Most tokens of an episode.
        **size: See `turnwise.learn.tiny.policy`.
    """
    reads = tokenizer(turn.message.text for run in runs for log in run.logs() for turn in log.turns)
    module = tiny.policy(context=context, seed=seed, **size)
    torch.manual_seed(seed)
    module.resize_token_embeddings(len(reads), mean_resizing=False)
    return LocalEngine(module, reads, options=LocalOptions(device="cpu"))


def tokenizer(texts: Iterable[str], vocabulary: int = 512) -> Any:
    """The tiny policy's, with merges learned from what is said in a world, across words: a sentence that
    comes back all the time is a token or two, and so an episode is short.

    Args:
        texts: What is said.
        vocabulary: Tokens at most.
    """
    plain = tiny.tokenizer()
    raw: Any = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=plain.convert_ids_to_tokens(range(6)),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer=trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=plain.eos_token, pad_token=plain.pad_token)
    fast.chat_template = plain.chat_template
    return fast

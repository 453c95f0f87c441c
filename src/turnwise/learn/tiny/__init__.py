"""Tiny policies, made on the spot: the whole loop of learning runs on a laptop, with nothing downloaded.

A small Llama (`network`), and a tokenizer of bytes or of what was read in some texts (`words`). With random
weights it can read any text and knows nothing; `imitation` teaches it a world's language from the episodes of
scripted players in a minute, and then there is something to train. `shrunk` saves it small enough to ship.
A folder is a model for `tiny/FOLDER` (numpy alone) and `hf/FOLDER` (torch).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from turnwise.learn.tiny.network import policy, shrunk
from turnwise.learn.tiny.words import texts_of, tokenizer

__all__ = ["policy", "save", "shrunk", "texts_of", "tokenizer"]


def save(folder: str | Path, **size: Any) -> str:
    """Save a tiny policy with random weights that reads bytes, for `hf/FOLDER`; gives `hf/FOLDER`.

    Args:
        folder: Where.
        **size: See `policy`.
    """
    policy(**size).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return f"hf/{folder}"

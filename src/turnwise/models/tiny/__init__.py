"""`tiny/<name or folder>`: a small Llama on the base install, in numpy alone.

A policy that comes with the package is named (`tiny/sprout`), any other of its kind by its folder: what
`turnwise.learn.tiny` makes and `turnwise train` saves. The same folder is `hf/FOLDER` to torch, and says the
same there.

Read a folder (`folder`: `safetensors`, `tokenizer`, `template`), feed tokens (`llama`, `blas`), draw one
(`draw`), keep what was fed between turns (`past`), answer messages (`model`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnwise.models.options import checked
from turnwise.models.tiny import folder
from turnwise.models.tiny.model import TinyModel
from turnwise.models.tiny.options import TinyOptions

__all__ = ["TinyModel", "TinyOptions", "connect"]


def connect(name: str, options: Mapping[str, Any]) -> TinyModel:
    """The model `tiny/<name>`, loaded now.

    Raises:
        ConfigError: an option does not fit, there is no such policy, or its folder is broken.
    """
    given = checked(f"tiny/{name}", options, TinyOptions)
    return TinyModel(name, given, folder.read(folder.find(name)))

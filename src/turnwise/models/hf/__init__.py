"""`hf/<folder or hub id>`: transformers models in this process.

Calls of concurrent episodes are generated together (`worker`, `batch`), each with its own way of drawing
(`draw`). What an episode's earlier turns left behind is used again: their tokens, exactly as fed and sampled
(`chat`, by the `renderers` package in `known` or the tokenizer's template in `template`), and their keys and
values (`past`), so that a turn costs its new tokens only. Samples carry token ids and log-probabilities.

Needs `pip install 'turnwise[local]'`; nothing here imports torch before a model is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from turnwise.models.hf.options import HFOptions
from turnwise.models.options import checked, sdk_of

if TYPE_CHECKING:
    from turnwise.models.hf.model import HFModel

__all__ = ["HFOptions", "connect"]


def connect(name: str, options: Mapping[str, Any]) -> HFModel:
    """The model `hf/<name>`, loaded now.

    Raises:
        ConfigError: an option does not fit, `turnwise[local]` is not installed, or there is no such model.
    """
    given = checked(f"hf/{name}", options, HFOptions)
    sdk_of(f"hf/{name}", "torch", "local")
    from turnwise.models.hf.model import HFModel

    return HFModel(name, given)

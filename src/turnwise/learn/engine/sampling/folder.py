"""Weights as folders that a server reads: a whole model, or an adapter, one folder a version."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from turnwise.learn.engine.network import quiet
from turnwise.learn.engine.sampling.protocol import Weights

_INSIDE = "base_model.model."
"""What peft puts before the names of the network that its adapters are in."""


class Folders:
    """Writes pushed weights where the server finds them.

    Args:
        root: A folder that the server sees under the same path; by default a temporary one, which a server on
            this machine does.
        module: The network that is trained: its config goes with the weights, and what is not trained.
        adapter: peft's model round it, where adapters alone are trained; then they alone are written.
        tokenizer: Goes with a whole model.
    """

    def __init__(self, root: str | None, module: Any, adapter: Any, tokenizer: Any) -> None:
        # What is temporary goes with this object.
        self._temporary = None
        if root is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="turnwise-weights-")
            root = self._temporary.name
        self._root = Path(root).absolute()
        self._module, self._adapter, self._tokenizer = module, adapter, tokenizer

    def write(self, weights: Weights, label: str) -> Path:
        """The folder with these weights.

        Raises:
            OSError: it cannot be written.
        """
        given = {name: tensor.detach() for name, tensor in weights}
        folder = self._root / label
        self.drop(label)
        folder.mkdir(parents=True)
        with quiet():
            if self._adapter is not None:
                named = {_INSIDE + name: tensor for name, tensor in given.items()}
                self._adapter.save_pretrained(folder, state_dict=named)
            else:
                others = {key: frozen for key, frozen in self._module.named_parameters() if key not in given}
                self._module.save_pretrained(folder, state_dict={**others, **given})
                self._tokenizer.save_pretrained(folder)
        return folder

    def drop(self, label: str) -> None:
        """The server no longer reads this one."""
        shutil.rmtree(self._root / label, ignore_errors=True)

"""Embeddings of texts that stay: each text is embedded once, and its vector kept in a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from turnwise.embedder import Embedder, Vectors


async def kept(embedder: Embedder, texts: Sequence[str], folder: Path | None, name: str) -> Vectors:
    """The vectors `[N, D]` of texts, from a file as far as it has them; what it lacks is embedded and added.

    Args:
        embedder: Makes what is lacking.
        texts: N of them.
        folder: Where the file is; None for no file. One that cannot be written to is let be.
        name: Its name begins with this.

    Raises:
        ModelError: what is lacking cannot be had.
    """
    file = None if folder is None else folder / f"{name}_{_slug(embedder.name)}.npz"
    keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
    known = {} if file is None else _read(file)
    lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if lacking:
        made = await embedder.embed(list(lacking.values()))
        if known and made.shape[1:] != next(iter(known.values())).shape:
            # Another model answers to this name now.
            known, lacking = {}, dict(zip(keys, texts, strict=True))
            made = await embedder.embed(list(lacking.values()))
        known.update(zip(lacking, made, strict=True))
        if file is not None:
            _write(file, known)
    return np.stack([known[key] for key in keys]) if keys else np.zeros((0, 0), np.float32)


def _read(file: Path) -> dict[str, NDArray[np.float32]]:
    """The vectors in a file, by key; nothing, where it is not there or was damaged."""
    try:
        with np.load(file, allow_pickle=False) as held:
            keys, vectors = held["keys"], held["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    if vectors.ndim != 2 or len(keys) != len(vectors) or vectors.dtype != np.float32:
        return {}
    return dict(zip(map(str, keys), vectors, strict=True))


def _write(file: Path, known: dict[str, NDArray[np.float32]]) -> None:
    """Write it beside, and move it into place."""
    with contextlib.suppress(OSError):
        handle, beside = tempfile.mkstemp(dir=file.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
            os.replace(beside, file)
        except BaseException:
            os.unlink(beside)
            raise


def _slug(name: str) -> str:
    """A name fit for a file, and still different from all others."""
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII)[:60]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

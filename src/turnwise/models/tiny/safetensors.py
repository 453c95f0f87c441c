"""Reads a safetensors file: eight bytes for the header's length, the header as JSON, then the numbers.

A file is other people's: each length and type is checked before anything is read by it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from turnwise.errors import ConfigError

_WIDTHS = {"F32": 4, "F16": 2, "BF16": 2}


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """All tensors of a file by name, in single precision.

    Args:
        path: The file. Its tensors are of type `F32`, `F16` or `BF16`.

    Raises:
        ConfigError: it cannot be read, is cut off or broken, or has a tensor of another type.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    body = 8 + int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or body > len(raw):
        raise _broken(path, f"its {len(raw)} bytes end within its header")
    try:
        header = msgspec.json.decode(raw[8:body], type=dict[str, Any])
        header.pop("__metadata__", None)
        entries = msgspec.convert(header, dict[str, _Entry])
    except msgspec.MsgspecError as error:
        raise _broken(path, f"its header does not parse: {error}") from None
    data = memoryview(raw)[body:]
    return {name: _tensor(path, name, entry, data) for name, entry in entries.items()}


def _tensor(path: Path, name: str, entry: _Entry, data: memoryview) -> NDArray[np.float32]:
    width = _WIDTHS.get(entry.dtype)
    if width is None:
        raise ConfigError(
            f"{path}: tensor {name!r} is of type {entry.dtype}, expected {', '.join(_WIDTHS)}: save it as one"
        )
    begin, end = entry.data_offsets
    if min(entry.shape, default=0) < 0 or not 0 <= begin <= end <= len(data):
        raise _broken(path, f"tensor {name!r} has bytes {begin} to {end} of {len(data)}")
    if end - begin != width * math.prod(entry.shape):
        raise _broken(path, f"tensor {name!r} of shape {entry.shape} has {end - begin} bytes")
    part = data[begin:end]
    if entry.dtype == "BF16":
        # The upper half of a number in single precision.
        numbers = (np.frombuffer(part, "<u2").astype("<u4") << 16).view("<f4")
    else:
        numbers = np.frombuffer(part, "<f4" if entry.dtype == "F32" else "<f2")
    found = numbers.astype(np.float32).reshape(entry.shape)
    if not np.isfinite(found).all():
        raise _broken(path, f"tensor {name!r} holds numbers that are not finite")
    return found


def _broken(path: Path, how: str) -> ConfigError:
    return ConfigError(f"{path}: broken: {how}; expected a whole .safetensors file: copy it again")

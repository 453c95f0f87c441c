"""A cache of model calls on disk, addressed by their content: the same call is paid for once.

A call is the same when model, options, messages, tools, sampling, the role's seed in its episode and the
number of the call are. So a run that is repeated with the same seed costs nothing, and the epochs of one run
stay different from each other. Several processes may use one folder: entries are written beside and moved
into place, and each begins with its own checksum, so a damaged one is not believed but written anew.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import msgspec

from turnwise.errors import ConfigError
from turnwise.model import Model, Request, Sample, Stateful
from turnwise.models.wrapper import StatefulWrapper, Wrapper, fitting
from turnwise.wire import encode

_VERSION = 1
"""Part of every key; rises when what is stored changes, so that old entries are not found."""


def cached(model: Model, folder: str | Path) -> Model:
    """`model`, with its calls kept in `folder`; a call that is found there costs nothing.

    Raises:
        ConfigError: the folder cannot be made or written to.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise ConfigError(f"cache: cannot write to the folder {place}: {error.strerror}") from None
    return fitting(model, _Cached, _StatefulCached)(model, place)


class _Cached(Wrapper):
    def __init__(self, model: Model, folder: Path) -> None:
        super().__init__(model)
        self.folder = folder
        self._who = encode([_VERSION, model.name, _options(model)])
        self._writes = True

    async def sample(self, request: Request) -> Sample:
        path = self._path(request)
        sample = _read(path)
        if sample is None:
            sample = await self.model.sample(request)
            self._write(path, sample)
            return sample
        if isinstance(self.model, Stateful):
            self.model.replayed(request, sample.message)
        return sample

    def _path(self, request: Request) -> Path:
        asked = [request.messages, request.tools, request.sampling, request.rng_seed, request.ordinal]
        key = hashlib.sha256(self._who + encode(asked)).hexdigest()
        return self.folder / key[:2] / f"{key}.json"

    def _write(self, path: Path, sample: Sample) -> None:
        """Keep a sample; the one that was paid for is not lost because the cache cannot."""
        if not self._writes:
            return
        usage = sample.usage
        if usage is not None:
            usage = msgspec.structs.replace(usage, cost=0.0)
        sample = msgspec.structs.replace(sample, usage=usage, retries=())
        body = msgspec.json.encode(sample)
        try:
            path.parent.mkdir(exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_checksum(body) + body)
                os.replace(beside, path)
            except OSError:
                os.unlink(beside)
                raise
        except OSError as error:
            self._writes = False
            warnings.warn(
                f"cache {self.folder}: {error.strerror}; calls are not kept from here on", stacklevel=2
            )


class _StatefulCached(_Cached, StatefulWrapper):
    pass


def _read(path: Path) -> Sample | None:
    """The sample of an entry; None where there is none, or not a whole one."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    head, body = data[:65], data[65:]
    if head != _checksum(body):
        return None
    try:
        return msgspec.json.decode(body, type=Sample)
    except msgspec.MsgspecError:
        return None


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b"\n"


def _options(model: Any) -> Any:
    """The options of the innermost model, where it has any: they decide what it answers."""
    while hasattr(model, "model") and not isinstance(model.model, str):
        model = model.model
    options: Any = getattr(model, "options", None)
    return options if isinstance(options, msgspec.Struct) else None

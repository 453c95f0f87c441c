"""Reads the parts of a checkpoint. What is broken is one line: which part, what was expected, what to do.

transformers is lenient where a result would be worthless: tensors that a checkpoint lacks are drawn at
random, and a generation config that does not parse is passed over. Here both are refused.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from turnwise.errors import ConfigError
from turnwise.models.hf import hub
from turnwise.models.hf.options import HFOptions

_SAVED = "config.json, model.safetensors and tokenizer.json, as `save_pretrained` writes them"
_NAMED = 6
"""Most tensors that an error names."""


class Parts(NamedTuple):
    """What a checkpoint holds."""

    model: Any
    """`transformers.PreTrainedModel`, on the CPU."""
    tokenizer: Any
    rows: int | None
    """Token ids that the model has rows for, where it says so."""


class Checkpoint:
    """A folder or a hub id with a model in it.

    Args:
        full: The model's name, for errors.
        name: Folder or hub id.
        options: Which revision, and whether to trust its code.

    Raises:
        ConfigError: it is a folder that does not exist, or has no model in it.
    """

    def __init__(self, full: str, name: str, options: HFOptions) -> None:
        folder = Path(name).expanduser()
        if (name.startswith((".", "/", "~")) or name.count("/") > 1) and not folder.is_dir():
            raise ConfigError(f"model {full!r}: there is no folder {name!r}; expected one with {_SAVED}")
        self._full = full
        self._folder = folder if folder.is_dir() else None
        self._adapter = self._has("adapter_config.json")
        if self._folder is not None and not self._adapter and not self._has("config.json"):
            raise ConfigError(
                f"model {full!r}: there is no config.json in {name!r}; expected a folder with {_SAVED}: "
                f"name that one"
            )
        self._source = name if self._folder is None else str(folder)
        self._common = {"revision": options.revision, "trust_remote_code": options.trust_remote_code}
        self._offline = self._folder is None and not hub.is_reachable()
        if self._offline:
            self._common["local_files_only"] = True

    def read(self, transformers: Any, dtype: Any) -> Parts:
        """Everything, with weights of type `dtype`.

        Raises:
            ConfigError: a part is missing or broken, or the parts do not belong together.
        """
        if not self._adapter:
            with self._reading("config.json", "that of a model which this version of transformers knows"):
                transformers.AutoConfig.from_pretrained(self._source, **self._common)
        if self._has("generation_config.json"):
            with self._reading("generation_config.json", "a JSON object; mend the file or remove it"):
                transformers.GenerationConfig.from_pretrained(self._source)
        advice = "tokenizer.json and tokenizer_config.json; save the model's own tokenizer there"
        with self._reading("the tokenizer", advice):
            tokenizer = transformers.AutoTokenizer.from_pretrained(self._source, **self._common)
        model = self._weights(transformers, dtype)
        rows = getattr(model.get_input_embeddings(), "num_embeddings", None)
        if rows is not None:
            self._check_words(tokenizer, rows)
        return Parts(model, tokenizer, rows)

    def _weights(self, transformers: Any, dtype: Any) -> Any:
        with self._reading("the weights", "whole .safetensors files that fit config.json; copy them again"):
            # Tensors of other sizes are let through here, because `_check_whole` names them better.
            model, report = transformers.AutoModelForCausalLM.from_pretrained(
                self._source,
                dtype=dtype,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **self._common,
            )
        self._check_whole(report)
        return model

    def _check_whole(self, report: dict[str, Any]) -> None:
        """Whether each tensor of the model came from the checkpoint.

        Raises:
            ConfigError: one did not; transformers has filled it with random numbers.
        """
        if missing := report.get("missing_keys"):
            raise ConfigError(
                f"model {self._full!r}: its weights lack {_listed(missing)}, which would be left random; "
                f"expected every tensor that config.json asks for: copy the checkpoint again, or mend its "
                f"config.json"
            )
        if other := report.get("mismatched_keys"):
            sizes = (f"{key} ({_size(stored)}, not {_size(asked)})" for key, stored, asked in other)
            raise ConfigError(
                f"model {self._full!r}: its weights have other sizes than config.json asks for: "
                f"{_listed(sizes)}; put the config.json there that was saved with them"
            )

    def _check_words(self, tokenizer: Any, rows: int) -> None:
        """Whether the model has a row for all the tokenizer's tokens. Special ones may be spare.

        Raises:
            ConfigError: it has not.
        """
        special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
        beyond = [number for number in tokenizer.get_vocab().values() if number >= rows]
        if words := set(beyond) - special:
            raise ConfigError(
                f"model {self._full!r}: its tokenizer is another model's: {len(words)} of its tokens, up to "
                f"id {max(words)}, have no row among the model's {rows}; save the model's own tokenizer there"
            )

    @contextmanager
    def _reading(self, part: str, expected: str) -> Generator[None]:
        """Makes one line of whatever reading `part` raises; the files are other people's."""
        try:
            yield
        except Exception as error:
            if self._offline:
                raise ConfigError(
                    f"model {self._full!r}: {part} of it is not on this machine, there is no folder "
                    f"{self._source!r}, and the hub ({hub.address()}) cannot be reached: expected one of them"
                ) from error
            broken = self._broken() if part == "the weights" else None
            place = f" ({broken})" if broken else ""
            raise ConfigError(
                f"model {self._full!r}: {part}{place} cannot be loaded: {reason_of(error)}; "
                f"expected {expected}"
            ) from error

    def _broken(self) -> str | None:
        """The first file of weights that is not whole."""
        from safetensors import safe_open

        for file in sorted(self._folder.glob("*.safetensors")) if self._folder else ():
            try:
                with safe_open(file, framework="pt"):
                    pass
            except Exception:
                return file.name
        return None

    def _has(self, file: str) -> bool:
        return self._folder is not None and (self._folder / file).is_file()


def reason_of(error: Exception) -> str:
    """What an exception says, on one line of bearable length."""
    text = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {text if len(text) <= 200 else text[:199] + '…'}"


def _listed(names: Iterable[str]) -> str:
    """The first few of `names`, and how many there are."""
    ordered = sorted(names)
    rest = len(ordered) - _NAMED
    return ", ".join(ordered[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _size(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape))

"""The engine at Tinker: adapters are trained and sampled by a service, this process holds no weights.

    forward_backward   two passes there: log-probabilities come here, the loss is taken and differentiated
                       here (`forward_backward_custom`), and its derivatives go back; so every loss of this
                       package trains as it does locally
    optim_step         AdamW there
    sync               a snapshot of the weights, and a sampling client for it
    save, load         a checkpoint there; the folder here says where it is

Tokens are rendered and read here (`models.hf.speaker`), with the tokenizer that the service names. A sample
is finished by the snapshot it began with. Log-probabilities are those at temperature 1 on both sides, so only
that temperature can be trained at.

Needs `pip install 'turnwise[tinker]'` and the variable `TINKER_API_KEY`. The SDK is 0.38.0, whose wire form
older servers do not speak. Tried with that SDK over HTTP against a server in the tests that speaks its calls
over a real network, and with no other server.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import torch
from torch import Tensor

from turnwise.errors import CapabilityError, ConfigError, ModelError
from turnwise.learn.batch import Batch, Bools
from turnwise.learn.engine.protocol import Drawn, Loss, Pass, Scored, TrainingError
from turnwise.learn.engine.sampling.served import Answer, Ask, ServedPolicy
from turnwise.model import Model, Request, Sampling
from turnwise.models.hf.loading import Loaded
from turnwise.models.hf.options import HFOptions
from turnwise.models.options import sdk_of
from turnwise.models.policy import CallPolicy
from turnwise.models.transport import CONNECT_SECONDS

STATE = "tinker.json"
"""The file of a checkpoint."""
_BETAS = (0.9, 0.95)
_EPS = 1e-8
_KEPT = 3
"""Snapshots that requests in flight may still name."""


class TinkerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to train, and how to sample."""

    lora: int = 32
    """Rank of the adapters."""
    tokenizer: str | None = None
    """Folder or hub id of the tokenizer; by default the one that the service names."""
    base_url: str | None = None
    """Address of the service; by default `TINKER_BASE_URL`, else Tinker's own."""
    temperature: float = 1.0
    """At which episodes are sampled: 1."""
    max_tokens: int = 256
    """Most tokens of one reply."""
    batch: int = 64
    """Not used: the service knows how much it works on at once."""
    seed: int = 0
    """Of the adapters' first weights."""


class _State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a checkpoint's folder says."""

    path: str
    model: str
    lora: int
    version: int


class TinkerEngine:
    """See the module and `protocol.Engine`.

    Args:
        model: The service's name of the base model, such as `Qwen/Qwen3-8B`.
        options: See there.

    Raises:
        ConfigError: the SDK is missing, or the service cannot be reached or does not train this.
    """

    exact = False

    def __init__(self, model: str, *, options: TinkerOptions | None = None) -> None:
        self.options = options = options or TinkerOptions()
        self.name = f"tinker/{model}"
        if options.temperature != 1:
            raise ConfigError(
                f"{self.name}: temperature must be 1, got {options.temperature}: Tinker tells the "
                f"log-probabilities of no other distribution"
            )
        self._sdk = sdk_of(self.name, "tinker", "tinker")
        self._model = model
        _look(self.name, options.base_url or os.environ.get("TINKER_BASE_URL"))
        with self._asked(ConfigError, "does not train it"):
            self._service = self._sdk.ServiceClient(base_url=options.base_url)
            made = self._service.create_lora_training_client(model, rank=options.lora, seed=options.seed)
            self._client = made.result()
        self.tokenizer: Any = self._tokenizer()
        eos = self.tokenizer.eos_token_id
        ends = frozenset[int]() if eos is None else frozenset({int(eos)})
        loaded = Loaded(None, self.tokenizer, None, ends, None, {"temperature": 1.0})
        how = HFOptions(max_tokens=options.max_tokens, keep_thoughts=True)
        # The SDK tries again itself.
        self._policy = ServedPolicy(self.name, how, loaded, self._send, _nothing, CallPolicy(attempts=1))
        self._samplers: dict[str, Any] = {}
        self._label = f"turnwise-{secrets.token_hex(4)}"
        self._saved = 0
        self.sync(0)

    @property
    def policy(self) -> Model:
        """See `Engine.policy`."""
        return self._policy

    def forward_backward(self, batch: Batch, loss: Loss | None, *, entropy: bool = False) -> Pass:
        """See `Engine.forward_backward`.

        Raises:
            CapabilityError: entropies are asked for.
            TrainingError: the loss is no finite number, or the service failed. Gradients of earlier calls
                since the last step stay there.
        """
        if entropy:
            raise CapabilityError(f"{self.name}: Tinker tells no entropies: choose a loss that needs none")
        data, masks = self._data(batch)
        if not data:
            return Pass(0.0, np.zeros(0, dtype=np.float32), None)
        if loss is None:
            with self._asked(TrainingError, "scored nothing"):
                found = self._client.forward(data, "cross_entropy").result().loss_fn_outputs
            return Pass(0.0, _joined([one["logprobs"].to_torch() for one in found], masks).numpy(), None)
        local = _LocalLoss(loss, masks)
        with self._asked(TrainingError, "did not take the gradient"):
            self._client.forward_backward_custom(data, local).result()
        if not np.isfinite(local.value):
            raise TrainingError(f"the loss is {local.value}: expected a finite number; no weight was moved")
        assert local.logprobs is not None
        return Pass(local.value, local.logprobs.numpy(), None)

    def optim_step(self, *, lr: float, clip: float, weight_decay: float = 0.0) -> dict[str, float]:
        """See `Engine.optim_step`; `grad_norm` is NaN where the service does not tell it."""
        params = self._sdk.AdamParams(
            learning_rate=lr,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            eps=_EPS,
            weight_decay=weight_decay,
            # There 0 means no limit; here it means that nothing may move.
            grad_clip_norm=clip or 1e-30,
        )
        with self._asked(TrainingError, "did not step"):
            told: dict[str, float] = self._client.optim_step(params).result().metrics or {}
        norm = next((value for key, value in told.items() if "grad_norm" in key), float("nan"))
        return {"grad_norm": norm, "skipped": 0.0}

    async def sample(
        self, prompt: Sequence[int], sampling: Sampling, *, count: int = 1, seed: int | str = 0
    ) -> list[Drawn]:
        """See `Engine.sample`."""
        request = Request(messages=(), sampling=sampling, rng_seed=seed)
        answers = await asyncio.gather(*(self._policy.draw(list(prompt), request) for _ in range(count)))
        return [Drawn(one.sampled, one.logprobs, one.finish or "stop") for one in answers]

    def sync(self, version: int) -> None:
        """See `Engine.sync`."""
        with self._asked(TrainingError, "gave no snapshot to sample with"):
            self._samplers[str(version)] = self._client.save_weights_and_get_sampling_client().result()
        self._policy.version = str(version)
        for old in list(self._samplers)[:-_KEPT]:
            del self._samplers[old]

    def save(self, folder: Path) -> None:
        """See `Engine.save`. The weights are at the service; nothing here is a model to load."""
        version = int(self._policy.version or 0)
        self._saved += 1
        with self._asked(TrainingError, "wrote no checkpoint"):
            path: str = self._client.save_state(f"{self._label}-{version}-{self._saved}").result().path
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        state = _State(path=path, model=self._model, lora=self.options.lora, version=version)
        (partial / STATE).write_bytes(msgspec.json.encode(state))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)

    def load(self, folder: Path) -> None:
        """See `Engine.load`."""
        try:
            state = msgspec.json.decode((folder / STATE).read_bytes(), type=_State)
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigError(f"checkpoint {folder}: cannot be read ({error})") from None
        if (state.model, state.lora) != (self._model, self.options.lora):
            raise ConfigError(
                f"checkpoint {folder} is of {state.model!r} with lora {state.lora}, this is {self._model!r} "
                f"with {self.options.lora}; name the model it was made from, with the same lora"
            )
        with self._asked(ConfigError, f"does not load {state.path}"):
            made = self._service.create_training_client_from_state_with_optimizer(state.path)
            self._client = made.result()
        self._samplers.clear()
        self.sync(state.version)

    async def close(self) -> None:
        """Drop what is remembered of sessions; the service's session ends with this process."""
        await self._policy.close()

    def _tokenizer(self) -> Any:
        named = self.options.tokenizer
        if named is None:
            with self._asked(ConfigError, "names no tokenizer that can be loaded: give `tokenizer`"):
                return self._client.get_tokenizer()
        transformers = sdk_of(self.name, "transformers", "tinker")
        try:
            return transformers.AutoTokenizer.from_pretrained(named)
        except (OSError, ValueError) as error:
            raise ConfigError(f"tokenizer {named!r} cannot be loaded: {_line(error)}") from error

    def _data(self, batch: Batch) -> tuple[list[Any], list[Bools]]:
        """Each row that has something sampled, up to its last sampled token: inputs, and targets, which are
        the inputs moved by one; and which targets were sampled."""
        sdk, data, masks = self._sdk, list[Any](), list[Bools]()
        for start, end in zip(batch.row_start[:-1], batch.row_start[1:], strict=True):
            sampled = batch.sampled[start:end]
            if sampled.any():
                last = int(np.flatnonzero(sampled)[-1])
                ids = batch.ids[start : start + last + 1].astype(np.int64)
                masks.append(sampled[1 : last + 1])
                inputs = {
                    "target_tokens": ids[1:],
                    # These only count where there is no loss of our own, and then nothing is learned.
                    "weights": np.zeros(last, dtype=np.float32),
                }
                prompt = sdk.ModelInput.from_ints(ids[:-1].tolist())
                data.append(sdk.Datum(model_input=prompt, loss_fn_inputs=inputs))
        return data, masks

    async def _send(self, ask: Ask) -> Answer:
        sampler = self._samplers.get(ask.version)
        if sampler is None:
            raise ModelError(f"{self.name}: the weights of version {ask.version} are gone", kind="stale")
        ends = self._policy.ends
        stop: Any = ends
        if ask.stop:
            # The service takes words or token ids, not both.
            stop = [*ask.stop, *(self.tokenizer.decode([token]) for token in ends)]
        params = self._sdk.SamplingParams(
            max_tokens=ask.limit,
            seed=ask.seed,
            stop=stop,
            temperature=ask.temperature,
            top_k=ask.top_k or -1,
            top_p=ask.top_p,
        )
        prompt = self._sdk.ModelInput.from_ints(ask.prompt)
        try:
            answer = await sampler.sample(prompt, 1, params)
        except self._sdk.TinkerError as error:
            raise ModelError(f"{self.name}: {_line(error)}", kind="server", retryable=True) from error
        (sequence,) = answer.sequences
        tokens, logprobs = sequence.tokens, sequence.logprobs
        if logprobs is None or len(logprobs) != len(tokens):
            raise ModelError(f"{self.name}: the service tells no log-probabilities", kind="malformed")
        cached = min(int(answer.prompt_cache_hit_tokens), len(ask.prompt))
        return Answer(ask.prompt, tokens, logprobs, sequence.stop_reason, cached)

    @contextmanager
    def _asked(self, kind: type[Exception], what: str) -> Generator[None]:
        """Makes one line of whatever the SDK raises."""
        try:
            yield
        except (TrainingError, ConfigError, CapabilityError):
            raise
        except Exception as error:
            raise kind(f"{self.name}: the service {what} ({_line(error)})") from error


def _look(name: str, url: str | None) -> None:
    """Whether the service can be reached: the SDK itself would try for minutes.

    Raises:
        ConfigError: it cannot.
    """
    if url is not None:
        try:
            httpx.get(f"{url.rstrip('/')}/api/v1/healthz", timeout=CONNECT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConfigError(f"{name}: cannot reach {url} ({_line(error)}); see `base_url`") from error


class _LocalLoss:
    """A loss as the SDK calls it: with the log-probabilities of all rows at once.

    Args:
        loss: Ours.
        masks: `[rows][width]` What of each row it is about.
    """

    def __init__(self, loss: Loss, masks: Sequence[Bools]) -> None:
        self._loss = loss
        self._masks = masks
        self.value = 0.0
        self.logprobs: Tensor | None = None

    def __call__(self, data: Sequence[Any], given: Sequence[Tensor]) -> tuple[Tensor, dict[str, float]]:
        """The loss, and no metrics."""
        chosen = _joined(given, self._masks)
        self.logprobs = chosen.detach()
        value = self._loss(Scored(chosen, torch.arange(len(chosen))))
        self.value = float(value.detach())
        # The SDK wants a derivative for every number, also where a loss does not look at it.
        nothing = torch.stack([0.0 * row.nan_to_num(0.0, 0.0, 0.0).sum() for row in given]).sum()
        return (value + nothing if np.isfinite(self.value) else nothing), {}


def _joined(rows: Sequence[Tensor], masks: Sequence[Bools]) -> Tensor:
    """`[m]` What the masks choose, one row behind the other."""
    return torch.cat([row[torch.as_tensor(mask)] for row, mask in zip(rows, masks, strict=True)])


async def _nothing() -> None:
    """There is nothing to close."""


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]

"""An SGLang server samples: `/generate` of token ids, weights by SGLang's own interface.

    python -m sglang.launch_server --model-path MODEL                   whole models
    ... --enable-lora --max-lora-rank RANK --lora-target-modules all    adapters

- **Adapters** are loaded under a name for each version (`/load_lora_adapter`). A request names its version,
  so that what began under an older one is finished by it.
- **Whole models by files**: `/pause_generation` (requests in flight go back to the queue),
  `/update_weights_from_disk`, which also drops the cache of keys and values of older weights, and
  `/continue_generation`. Requests in flight are resumed with the new weights.
- **By NCCL**: the same round `/update_weights_from_distributed`, in a process group that the server joins by
  `/init_weights_update_group` and this process by SGLang's own helper (`sglang`, importable here).

The server is told the name of its weights with them, and says it with each sample (`weight_version`): one
that was restarted is noticed at once. Its log-probabilities are those of the distribution after temperature,
unless `SGLANG_RETURN_ORIGINAL_LOGPROB` is set.

Tried against a server in the tests that speaks these calls as SGLang's source has them, with a real model
whose weights are those that were pushed: adapters and files. NCCL has been tried with a stand-in for SGLang's
library only, and nothing of this with SGLang itself.
"""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from turnwise.errors import ConfigError, ModelError
from turnwise.learn.engine.sampling.far import free_port, own_address
from turnwise.learn.engine.sampling.protocol import Weights
from turnwise.learn.engine.sampling.served import Answer, Ask, ServedSampler, ids_of

_MODEL_INFO = ("/model_info", "/get_model_info")
"""Newer and older name."""
_SERVER_INFO = ("/server_info", "/get_server_info")


class SGLangSampler(ServedSampler):
    """See the module and `ServedSampler`."""

    kind = "sglang"
    key = "SGLANG_API_KEY"
    _group: Any = None
    """The process group of NCCL, once there is one."""

    def _find(self) -> int | None:
        for path in _MODEL_INFO:
            try:
                self.far.get(path)
                break
            except ModelError as error:
                if error.kind != "not_found":
                    raise
        else:
            raise ConfigError(f"{self.far.url} is no SGLang server: it has no {_MODEL_INFO[0]}")
        cards: list[dict[str, Any]] = self.far.get("/v1/models")["data"]
        longest = cards[0].get("max_model_len")
        return None if longest is None else int(longest)

    def _body(self, ask: Ask) -> tuple[str, dict[str, Any]]:
        params: dict[str, Any] = {
            "max_new_tokens": ask.limit,
            "temperature": ask.temperature,
            "top_p": ask.top_p,
            "top_k": ask.top_k or -1,
            # None of the server's own defaults may change what is drawn from.
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "stop": list(ask.stop),
            "stop_token_ids": [] if ask.endless else self._policy.ends,
            "ignore_eos": ask.endless,
        }
        body: dict[str, Any] = {"input_ids": ask.prompt, "sampling_params": params, "return_logprob": True}
        if self._adapters:
            body["lora_path"] = self._name(ask.version)
        return "/generate", body

    def _answer(self, ask: Ask, data: dict[str, Any]) -> Answer:
        about: dict[str, Any] = data["meta_info"]
        told = about.get("output_token_logprobs")
        if told is None:
            raise ModelError(
                f"{self._policy.name}: {self.far.url} returns no token ids with log-probabilities, so that "
                f"nothing can be trained on: use SGLang 0.4 or newer",
                kind="bad_request",
            )
        finish = about["finish_reason"]["type"]
        if finish not in ("stop", "length"):
            reason = about["finish_reason"].get("message") or finish
            raise ModelError(f"{self._policy.name}: the server ended a sample: {reason}", retryable=True)
        has = about.get("weight_version")
        if has is not None and not self._adapters and not str(has).startswith(self._mark):
            self._fault = f"the server has weights called {has!r}: it was restarted, or others push to it"
            raise ModelError(f"{self._policy.name}: {self._fault}", kind="stale")
        if about.get("prompt_tokens", len(ask.prompt)) != len(ask.prompt):
            raise ValueError("another prompt")
        sampled = ids_of([entry[1] for entry in told])
        logprobs = [float(entry[0]) for entry in told]
        return Answer(ask.prompt, sampled, logprobs, finish, int(about.get("cached_tokens") or 0))

    def _replace(self, weights: Weights, name: str, folder: str | None) -> None:
        try:
            # In this mode keys and values of requests in flight can be dropped; they are computed anew.
            self._good("/pause_generation", {"mode": "retract"})
            if folder is None:
                self._broadcast(weights, name)
            else:
                what = {"model_path": folder, "weight_version": name, "flush_cache": True}
                self._good("/update_weights_from_disk", what)
        finally:
            with suppress(ModelError):
                self.far.tell("/continue_generation", {})

    def _broadcast(self, weights: Weights, name: str) -> None:
        """All weights to the server's workers, in the order in which it is told of them."""
        import torch.distributed as dist

        group, named = self._joined(), list(weights)
        what = {
            "names": [key for key, _ in named],
            "dtypes": [str(tensor.dtype).removeprefix("torch.") for _, tensor in named],
            "shapes": [list(tensor.shape) for _, tensor in named],
            "group_name": self._mark,
            "flush_cache": True,
            "weight_version": name,
        }
        with ThreadPoolExecutor(1) as beside:
            told = beside.submit(self._good, "/update_weights_from_distributed", what)
            for _, tensor in named:
                dist.broadcast(tensor.detach().contiguous(), src=0, group=group)
            told.result()

    def _joined(self) -> Any:
        """The process group: this process is its first member, the server's workers are the others."""
        if self._group is None:
            try:
                join = importlib.import_module("sglang.srt.utils").init_custom_process_group
            except (ImportError, AttributeError) as error:
                raise ConfigError(f"push 'nccl' needs sglang here, too ({error})") from None
            for path in _SERVER_INFO:
                with suppress(ModelError):
                    about = self.far.get(path)
                    break
            else:
                raise ConfigError(f"{self.far.url} does not say how many workers it has")
            size = 1 + int(about.get("tp_size") or 1) * int(about.get("pp_size") or 1)
            address, port = own_address(self.far.url), free_port()
            what = {
                "master_address": address,
                "master_port": port,
                "rank_offset": 1,
                "world_size": size,
                "group_name": self._mark,
                "backend": "nccl",
            }
            with ThreadPoolExecutor(1) as beside:
                told = beside.submit(self._good, "/init_weights_update_group", what)
                self._group = join(
                    backend="nccl",
                    init_method=f"tcp://{address}:{port}",
                    world_size=size,
                    rank=0,
                    group_name=self._mark,
                )
                told.result()
        return self._group

    def _load(self, name: str, folder: str) -> None:
        self._good("/load_lora_adapter", {"lora_name": name, "lora_path": folder})

    def _unload(self, name: str) -> None:
        self._good("/unload_lora_adapter", {"lora_name": name})

    def _good(self, path: str, body: Any) -> None:
        """A call whose answer says whether it succeeded.

        Raises:
            ModelError: it did not.
        """
        answer = self.far.tell(path, body)
        if answer.get("success") is False:
            reason = answer.get("message") or answer.get("error_message")
            raise ModelError(f"{self.far.url}{path}: {reason}", kind="server")

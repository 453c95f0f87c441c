"""A vLLM server samples: `/v1/completions` of token ids, weights by vLLM's own interface.

    VLLM_SERVER_DEV_MODE=1 vllm serve MODEL                     whole models, by files
    ... --weight-transfer-config '{"backend": "nccl"}'          whole models, by NCCL
    VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 vllm serve MODEL --enable-lora --max-loras 3 --max-lora-rank RANK

Away from temperature 1 the server also needs `--logprobs-mode processed_logprobs`, or it tells
log-probabilities of another distribution than it drew from; that is found when training begins.

- **Adapters** are loaded under a name for each version (`/v1/load_lora_adapter`). A request names its
  version, so that what began under an older one is finished by it; a server that was restarted knows none of
  the names.
- **Whole models by files**: `/pause?mode=keep`, the workers' `reload_weights` from a folder through
  `/collective_rpc`, `/reset_prefix_cache`, because keys and values of older weights would else be used again,
  and `/resume`. Requests in flight are resumed with the new weights.
- **By NCCL**: the same round `send_weights()` of vLLM's own trainer side (`vllm.distributed.weight_transfer`,
  vLLM 0.28 or newer, importable here).

Which weights it has, the server is told by `/update_weight_version` where it has that, and asked after each
broken connection.

Tried against a server in the tests that speaks these calls as vLLM's source has them, with a real model whose
weights are those that were pushed: adapters and files. NCCL has been tried with a stand-in for vLLM's library
only, and nothing of this with vLLM itself.
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any

from turnwise.errors import ConfigError, ModelError
from turnwise.learn.engine.sampling.far import free_port, own_address
from turnwise.learn.engine.sampling.protocol import Weights
from turnwise.learn.engine.sampling.served import Answer, Ask, ServedSampler, ids_of
from turnwise.models.parts import count, table

_FINISH = {"stop": "stop", "length": "length"}


class VLLMSampler(ServedSampler):
    """See the module and `ServedSampler`."""

    kind = "vllm"
    key = "VLLM_API_KEY"
    _model = ""
    """What the server calls the model."""
    _transfer: Any = None
    """vLLM's trainer side, once there is one."""
    _tells = True
    """Whether the server can say which weights it has."""
    _doubt = False
    """Whether it may have been restarted."""

    def _find(self) -> int | None:
        try:
            self.far.get("/version")
        except ModelError as error:
            if error.kind == "not_found":
                raise ConfigError(f"{self.far.url} is no vLLM server: it has no /version") from error
            raise
        cards: list[dict[str, Any]] = self.far.get("/v1/models")["data"]
        card = next(card for card in cards if not card.get("parent"))
        self._model = str(card["id"])
        longest = card.get("max_model_len")
        return None if longest is None else int(longest)

    def _body(self, ask: Ask) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {
            "model": self._name(ask.version) if self._adapters else self._model,
            "prompt": ask.prompt,
            "max_tokens": ask.limit,
            "temperature": ask.temperature,
            "top_p": ask.top_p,
            "top_k": ask.top_k,
            # None of the server's own defaults may change what is drawn from.
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "logprobs": 0,
            "return_token_ids": True,
            "stop_token_ids": self._policy.ends,
            "stop": list(ask.stop),
            "ignore_eos": ask.endless,
        }
        if ask.endless:
            body["stop_token_ids"] = []
        if ask.seed is not None:
            body["seed"] = ask.seed
        return "/v1/completions", body

    async def _send(self, ask: Ask) -> Answer:
        if self._doubt and not self._adapters:
            await self._make_sure()
        try:
            return await super()._send(ask)
        except ModelError as error:
            self._doubt = self._doubt or error.kind == "connection"
            if self._adapters and error.kind == "not_found":
                raise ModelError(
                    f"{self._policy.name}: the server no longer has the adapter of version {ask.version}; it "
                    f"was restarted: resume from the last checkpoint",
                    kind="stale",
                ) from error
            raise

    def _answer(self, ask: Ask, data: dict[str, Any]) -> Answer:
        choice: dict[str, Any] = data["choices"][0]
        if choice.get("token_ids") is None:
            raise ModelError(
                f"{self._policy.name}: {self.far.url} returns no token ids, so that nothing can be trained "
                f"on: use vLLM 0.10.2 or newer",
                kind="bad_request",
            )
        sampled = ids_of(choice["token_ids"])
        logprobs = [float(value) for value in choice["logprobs"]["token_logprobs"]]
        prompt = choice.get("prompt_token_ids")
        if len(logprobs) != len(sampled) or (prompt is not None and prompt != ask.prompt):
            raise ValueError("lengths")
        finish = choice["finish_reason"]
        if finish not in _FINISH:
            raise ModelError(f"{self._policy.name}: the server ended a sample by {finish!r}", retryable=True)
        cached = count(table(table(data, "usage"), "prompt_tokens_details"), "cached_tokens")
        return Answer(ask.prompt, sampled, logprobs, _FINISH[finish], cached)

    async def _make_sure(self) -> None:
        """After a broken connection: whether the server still has the weights that were pushed."""
        has = (await self.far.ask("/weight_info")).get("weight_version") if self._tells else None
        if has != self._name(self.version):
            self._fault = "the server may have been restarted, and does not say that it has the weights"
        self._doubt = False

    def _replace(self, weights: Weights, name: str, folder: str | None) -> None:
        transfer = self._sender() if folder is None else None
        try:
            self._dev("/pause?mode=keep")
            if transfer is not None:
                transfer.send_weights()
            else:
                kwargs = {"weights_path": folder}
                self._dev("/collective_rpc", {"method": "reload_weights", "kwargs": kwargs})
            self._dev("/reset_prefix_cache?reset_running_requests=true")
            self._say(name)
        finally:
            with suppress(ModelError):
                self.far.tell("/resume")

    def _say(self, name: str) -> None:
        """Tell the server what its weights are called, if it can keep that in mind."""
        try:
            self.far.tell("/update_weight_version", {"new_version": name})
        except ModelError as error:
            if error.kind != "not_found":
                raise
            self._tells = False
        self._doubt = False

    def _sender(self) -> Any:
        """vLLM's trainer side, which does not mind how often it sends."""
        if self._transfer is None:
            library = "vllm.distributed.weight_transfer"
            try:
                here = importlib.import_module(library)
                info = importlib.import_module(f"{library}.nccl_engine").NCCLTrainerInitInfo
            except ImportError as error:
                raise ConfigError(f"push 'nccl' needs vllm 0.28 or newer here, too ({error})") from None
            self._transfer = here.WeightTransferTrainerFactory.trainer_init(
                init_info=info(
                    master_address=own_address(self.far.url),
                    master_port=free_port(),
                    world_size=int(self.far.get("/get_world_size")["world_size"]) + 1,
                    rank=0,
                    packed=True,
                ),
                client=here.HTTPVLLMWeightSyncClient(self.far.url),
                source=here.ModuleSource(self._module),
            )
        return self._transfer

    def _load(self, name: str, folder: str) -> None:
        hint = "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 and --enable-lora"
        self._dev("/v1/load_lora_adapter", {"lora_name": name, "lora_path": folder}, hint)

    def _unload(self, name: str) -> None:
        self.far.tell("/v1/unload_lora_adapter", {"lora_name": name})

    def _dev(self, path: str, body: Any = None, hint: str = "VLLM_SERVER_DEV_MODE=1") -> None:
        """A call that vLLM offers only where it was started for it."""
        try:
            self.far.tell(path, body)
        except ModelError as error:
            if error.kind == "not_found":
                raise ModelError(f"{error}; start it with {hint}", kind=error.kind) from error
            raise

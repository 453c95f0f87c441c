"""Servers that speak what vLLM's and SGLang's do, as far as a trainer asks: recorded protocols over real
weights.

Each is a real HTTP server over a real tiny network. What it samples, and the log-probabilities it tells, are
computed with the weights it has; it has those of the folder it began with, or those that were pushed to it,
which it loads from the folders it is told of. Fields it does not know, and calls in a wrong order, are
refused.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import torch


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Network:
    """A network from a folder, and what it samples."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM

        self.model: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.context: int = self.model.config.max_position_embeddings
        self.generator = torch.Generator().manual_seed(0)
        self.adapters: dict[str, Any] = {}

    def load(self, folder: Path) -> None:
        """Take over other weights of the same network."""
        from safetensors.torch import load_file

        found = load_file(folder / "model.safetensors")
        missing, unknown = self.model.load_state_dict(found, strict=False)
        tied = {"lm_head.weight"} if self.model.config.tie_word_embeddings else set()
        assert not set(missing) - tied, missing
        assert not unknown, unknown

    def adapt(self, name: str, folder: Path) -> None:
        """Load an adapter under a name."""
        from peft import PeftModel

        if not self.adapters:
            self.adapters["model"] = PeftModel.from_pretrained(self.model, folder, adapter_name=name)
        else:
            self.adapters["model"].load_adapter(folder, adapter_name=name)
        self.adapters[name] = folder

    @torch.no_grad()
    def sample(
        self,
        prompt: list[int],
        limit: int,
        ends: list[int],
        temperature: float,
        raw: bool,
        adapter: str | None,
    ) -> tuple[list[int], list[float], str]:
        network = self.model
        if self.adapters:
            network = self.adapters["model"]
            if adapter is not None:
                network.set_adapter(adapter)
        ids, logprobs = list(prompt), []
        for _ in range(limit):
            logits = network(input_ids=torch.tensor([ids])).logits[0, -1].float()
            drawn_from = torch.log_softmax(logits / (temperature or 1e-6), -1)
            token = int(torch.multinomial(drawn_from.exp(), 1, generator=self.generator))
            told = torch.log_softmax(logits, -1) if raw else drawn_from
            ids.append(token)
            logprobs.append(float(told[token]))
            if token in ends:
                return ids[len(prompt) :], logprobs, "stop"
        return ids[len(prompt) :], logprobs, "length"


class Server:
    """Listens while it is entered. `faults` are functions that answer instead of a path, once each."""

    def __init__(self, folder: Path | str) -> None:
        self.network = Network(Path(folder))
        self.said: list[tuple[str, Any]] = []
        self.faults: dict[str, list[Callable[[Any], Any]]] = {}
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 2**16

            def do_GET(self) -> None:
                self._serve(None)

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers.get("content-length") or 0))
                self._serve(json.loads(data) if data else {})

            def _serve(self, body: Any) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                try:
                    with outer.lock:
                        outer.said.append((parts.path, body))
                        answer = outer.answer(parts.path, query, body)
                    self._give(200, answer)
                except Refusal as refusal:
                    self._give(refusal.status, outer.error(refusal))
                except ConnectionAbortedError:
                    self.close_connection = True
                except Exception as error:
                    self._give(500, {"error": {"message": f"{type(error).__name__}: {error}"}})

            def _give(self, status: int, answer: Any) -> None:
                data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Any:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _ in self.said]

    def answer(self, path: str, query: dict[str, str], body: Any) -> Any:
        if self.faults.get(path):
            return self.faults[path].pop(0)(body)
        name = path.strip("/").replace("/", "_")
        found = getattr(self, f"{'get' if body is None else 'post'}_{name}", None)
        if found is None:
            raise Refusal(404, "Not Found")
        return found(query) if body is None else found(query, body)

    def error(self, refusal: Refusal) -> Any:
        return {"detail": str(refusal)}


class VLLM(Server):
    """As `vllm serve` 0.28 and newer in development mode (`vllm/entrypoints`: `openai/completion`,
    `serve/dev/{rlhf,rpc,cache}`, `serve/lora`)."""

    ids = True
    """Whether `return_token_ids` does something."""
    raw = True
    """`--logprobs-mode raw_logprobs`, the default."""
    dev = True
    lora = True
    remembers = True
    """Whether it has `/update_weight_version` and `/weight_info`."""

    def __init__(self, folder: Path | str) -> None:
        super().__init__(folder)
        self.paused = False
        self.weights = "default"
        self.stale_cache = False

    def error(self, refusal: Refusal) -> Any:
        return {"error": {"message": str(refusal), "type": "BadRequestError", "code": refusal.status}}

    def get_version(self, query: Any) -> Any:
        return {"version": "0.28.0"}

    def get_v1_models(self, query: Any) -> Any:
        cards = [
            {"id": "served", "root": "some/model", "parent": None, "max_model_len": self.network.context}
        ]
        cards += [{"id": name, "root": "x", "parent": "served"} for name in self.network.adapters]
        return {"object": "list", "data": cards}

    def post_v1_completions(self, query: Any, body: Any) -> Any:
        known = {
            "model",
            "prompt",
            "max_tokens",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "logprobs",
            "stop",
        }
        known |= {"repetition_penalty", "return_token_ids", "stop_token_ids", "ignore_eos", "seed"}
        assert set(body) <= known, set(body) - known
        assert not self.paused, "a paused server answers nothing"
        assert not self.stale_cache, "keys and values of older weights"
        if body["model"] != "served" and body["model"] not in self.network.adapters:
            raise Refusal(404, f"The model `{body['model']}` does not exist.")
        if len(body["prompt"]) + body["max_tokens"] > self.network.context:
            raise Refusal(400, f"This model's maximum context length is {self.network.context} tokens.")
        assert not body["ignore_eos"] or not body["stop_token_ids"]
        ends = [] if body["ignore_eos"] else [0, *body["stop_token_ids"]]
        adapter = None if body["model"] == "served" else body["model"]
        ids, logprobs, finish = self.network.sample(
            body["prompt"], body["max_tokens"], ends, body["temperature"], self.raw, adapter
        )
        choice = {
            "index": 0,
            "text": "",
            "finish_reason": finish,
            "stop_reason": None,
            "logprobs": {"token_logprobs": logprobs, "tokens": ["?"] * len(ids), "top_logprobs": []},
            "token_ids": ids if body["return_token_ids"] and self.ids else None,
            "prompt_token_ids": body["prompt"] if body["return_token_ids"] and self.ids else None,
        }
        usage = {"prompt_tokens": len(body["prompt"]), "prompt_tokens_details": None}
        return {"id": "cmpl-1", "model": body["model"], "choices": [choice], "usage": usage}

    def _dev(self) -> None:
        if not self.dev:
            raise Refusal(404, "Not Found")

    def post_pause(self, query: Any, body: Any) -> Any:
        self._dev()
        assert query == {"mode": "keep"}
        self.paused = True
        return {"status": "paused"}

    def post_resume(self, query: Any, body: Any) -> Any:
        self.paused = False
        return {"status": "resumed"}

    def post_collective_rpc(self, query: Any, body: Any) -> Any:
        self._dev()
        assert self.paused
        assert body["method"] == "reload_weights"
        self.network.load(Path(body["kwargs"]["weights_path"]))
        self.stale_cache = True
        return {"results": [None]}

    def post_reset_prefix_cache(self, query: Any, body: Any) -> Any:
        assert query == {"reset_running_requests": "true"}
        self.stale_cache = False
        return ""

    def post_update_weight_version(self, query: Any, body: Any) -> Any:
        if not self.remembers:
            raise Refusal(404, "Not Found")
        self.weights = body["new_version"]
        return {"success": True, "new_version": self.weights}

    def get_weight_info(self, query: Any) -> Any:
        return {"weight_version": self.weights}

    def get_get_world_size(self, query: Any) -> Any:
        return {"world_size": 2}

    def post_v1_load_lora_adapter(self, query: Any, body: Any) -> Any:
        if not self.lora:
            raise Refusal(404, "Not Found")
        name = body["lora_name"]
        if name in self.network.adapters:
            raise Refusal(400, f"The lora adapter '{name}' has already been loaded.")
        self.network.adapt(name, Path(body["lora_path"]))
        return f"Success: LoRA adapter '{name}' added successfully."

    def post_v1_unload_lora_adapter(self, query: Any, body: Any) -> Any:
        if self.network.adapters.pop(body["lora_name"], None) is None:
            raise Refusal(404, f"The lora adapter '{body['lora_name']}' cannot be found.")
        return "Success"


class SGLang(Server):
    """As `sglang.launch_server` (`sglang/srt/entrypoints/http_server.py`, `managers/io_struct.py`)."""

    ids = True
    old = False
    """Whether paths have their older names."""

    def __init__(self, folder: Path | str) -> None:
        super().__init__(folder)
        self.paused = False
        self.weights = "default"

    def answer(self, path: str, query: dict[str, str], body: Any) -> Any:
        if self.old and path == "/model_info":
            raise Refusal(404, "Not Found")
        return super().answer(path, query, body)

    def get_model_info(self, query: Any) -> Any:
        return {"model_path": "some/model", "is_generation": True, "weight_version": self.weights}

    get_get_model_info = get_model_info

    def get_server_info(self, query: Any) -> Any:
        return {"tp_size": 2, "pp_size": 1}

    def get_v1_models(self, query: Any) -> Any:
        return {"data": [{"id": "some/model", "root": "some/model", "max_model_len": self.network.context}]}

    def post_generate(self, query: Any, body: Any) -> Any:
        assert set(body) <= {"input_ids", "sampling_params", "return_logprob", "lora_path"}
        params = body["sampling_params"]
        known = {"max_new_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "stop"}
        assert set(params) <= known | {"stop_token_ids", "ignore_eos"}
        assert params["top_k"] == -1 or params["top_k"] > 0
        assert not self.paused
        adapter = body.get("lora_path")
        if adapter is not None and adapter not in self.network.adapters:
            raise Refusal(400, f"The following requested LoRA adapters are not loaded: {adapter}")
        ends = [] if params["ignore_eos"] else [0, *params["stop_token_ids"]]
        ids, logprobs, finish = self.network.sample(
            body["input_ids"], params["max_new_tokens"], ends, params["temperature"], False, adapter
        )
        reason = {"type": "stop", "matched": ids[-1]} if finish == "stop" else {"type": "length", "length": 1}
        meta = {
            "id": "1",
            "finish_reason": reason,
            "prompt_tokens": len(body["input_ids"]),
            "completion_tokens": len(ids),
            "cached_tokens": 0,
            "weight_version": self.weights,
        }
        if self.ids:
            told = [[logprob, token, None] for logprob, token in zip(logprobs, ids, strict=True)]
            meta["output_token_logprobs"] = told
        return {"text": "", "output_ids": ids, "meta_info": meta}

    def post_pause_generation(self, query: Any, body: Any) -> Any:
        assert body["mode"] in ("abort", "retract", "in_place")
        self.paused = True
        return {"message": "Generation paused successfully.", "status": "ok"}

    def post_continue_generation(self, query: Any, body: Any) -> Any:
        self.paused = False
        return {"message": "Generation continued successfully.", "status": "ok"}

    def post_update_weights_from_disk(self, query: Any, body: Any) -> Any:
        assert set(body) <= {"model_path", "weight_version", "flush_cache"}
        self.network.load(Path(body["model_path"]))
        self.weights = body["weight_version"]
        return {"success": True, "message": "Succeeded to update model weights.", "num_paused_requests": 0}

    def post_init_weights_update_group(self, query: Any, body: Any) -> Any:
        assert body["backend"] == "nccl"
        return {"success": True, "message": "Succeeded to initialize custom process group."}

    sent: list[torch.Tensor]
    """What was broadcast: a stand-in for the process group."""

    def post_update_weights_from_distributed(self, query: Any, body: Any) -> Any:
        assert self.paused
        until = time.monotonic() + 5
        while len(self.sent) < len(body["names"]) and time.monotonic() < until:
            time.sleep(0.001)
        assert [list(tensor.shape) for tensor in self.sent] == body["shapes"]
        assert {str(tensor.dtype) for tensor in self.sent} == {f"torch.{kind}" for kind in body["dtypes"]}
        named = dict(zip(body["names"], self.sent, strict=True))
        self.network.model.load_state_dict(named, strict=False)
        self.weights = body["weight_version"]
        return {"success": True, "message": "Succeeded to update parameter online."}

    def post_load_lora_adapter(self, query: Any, body: Any) -> Any:
        self.network.adapt(body["lora_name"], Path(body["lora_path"]))
        return {"success": True, "error_message": None, "loaded_adapters": {}}

    def post_unload_lora_adapter(self, query: Any, body: Any) -> Any:
        self.network.adapters.pop(body["lora_name"])
        return {"success": True, "error_message": None, "loaded_adapters": {}}

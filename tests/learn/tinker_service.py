"""A service that speaks Tinker's protocol as far as a trainer asks, over a real tiny network.

The recorded protocol of the SDK 0.38.0: JSON, and protocol buffers for batches, results and samples, all by
promises that are asked for again. The network is a real one with real adapters: it scores, differentiates,
steps, samples from snapshots, saves and loads.
"""

from __future__ import annotations

import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import torch
from tinker.proto import tinker_public_pb2 as pb

PROTO = "application/x-protobuf"


class Run:
    """A training run: a network with adapters, and their optimiser."""

    def __init__(self, module: Any, rank: int, seed: int) -> None:
        import peft

        config = peft.LoraConfig(
            r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        torch.manual_seed(seed)
        self.model: Any = peft.get_peft_model(module, config).eval()
        self.weights = {key: p for key, p in self.model.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(list(self.weights.values()))

    def score(self, request: Any) -> Any:
        """Log-probabilities of all targets; cross entropy's gradient is added up unless only forward."""
        output = pb.ForwardBackwardOutput(loss_fn_output_type="ArrayRecord")
        record = output.loss_fn_outputs.add(num_datums=len(request.data))
        rows, total = [], 0.0
        for datum in request.data:
            (chunk,) = datum.model_input
            ids = torch.from_numpy(np.frombuffer(chunk.encoded_text.tokens, dtype=np.int32).copy()).long()
            given = datum.loss_fn_inputs
            targets = torch.from_numpy(np.frombuffer(given["target_tokens"].dense, dtype=np.int64).copy())
            weights = torch.from_numpy(np.frombuffer(given["weights"].dense, dtype=np.float32).copy())
            assert len(ids) == len(targets) == len(weights)
            with torch.set_grad_enabled(not request.forward_only):
                logits = self.model(input_ids=ids[None]).logits[0].float()
                logprobs = torch.log_softmax(logits, -1).gather(1, targets[:, None])[:, 0]
                loss = -(weights * logprobs).sum()
                if not request.forward_only:
                    loss.backward()
            total += float(loss.detach())
            rows.append(logprobs.detach().numpy().astype(np.float32))
        field = record.fields["logprobs"]
        field.data, field.dtype = b"".join(row.tobytes() for row in rows), pb.DTYPE_FLOAT32
        field.offsets = np.cumsum([0, *(row.nbytes for row in rows)]).astype(np.int64).tobytes()
        output.metrics["loss:sum"] = total
        return output

    def step(self, params: dict[str, Any]) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"], group["weight_decay"] = params["learning_rate"], params["weight_decay"]
            group["betas"], group["eps"] = (params["beta1"], params["beta2"]), params["eps"]
        norm = torch.nn.utils.clip_grad_norm_(list(self.weights.values()), params["grad_clip_norm"])
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {"grad_norm:mean": float(norm)}

    def state(self) -> Any:
        return copy.deepcopy(({k: v.detach() for k, v in self.weights.items()}, self.optimizer.state_dict()))

    @torch.no_grad()
    def restore(self, state: Any) -> None:
        weights, optimizer = copy.deepcopy(state)
        for key, weight in self.weights.items():
            weight.copy_(weights[key])
        self.optimizer.load_state_dict(optimizer)


class Service:
    """Listens while it is entered.

    Args:
        make: Makes the base model, a fresh one each time.
    """

    def __init__(self, make: Any) -> None:
        self.make = make
        self.runs: dict[str, Run] = {}
        self.seq: dict[str, int] = {}
        self.saved: dict[str, Any] = {}
        self.snapshots: dict[str, Any] = {}
        self.promises: dict[str, Any] = {}
        self.said: list[tuple[str, Any]] = []
        self.fails: set[str] = set()
        """Paths whose promises end in an error."""
        self.generator = torch.Generator().manual_seed(0)
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 2**16

            def do_GET(self) -> None:
                self._serve(b"")

            def do_POST(self) -> None:
                self._serve(self.rfile.read(int(self.headers.get("content-length") or 0)))

            def _serve(self, data: bytes) -> None:
                path = self.path.partition("?")[0].removeprefix("/api/v1/")
                try:
                    with outer.lock:
                        status, answer = outer.answer(path, data)
                except Exception as error:
                    status, answer = 400, {"detail": f"{type(error).__name__}: {error}"}
                binary = not isinstance(answer, dict)
                body = answer.SerializeToString() if binary else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", PROTO if binary else "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Service:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, data: bytes) -> tuple[int, Any]:
        if path == "forward_backward":
            request = pb.ForwardBackwardRequest.FromString(data)
            self.said.append((path, request))
            assert request.loss_fn == "cross_entropy"
            self._in_turn(request.model_id, request.seq_id)
            return 200, self._promise(path, self.runs[request.model_id].score(request))
        body = json.loads(data) if data else {}
        self.said.append((path, body))
        if path.startswith("samplers/"):
            return 200, {"sampler_id": path[9:], "base_model": "tiny"}
        found = getattr(self, f"do_{path.replace('/', '_')}", None)
        return (200, found(body)) if found else (200, {})

    def _in_turn(self, model: str, seq: int) -> None:
        """Requests of a run come in order."""
        assert seq == self.seq[model] + 1, (seq, self.seq)
        self.seq[model] = seq

    def _promise(self, path: str, answer: Any) -> Any:
        name = f"promise-{len(self.promises)}"
        self.promises[name] = {"error": "it broke", "category": "server"} if path in self.fails else answer
        return {"request_id": name, "model_id": None}

    def do_client_dynamic_config(self, body: Any) -> Any:
        return {"refresh_interval_sec": 300}

    def do_client_config(self, body: Any) -> Any:
        return {"use_pyqwest_transport": False, "parallel_fwdbwd_chunks": False}

    def do_create_session(self, body: Any) -> Any:
        return {"type": "create_session", "session_id": f"session-{len(self.said)}"}

    def do_session_heartbeat(self, body: Any) -> Any:
        return {"type": "session_heartbeat"}

    def _begin(self, name: str, rank: int, seed: int) -> Run:
        self.runs[name], self.seq[name] = Run(self.make(), rank, seed), 0
        return self.runs[name]

    def do_create_model(self, body: Any) -> Any:
        assert body["base_model"] == "tiny", f"no base model {body['base_model']}"
        name = f"{body['session_id']}:train:{body['model_seq_id']}"
        self._begin(name, body["lora_config"]["rank"], body["lora_config"]["seed"])
        return self._promise("create_model", {"model_id": name, "type": "create_model"})

    def do_get_info(self, body: Any) -> Any:
        data = {"model_name": "tiny", "tokenizer_id": "nobody/has-it"}
        return {"type": "get_info", "model_data": data, "model_id": body["model_id"], "is_lora": True}

    def do_optim_step(self, body: Any) -> Any:
        self._in_turn(body["model_id"], body["seq_id"])
        run = self.runs[body["model_id"]]
        return self._promise("optim_step", {"metrics": run.step(body["adam_params"])})

    def do_save_weights_for_sampler(self, body: Any) -> Any:
        self._in_turn(body["model_id"], body["seq_id"])
        name = f"sampler-{len(self.snapshots)}"
        self.snapshots[name] = copy.deepcopy(self.runs[body["model_id"]].model)
        told = {"sampling_session_id": name, "type": "save_weights_for_sampler"}
        return self._promise("save_weights_for_sampler", told)

    def do_save_weights(self, body: Any) -> Any:
        self._in_turn(body["model_id"], body["seq_id"])
        path = f"tinker://{body['model_id']}/weights/{body['path']}"
        assert path not in self.saved
        self.saved[path] = self.runs[body["model_id"]].state()
        return self._promise("save_weights", {"path": path, "type": "save_weights"})

    def do_load_weights(self, body: Any) -> Any:
        name = f"{body['session_id']}:train:{body['model_seq_id']}"
        assert body["optimizer"]
        state = self.saved[body["path"]]
        rank = min(min(weight.shape) for weight in state[0].values())
        self._begin(name, rank, 0).restore(state)
        # The load was the first request.
        self.seq[name] = 0
        return self._promise("load_weights", {"path": body["path"], "type": "load_weights"})

    def do_asample(self, body: Any) -> Any:
        params = body["sampling_params"]
        prompt = [token for chunk in body["prompt"]["chunks"] for token in chunk["tokens"]]
        answer = pb.SampleResponse()
        for _ in range(body["num_samples"]):
            tokens, logprobs, stop = self._sample(self.snapshots[body["sampling_session_id"]], prompt, params)
            sequence = answer.sequences.add(stop_reason=stop)
            sequence.tokens = np.array(tokens, dtype=np.int32).tobytes()
            sequence.logprobs = np.array(logprobs, dtype=np.float32).tobytes()
        return self._promise("asample", answer) | {"sample_sequence_ids": ["1"] * body["num_samples"]}

    @torch.no_grad()
    def _sample(self, model: Any, prompt: list[int], params: Any) -> tuple[list[int], list[float], Any]:
        ids, logprobs = list(prompt), list[float]()
        for _ in range(params["max_tokens"]):
            every = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0, -1].float(), -1)
            token = int(torch.multinomial(every.exp(), 1, generator=self.generator))
            ids.append(token)
            logprobs.append(float(every[token]))
            if token in params["stop"]:
                return ids[len(prompt) :], logprobs, pb.STOP_REASON_STOP
        return ids[len(prompt) :], logprobs, pb.STOP_REASON_LENGTH

    def do_retrieve_future(self, body: Any) -> Any:
        return self.promises[body["request_id"]]

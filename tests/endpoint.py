"""A real HTTP server that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Endpoint:
    """Listens on the loopback, on `port` or a free one, while it is entered.

    `answers` are used up one by one, the last one stays; each is `(status, body)`, `(status, body, headers)`,
    or a word: `hang`, `reset`, `truncated`, `cut`, `endless`. A function makes the answer from the request's
    JSON.
    """

    def __init__(self, *answers: Any, port: int = 0) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet; apart, each answer waits for the other side's delayed ACK.
            wbufsize = 2**16

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
                with outer._lock:
                    outer.asked.append(body)
                    outer.headers.append({key.lower(): value for key, value in self.headers.items()})
                    outer.paths.append(self.path)
                    answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                if isinstance(answer, Callable):
                    answer = answer(body)
                self._give(answer)

            def _give(self, answer: Any) -> None:
                if answer == "hang":
                    time.sleep(3)
                    answer = "reset"
                if answer == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    self.connection.close()
                    self.close_connection = True
                    return
                if answer == "truncated":
                    answer = (200, '{"choices": [{"message": {"role": "assis')
                if answer == "cut":
                    # More was announced than comes.
                    answer = (200, '{"choices": [{"mess', {"content-length": "4096", "connection": "close"})
                    self.close_connection = True
                if answer == "endless":
                    self._pour()
                    return
                status, body, *rest = answer
                data = body if isinstance(body, bytes) else _text(body).encode()
                self.send_response(status)
                html = isinstance(body, str) and body.startswith("<")
                self.send_header("content-type", "text/html" if html else "application/json")
                for key, value in ({"content-length": str(len(data))} | (rest[0] if rest else {})).items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(data)

            def _pour(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("connection", "close")
                self.end_headers()
                block = b" " * 2**20
                try:
                    for _ in range(200):
                        self.wfile.write(block)
                except OSError:
                    pass
                self.close_connection = True

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.root}/v1"

    def __enter__(self) -> Endpoint:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def completion(content: str | None = "hello", **message: Any) -> dict[str, Any]:
    """A chat completion as OpenAI-compatible servers send it."""
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
    }


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

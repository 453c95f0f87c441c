"""A viewer that really listens, and a client of it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from turnwise.store.store import Store
from turnwise.view.server.app import application
from turnwise.view.server.listening import Listening
from turnwise.view.server.viewer import Viewer


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse, data: bytes) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.data = data

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Client:
    """Asks one server; each request on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a request that shall pass."""
        said = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        answer = self.ask("GET", f"/api{path}" + (f"?{said}" if said else ""))
        assert answer.status == 200, (path, answer.status, answer.data[:500])
        return answer.json

    def post(self, path: str, **body: Any) -> Answer:
        """A request that changes something."""
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{self.port}"}
        return self.ask("POST", f"/api{path}", json.dumps(body).encode(), headers)

    def problem(self, path: str, status: int) -> str:
        """The one line of a request that shall be refused."""
        answer = self.ask("GET", f"/api{path}")
        assert answer.status == status, (path, answer.status, answer.data[:500])
        message = answer.json["message"]
        assert message == " ".join(message.split())
        return message


@contextmanager
def serving(store: Store | Path, **options: Any) -> Iterator[Client]:
    """A server of a store, and a client of it."""
    opened = store if isinstance(store, Store) else Store(store)
    viewer = Viewer(opened)
    server = Listening(application(viewer, **options), viewer)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.01)
    try:
        yield Client(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)
        opened.close()

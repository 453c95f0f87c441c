"""The viewer on 100,000 episodes of ten turns: how long the server takes for each page, beside plain SQL.

Server time is that of the whole application (guard, parsing, reading, encoding), called as uvicorn calls it.
A page is measured twice: `first`, with a viewer that has seen nothing yet, and `again`, when it is asked once
more. `sql` is a bare query, by Python's own `sqlite3`, that fetches the rows which the page is told from. An
episode's are three rows, which come in microseconds; so its page, of another episode each time (`new`), is
also measured beside the least server that answers by a plain query of the same rows (`served`).
"""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import turnwise
from common import save
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.models.scripted import ScriptedModel
from turnwise.store.store import Store
from turnwise.task import Task
from turnwise.view.server.app import application
from turnwise.view.server.viewer import Viewer

LARGE, SMALL, SMALLS = 90_000, 1_000, 10
TASKS = 1_000
LONG = 10_000
TIMES = 5
EPISODES = 500
ENDINGS = {"store_mb": "", "index_mb": "-search"}
WORDS = (
    *("harbour", "lantern", "meadow", "orchard", "pebble"),
    *("quarry", "river", "sparrow", "thicket", "willow"),
)


class Chat(Environment, kw_only=True, frozen=True):
    """Five questions and five answers."""

    name: ClassVar[str] = "chat"
    exchanges: int = 5

    def tasks(self) -> Iterable[Task]:
        return [Task(id=f"t{number}") for number in range(TASKS)]

    async def run(self, task: Task, episode: Episode) -> None:
        draw = episode.rng
        for number in range(self.exchanges):
            words = " ".join(draw.choices(WORDS, k=8))
            reply = await episode.agent.respond(f"Question {number} of {task.id}: what of {words}?")
        episode.reward(float(draw.random() < 0.6), turn=reply)
        episode.metric("luck", draw.random())


def answer(messages: Any) -> str:
    """A reply that says some of the question again, and now and then a rare word."""
    last = messages[-1].text
    rare = " zanzibar" if sum(map(ord, last)) % 2_000 == 0 else ""
    return f"Of {last[-40:-1]} I know that it is {len(last)} letters long{rare}."


def fill(path: Path) -> tuple[str, str]:
    """The store; gives the ids of the large run and of the one long episode."""
    agent = Agent(ScriptedModel(answer, "talker"))
    for seed in range(SMALLS):
        turnwise.run(Chat(), agent, store=path, seed=seed)
    large = turnwise.run(Chat(), agent, store=path, epochs=LARGE // TASKS, seed=99)
    long = turnwise.run(Chat(exchanges=LONG // 2), agent, store=path, limit=1)
    return large.id, long.id


class Asker:
    """Asks an application as a server would."""

    def __init__(self, path: Path, app: Any = None) -> None:
        self.viewer = Viewer(Store(path))
        self.app = application(self.viewer) if app is None else app

    async def get(self, path: str) -> tuple[float, bytes]:
        """Seconds, and the body of the answer."""
        bare, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": bare,
            "raw_path": bare.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        body: list[bytes] = []
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            body.append(message.get("body", b""))

        start = time.perf_counter()
        await self.app(scope, receive, send)
        taken = time.perf_counter() - start
        assert status == 200, (path, status, b"".join(body)[:300])
        return taken, b"".join(body)

    def close(self) -> None:
        self.viewer.store.close()


def bare(path: Path) -> Starlette:
    """A server that tells an episode's rows, and nothing else."""
    store = sqlite3.connect(path, check_same_thread=False)

    def rows(request: Request) -> JSONResponse:
        run, number = request.path_params["run"], request.path_params["number"]
        found = store.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
        place = (found[0], number)
        row = store.execute("SELECT * FROM episodes WHERE run = ? AND number = ?", place).fetchone()
        parts = store.execute(
            "SELECT data FROM log WHERE run = ? AND episode = ? ORDER BY part", place
        ).fetchall()
        return JSONResponse({"run": found, "episode": row, "log": [data.decode() for (data,) in parts]})

    return Starlette(routes=[Route("/api/runs/{run}/episodes/{number:int}", rows)])


def pages(large: str, long: str) -> dict[str, str]:
    """What is asked for."""
    grid = f"/api/runs/{large}/episodes"
    return {
        "runs": "/api/runs",
        "run": f"/api/runs/{large}",
        "grid": f"{grid}?limit=100&offset=50000",
        "grid by score": f"{grid}?limit=100&offset=50000&sort=score&order=desc",
        "grid by words": f"{grid}?limit=100&text=zanzibar",
        "episode": f"{grid}/70000",
        "turns": f"{grid}/70000/turns",
        "search, rare word": "/api/search?q=zanzibar",
        "search, common word": "/api/search?q=harbour",
        "search, two words": f"/api/search?q={quote('harbour -willow')}&run={large}",
        "compare": f"/api/compare?runs={large},",
        "10,000 turns": f"/api/runs/{long}/episodes/0",
        "50 turns of 10,000": f"/api/runs/{long}/episodes/0/turns?start=5000&count=50",
    }


def queries(path: Path, large: int) -> dict[str, Callable[[], Any]]:
    """Bare queries of the rows that the pages are told from, where those are more than one episode's."""
    store = sqlite3.connect(path)
    index = sqlite3.connect(f"{path}-search")
    figures = "SELECT number, task, stop, score, turns, cost, seconds, input, output FROM episodes"
    line = (
        "SELECT number, task, epoch, stop, detail, score, turns, calls, tool_calls, input, output, cost, "
        "seconds, error FROM episodes WHERE run = ?"
    )
    found = "SELECT rowid, role, snippet(turns, 0, '[', ']', '…', 32) FROM turns WHERE turns MATCH ?"
    count = "SELECT count(*) FROM (SELECT 1 FROM turns WHERE turns MATCH ? LIMIT 1001)"
    logs = "SELECT data, timings FROM log WHERE run = ? AND episode = ? ORDER BY part"

    def ask(connection: sqlite3.Connection, query: str, *values: Any) -> list[Any]:
        return connection.execute(query, values).fetchall()

    def run() -> None:
        ask(store, f"{figures} WHERE run = ?", large)
        for number in range(0, LARGE, LARGE // 500):
            ask(store, logs, large, number)

    def episode() -> None:
        ask(store, "SELECT * FROM runs WHERE number = ?", large)
        ask(store, "SELECT * FROM episodes WHERE run = ? AND number = 70000", large)
        ask(store, logs, large, 70_000)

    def grid(order: str) -> None:
        ask(store, "SELECT count(*) FROM episodes WHERE run = ?", large)
        ask(store, f"{line} ORDER BY {order} LIMIT 100 OFFSET 50000", large)

    def search(word: str, order: str) -> None:
        ask(index, count, word)
        ask(index, f"{found} ORDER BY {order} LIMIT 50", word)
        ask(store, "SELECT number, id FROM runs")

    return {
        "runs": lambda: ask(store, f"{figures} ORDER BY run, number"),
        "run": run,
        "episode": episode,
        "grid": lambda: grid("number"),
        "grid by score": lambda: grid("score DESC, number"),
        "search, rare word": lambda: search("zanzibar", "rank"),
        "search, common word": lambda: search("harbour", "rowid DESC"),
    }


def median_ms(times: list[float]) -> float:
    return statistics.median(times) * 1000


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


async def measured(path: Path, large: str, long: str) -> dict[str, dict[str, float]]:
    """Each page, first and again, in milliseconds."""
    wanted = pages(large, long)
    other = turnwise.runs(path)[-1].id
    wanted["compare"] += other
    first: dict[str, list[float]] = {name: [] for name in wanted}
    again: dict[str, list[float]] = {name: [] for name in wanted}
    sizes: dict[str, int] = {}
    for _ in range(TIMES):
        for name, address in wanted.items():
            asker = Asker(path)
            # What every page needs once: a connection, and modules loaded lazily.
            await asker.get("/api/labels")
            taken, body = await asker.get(address)
            first[name].append(taken)
            sizes[name] = len(body)
            again[name].append(statistics.median([(await asker.get(address))[0] for _ in range(TIMES)]))
            asker.close()
    asker = Asker(path)
    empty = [(await asker.get("/api/labels"))[0] for _ in range(10 * TIMES)]
    asker.close()
    figures = {
        name: {"first_ms": median_ms(first[name]), "again_ms": median_ms(again[name]), "bytes": sizes[name]}
        for name in wanted
    }
    figures["nothing"] = {"first_ms": empty[0] * 1000, "again_ms": median_ms(empty), "bytes": 0}
    return figures


async def beside(path: Path, large: str) -> dict[str, float]:
    """An episode's page and the bare server's answer in turn, each for an episode nobody asked for yet."""
    page, rows = Asker(path), Asker(path, bare(path))
    new: list[float] = []
    served: list[float] = []
    for number in range(10_000, 10_000 + 2 * EPISODES):
        address = f"/api/runs/{large}/episodes/{number}"
        asker, times = (page, new) if number % 2 else (rows, served)
        times.append((await asker.get(address))[0])
    page.close()
    rows.close()
    return {
        "new_ms": median_ms(new),
        "served_ms": median_ms(served),
        "over_served": statistics.median(new) / statistics.median(served),
    }


def main() -> None:
    """Fill a store, index it, and ask; the collector of cycles is set as the command sets it."""
    gc.set_threshold(100_000, 50, 50)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.db"
        start = time.perf_counter()
        large, long = fill(path)
        filled = time.perf_counter() - start
        start = time.perf_counter()
        store = Store(path)
        viewer = Viewer(store)
        viewer.source.search.catch_up(600)
        indexed = time.perf_counter() - start
        number = store.run(large).number
        store.close()
        figures = asyncio.run(measured(path, large, long))
        figures["episode"] |= asyncio.run(beside(path, large))
        for name, query in queries(path, number).items():
            query()
            figures[name]["sql_ms"] = median_ms([timed(query) for _ in range(TIMES)])
            # A search is asked while the index is caught up, an episode of a server that has read others;
            # everything else is told anew.
            page = figures[name]["again_ms" if name.startswith(("search", "episode")) else "first_ms"]
            figures[name]["over_sql"] = page / figures[name]["sql_ms"]
        sizes = {name: Path(f"{path}{end}").stat().st_size / 1e6 for name, end in ENDINGS.items()}
    count = LARGE + SMALLS * SMALL
    save("view", {"episodes": count, "fill_s": filled, "index_s": indexed, **sizes, "pages": figures})


if __name__ == "__main__":
    main()

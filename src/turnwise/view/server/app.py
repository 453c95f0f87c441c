"""The application: the table of endpoints as routes, the page's files, and the guard around both."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route

from turnwise.view.server import answers, asked
from turnwise.view.server import shapes as s
from turnwise.view.server.endpoints import ENDPOINTS, Endpoint
from turnwise.view.server.guard import LOOPBACK, App, Guard
from turnwise.view.server.viewer import Viewer

WEB = Path(__file__).parents[1] / "web"
"""The page; `dist` in it is what is served."""
_NOUNS = ("runs", "episodes", "search", "events", "labels", "compare", "live")
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
_FRESH = {"cache-control": "no-cache"}


def application(
    viewer: Viewer,
    *,
    token: str | None = None,
    hosts: tuple[str, ...] | None = LOOPBACK,
    dist: Path | None = None,
) -> App:
    """The whole server.

    Args:
        viewer: What is viewed.
        token: See `Guard`, as `hosts`.
        hosts: By which it may be called.
        dist: The page as it was built; by default the one that is installed.
    """
    for noun in _NOUNS:
        import_module(f"turnwise.view.server.routes.{noun}")
    page = _page(dist or WEB / "dist")
    app = Starlette(
        routes=[Mount("/api", routes=_routes(viewer)), Route("/{path:path}", page, methods=["GET"])],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        lifespan=viewer.lifespan,
    )
    return Guard(app, token=token, hosts=hosts)


def _routes(viewer: Viewer) -> list[Route]:
    """A route a path, whatever the methods it has."""
    by_path: dict[str, dict[str, Callable[[Request], Awaitable[Response]]]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = _handler(viewer, endpoint)

    def route(path: str, handlers: dict[str, Callable[[Request], Awaitable[Response]]]) -> Route:
        async def answer(request: Request) -> Response:
            return await handlers.get(request.method, handlers.get("GET", _nothing))(request)

        return Route(path, answer, methods=list(handlers))

    return [route(path, handlers) for path, handlers in by_path.items()]


async def _nothing(request: Request) -> Response:
    return answers.problem("not_found", f"there is no {request.url.path[:100]}")


def _handler(viewer: Viewer, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    handle = asked.HANDLERS[endpoint.name]
    inside = inspect.iscoroutinefunction(handle)

    async def answer(request: Request) -> Response:
        try:
            ask = await asked.read(viewer, endpoint, request)
            if inside:
                found = await handle(ask)
            else:
                found = await viewer.threads.run(_done, handle, ask, endpoint.status)
        except Exception as error:
            return answers.failure(error)
        return answers.record(found, endpoint.status) if isinstance(found, s.Reply) else found

    return answer


def _done(handle: Callable[[asked.Ask], object], ask: asked.Ask, status: int) -> Response:
    """What a handler answers, encoded in its own thread."""
    with ask.viewer.store.held():
        found = handle(ask)
    if isinstance(found, s.Reply):
        return answers.record(found, status)
    assert isinstance(found, Response)
    return found


def _page(dist: Path) -> Callable[[Request], Awaitable[Response]]:
    """Files of the page; every address that is none of them is the page itself, which reads it."""
    root = dist.resolve()

    async def page(request: Request) -> Response:
        path = request.url.path
        if not (root / "index.html").is_file():
            return answers.plain("The page was not built: run npm ci && npm run build in view/web.", 503)
        wanted = (root / request.path_params["path"]).resolve()
        if wanted.is_file() and wanted.is_relative_to(root):
            return FileResponse(wanted, headers=_FOREVER if "assets" in wanted.parts else _FRESH)
        if "." in path.rpartition("/")[2] and path.startswith("/assets/"):
            return answers.problem("not_found", f"there is no {path[:100]}")
        return FileResponse(root / "index.html", headers=_FRESH)

    return page


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = request.url.path[:100]
    if status != 405:
        code = "not_found" if status == 404 else "bad_request"
        return answers.problem(code, f"there is no {path}")
    answer = answers.problem("bad_request", f"{request.method} is not for {path}")
    answer.status_code = 405
    headers = error.headers if isinstance(error, HTTPException) else None
    answer.headers.update({name.lower(): value for name, value in (headers or {}).items()})
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    return answers.failure(error)

"""One episode: its outline, its turns, its views, its pictures and media."""

from __future__ import annotations

from starlette.responses import Response

from turnwise.view.reading import credit as worth
from turnwise.view.reading import episode as outline
from turnwise.view.reading import forest, messages, pictures, views
from turnwise.view.reading import tokens as spoken
from turnwise.view.reading import turns as reading
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Found
from turnwise.view.server import answers
from turnwise.view.server import shapes as s
from turnwise.view.server.asked import Ask, handles


def _found(ask: Ask) -> Found:
    return ask.viewer.episode(ask.place["run"], ask.number("number"))


@handles("episode")
def episode(ask: Ask) -> s.EpisodePage:
    """The outline."""
    return outline.page(ask.viewer.source, _found(ask))


@handles("turns")
def turns(ask: Ask) -> s.TurnsPage:
    """Turns in a range."""
    return reading.page(ask.viewer.source, _found(ask), ask.query)


@handles("text")
def text(ask: Ask) -> s.TextPage:
    """A piece of a long text."""
    return messages.text(_found(ask), ask.number("turn"), ask.query)


@handles("view")
def view(ask: Ask) -> s.ViewPage:
    """What a role was shown."""
    return views.page(ask.viewer.source, _found(ask), ask.place["role"], ask.query)


@handles("difference")
def difference(ask: Ask) -> s.DiffPage:
    """Two roles' views side by side."""
    return views.two(ask.viewer.source, _found(ask), ask.query)


@handles("tokens")
def tokens(ask: Ask) -> s.TokensPage:
    """The tokens of a turn's call."""
    return spoken.page(ask.viewer.source, _found(ask), ask.number("turn"), ask.query)


@handles("credit")
def credit(ask: Ask) -> s.CreditPage:
    """What each turn was worth."""
    return worth.page(ask.viewer.source, _found(ask), ask.query.method)


@handles("tree")
def tree(ask: Ask) -> s.TreePage:
    """All that was forked from the same root."""
    return forest.page(ask.viewer.source, _found(ask))


@handles("frames")
def frames(ask: Ask) -> s.FramesPage:
    """Where the pictures are."""
    return pictures.page(ask.viewer.source, _found(ask))


@handles("frame")
def frame(ask: Ask) -> Response:
    """A picture."""
    drawn = pictures.frame(ask.viewer.source, _found(ask), ask.number("frame"))
    return answers.picture(drawn.data, drawn.media_type)


@handles("media")
def media(ask: Ask) -> Response:
    """Bytes that came with a message."""
    found, wanted = _found(ask), ask.place["sha256"]
    for part in messages.media(found.log):
        if part.digest == wanted:
            return answers.media(part.data or b"", part.media_type, ask.request.headers.get("range"))
    raise MissingError(f"{found.name} has no bytes of the hash {wanted[:64]!r}")


@handles("log")
def log(ask: Ask) -> Response:
    """The whole log as it is stored."""
    found = _found(ask)
    name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in found.name)
    headers = {"content-disposition": f'attachment; filename="{name}.json"'}
    return Response(found.log.to_json(), media_type="application/json", headers=headers)

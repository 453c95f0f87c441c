"""The API as a table: each endpoint's path, what it is asked with, and what it answers.

Routes (`app.py`) and the OpenAPI document (`openapi.py`) are both made from it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from turnwise.view.server import shapes as s


class Endpoint(NamedTuple):
    """One method of one path."""

    name: str
    """How its handler is called."""
    method: Literal["GET", "POST"]
    path: str
    """Below `/api`; `{run}` and such stand for one percent-encoded segment each."""
    summary: str
    query: type[s.Asked] = s.Nothing
    body: type[s.Asked] | None = None
    reply: type[s.Reply] | None = None
    media: tuple[str, ...] = ("application/json",)
    """Media types of the reply, where it is no record."""
    status: int = 200


_EPISODE = "/runs/{run}/episodes/{number}"
_PICTURES = ("image/svg+xml", "image/png")

ENDPOINTS = (
    Endpoint("about", "GET", "/about", "What is being viewed", reply=s.About),
    Endpoint(
        "events",
        "GET",
        "/events",
        "Changes, as server-sent events whose data is an `Event`",
        query=s.EventsQuery,
        media=("text/event-stream",),
    ),
    # Runs
    Endpoint("runs", "GET", "/runs", "Runs", query=s.RunsQuery, reply=s.RunsPage),
    Endpoint("run", "GET", "/runs/{run}", "A run in figures and charts", reply=s.RunPage),
    Endpoint("stop", "POST", "/runs/{run}/stop", "Stop a run that this server plays", reply=s.Stopped),
    Endpoint(
        "episodes",
        "GET",
        "/runs/{run}/episodes",
        "The grid of a run's episodes",
        query=s.EpisodesQuery,
        reply=s.EpisodesPage,
    ),
    # One episode
    Endpoint("episode", "GET", _EPISODE, "An episode in outline", reply=s.EpisodePage),
    Endpoint(
        "neighbours",
        "GET",
        f"{_EPISODE}/neighbours",
        "What is before and after it in the grid",
        query=s.EpisodesQuery,
        reply=s.Neighbours,
    ),
    Endpoint("turns", "GET", f"{_EPISODE}/turns", "Turns in a range", query=s.TurnsQuery, reply=s.TurnsPage),
    Endpoint(
        "text",
        "GET",
        f"{_EPISODE}/turns/{{turn}}/text",
        "More of a long text",
        query=s.TextQuery,
        reply=s.TextPage,
    ),
    Endpoint(
        "tokens",
        "GET",
        f"{_EPISODE}/turns/{{turn}}/tokens",
        "The tokens of a turn's call",
        query=s.TokensQuery,
        reply=s.TokensPage,
    ),
    Endpoint(
        "credit",
        "GET",
        f"{_EPISODE}/credit",
        "What each turn was worth by a credit method",
        query=s.CreditQuery,
        reply=s.CreditPage,
    ),
    Endpoint(
        "difference",
        "GET",
        f"{_EPISODE}/difference",
        "Two roles' views side by side",
        query=s.DiffQuery,
        reply=s.DiffPage,
    ),
    Endpoint(
        "view",
        "GET",
        f"{_EPISODE}/views/{{role}}",
        "What a role was shown in a call, beside what happened",
        query=s.ViewQuery,
        reply=s.ViewPage,
    ),
    Endpoint(
        "frames", "GET", f"{_EPISODE}/frames", "Pictures of how things stood, by replay", reply=s.FramesPage
    ),
    Endpoint(
        "frame",
        "GET",
        f"{_EPISODE}/frames/{{frame}}",
        "One of them, by its place",
        s.FrameQuery,
        media=_PICTURES,
    ),
    Endpoint(
        "media",
        "GET",
        f"{_EPISODE}/media/{{sha256}}",
        "Bytes of a message's part",
        media=("application/octet-stream",),
    ),
    Endpoint("log", "GET", f"{_EPISODE}/log", "The whole log, as it is stored", media=("application/json",)),
    Endpoint("tree", "GET", f"{_EPISODE}/tree", "All that was forked from the same root", reply=s.TreePage),
    # Search and comparing
    Endpoint(
        "search", "GET", "/search", "Full-text search over all turns", query=s.SearchQuery, reply=s.SearchPage
    ),
    Endpoint("compare", "GET", "/compare", "Runs paired by task", query=s.CompareQuery, reply=s.ComparePage),
    Endpoint("align", "GET", "/align", "Two episodes side by side", query=s.AlignQuery, reply=s.AlignPage),
    # Taking part
    Endpoint(
        "fork", "POST", "/forks", "Go on another way from a turn", body=s.ForkAsk, reply=s.Started, status=201
    ),
    Endpoint("environments", "GET", "/environments", "What can be played", reply=s.EnvironmentsPage),
    Endpoint(
        "environment",
        "GET",
        "/environments/{environment}",
        "All one must know to play",
        reply=s.EnvironmentPage,
    ),
    Endpoint(
        "tasks",
        "GET",
        "/environments/{environment}/tasks",
        "Its tasks",
        query=s.TasksQuery,
        reply=s.TasksPage,
    ),
    Endpoint("play", "POST", "/plays", "Begin to play", body=s.PlayAsk, reply=s.PlayStarted, status=201),
    Endpoint(
        "seat",
        "GET",
        "/plays/{play}",
        "A play as one of its players sees it",
        query=s.SeatQuery,
        reply=s.PlayPage,
    ),
    Endpoint(
        "picture", "GET", "/plays/{play}/picture", "How things stand", query=s.SeatQuery, media=_PICTURES
    ),
    Endpoint("move", "POST", "/plays/{play}/moves", "Make a move", body=s.MoveAsk, reply=s.PlayPage),
    Endpoint(
        "leave",
        "POST",
        "/plays/{play}/leave",
        "Leave a play, which ends it",
        body=s.SeatAsk,
        reply=s.PlayPage,
    ),
    # Labels
    Endpoint("labels", "GET", "/labels", "Labels that hold", query=s.LabelsQuery, reply=s.LabelsPage),
    Endpoint("label", "POST", "/labels", "Label something", body=s.LabelAsk, reply=s.Label, status=201),
    Endpoint(
        "retract", "POST", "/labels/{label}/retract", "Take a label back", body=s.RetractAsk, reply=s.Label
    ),
    Endpoint(
        "agreement",
        "GET",
        "/agreement",
        "How far people agree",
        query=s.AgreementQuery,
        reply=s.AgreementPage,
    ),
    Endpoint(
        "export_preferences",
        "GET",
        "/export/preferences.jsonl",
        "Choices as a preference data set: `prompt`, `chosen`, `rejected` as chat messages",
        query=s.ExportQuery,
        media=("application/jsonl",),
    ),
    Endpoint(
        "export_labels",
        "GET",
        "/export/labels.jsonl",
        "Thumbs, scores and notes as a label data set",
        query=s.ExportQuery,
        media=("application/jsonl",),
    ),
)

"""Turnwise: multi-turn interaction of agents. A conversation is a function; an episode is its log.

Everything below is loaded when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from turnwise.agent import Agent
    from turnwise.api import (
        Replayed,
        Run,
        RunStopped,
        Store,
        fork,
        fork_async,
        open_run,
        replay,
        replay_async,
        resume,
        resume_async,
        run,
        run_async,
        runs,
        train,
        train_async,
    )
    from turnwise.environment import Environment
    from turnwise.episode import Episode
    from turnwise.limits import Limits
    from turnwise.log import Call, EpisodeLog, Stop, Turn
    from turnwise.message import Message
    from turnwise.task import Task, TaskSet, load_tasks

_PLACES = {
    "Agent": "agent",
    "Call": "log",
    "Environment": "environment",
    "Episode": "episode",
    "EpisodeLog": "log",
    "Limits": "limits",
    "Message": "message",
    "Replayed": "api",
    "Run": "api",
    "RunStopped": "api",
    "Stop": "log",
    "Store": "api",
    "Task": "task",
    "TaskSet": "task",
    "Turn": "log",
    "fork": "api",
    "fork_async": "api",
    "load_tasks": "task",
    "open_run": "api",
    "replay": "api",
    "replay_async": "api",
    "resume": "api",
    "resume_async": "api",
    "run": "api",
    "run_async": "api",
    "runs": "api",
    "train": "api",
    "train_async": "api",
}

__all__ = [
    "Agent",
    "Call",
    "Environment",
    "Episode",
    "EpisodeLog",
    "Limits",
    "Message",
    "Replayed",
    "Run",
    "RunStopped",
    "Stop",
    "Store",
    "Task",
    "TaskSet",
    "Turn",
    "fork",
    "fork_async",
    "load_tasks",
    "open_run",
    "replay",
    "replay_async",
    "resume",
    "resume_async",
    "run",
    "run_async",
    "runs",
    "train",
    "train_async",
]


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'turnwise' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"turnwise.{place}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])

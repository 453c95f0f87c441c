"""The tables. Episodes are narrow rows for lists and statistics; their logs are rows of JSON beside them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text

VERSION = 1
"""Version of the tables; a store of a newer one is refused, never guessed at."""

metadata = MetaData()

about = Table(
    "turnwise",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("planned", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("ended", Float),
    Column("status", Text, nullable=False),
    Column("parent", Text),
    Column("config", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("owner", Text),
    Column("beat", Float),
)

episodes = Table(
    "episodes",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("task", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("stop", Text),
    Column("detail", Text),
    Column("score", Float),
    Column("turns", Integer),
    Column("calls", Integer),
    Column("tool_calls", Integer),
    Column("input", Integer),
    Column("output", Integer),
    Column("cached", Integer),
    Column("cost", Float),
    Column("seconds", Float),
    Column("metrics", Text),
    Column("error", Text),
    sqlite_with_rowid=False,
)

log = Table(
    "log",
    metadata,
    Column("run", Integer, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("timings", LargeBinary),
    Index("log_place", "run", "episode", "part", unique=True),
)
"""Part 0 is the header with what came first (an `EpisodeLog`), parts 1, 2 … are segments in order. How an
episode ended stands in `episodes`. Rows are appended as they come, hence no clustered key."""

Index("runs_created", runs.c.created)

labels = Table(
    "annotations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("created", Float, nullable=False),
    Column("kind", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("episode", Integer),
    Column("turn", Integer),
    Column("annotator", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Float),
    Column("other", Text),
    Column("text", Text),
    Column("part", Integer),
    Column("start", Integer),
    Column("end", Integer),
    Column("retracts", Integer),
)
"""What people say of the rest; see `annotations.py`."""

LATER = frozenset({labels.name})
"""Tables that a store of this version may lack, as they came later; who first writes in them makes them."""

labels_place = Index("annotations_place", labels.c.run, labels.c.episode)

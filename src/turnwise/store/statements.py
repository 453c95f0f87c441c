"""What the store asks of its tables again and again: one run, one episode, one log."""

from __future__ import annotations

import sqlalchemy as sa

from turnwise.store.prepared import Prepared, PreparedInsert
from turnwise.store.rows import EpisodeRow
from turnwise.store.schema import episodes, log, runs

_ID: sa.BindParameter[str] = sa.bindparam("of_id")
_NUMBER: sa.BindParameter[int] = sa.bindparam("of_number")
RUN_NAMES = tuple(column.name for column in runs.c)
RUN_ID = RUN_NAMES.index("id")
LINE_NAMES = EpisodeRow.__struct_fields__
LINE = tuple(episodes.c[name] for name in LINE_NAMES)
_IN_EPISODES = sa.and_(episodes.c.run == sa.bindparam("of_run"), episodes.c.number == _NUMBER)
_IN_LOG = sa.and_(log.c.run == sa.bindparam("of_run"), log.c.episode == _NUMBER)
_PLACE = ("of_run", "of_number")
PARTS_OF = sa.select(log.c.episode, log.c.data)
END_OF = sa.select(episodes.c.number, episodes.c.stop, episodes.c.detail, episodes.c.error)

RUN = Prepared(sa.select(runs).where(runs.c.id == _ID), "of_id")
RUN_NUMBER = Prepared(sa.select(runs.c.number).where(runs.c.id == _ID), "of_id")
LAST_RUN = Prepared(
    sa.select(runs).where(runs.c.number == sa.select(sa.func.max(runs.c.number)).scalar_subquery())
)
NEW_RUN = PreparedInsert(
    runs,
    *("id", "kind", "environment", "planned", "created", "status"),
    *("parent", "owner", "beat", "config", "provenance"),
)
BEAT = Prepared(
    runs.update().where(runs.c.number == _NUMBER).values(beat=sa.bindparam("to_beat")), "to_beat", "of_number"
)
RELEASE = Prepared(
    runs.update()
    .where(runs.c.number == _NUMBER)
    .values(status=sa.bindparam("to_status"), ended=sa.bindparam("to_ended"), owner=None, beat=None),
    *("to_status", "to_ended", "of_number"),
)
_MINE = sa.and_(log.c.run == episodes.c.run, log.c.episode == episodes.c.number)
EXTENT = Prepared(
    sa.select(
        *LINE,
        sa.select(sa.func.count()).where(_MINE).scalar_subquery(),
        sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(log.c.data)), 0))
        .where(_MINE)
        .scalar_subquery(),
    ).where(_IN_EPISODES),
    *_PLACE,
)
PARTS = Prepared(PARTS_OF.where(_IN_LOG).order_by(log.c.part), *_PLACE)
END = Prepared(END_OF.where(_IN_EPISODES), *_PLACE)
LOG = Prepared(sa.select(log.c.data, log.c.timings).where(_IN_LOG).order_by(log.c.part), *_PLACE)
NO_PARTS = Prepared(log.delete().where(_IN_LOG), *_PLACE)
NO_EPISODE = Prepared(episodes.delete().where(_IN_EPISODES), *_PLACE)
NEW_EPISODE = PreparedInsert(episodes, "run", "number", "task", "epoch", "seed")
NEW_PART = PreparedInsert(log, "run", "episode", "part", "data")

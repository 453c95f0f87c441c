"""PostgreSQL: a copy of a database is one made from a template, for a role that may do nothing else.

What keeps SQL in: a role and a database of each copy's own, so that it sees no other copy's sessions; no
right to files, programs, extensions or roles, which are a superuser's; one statement at a time, none of which
may end the transaction; time limits of the server's and of ours; a limit of what it may spill to disk. Needs
the extra `sql`, and the URL of a superuser on a server, who makes databases and roles.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from turnwise.errors import ConfigError, SandboxError
from turnwise.tools.sql.result import RefusedError, Result, SqlLimits, failed, result, too_late
from turnwise.tools.sql.split import first_word, split

_REFUSED = frozenset(
    (
        *("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"),
        *("COPY", "LISTEN", "NOTIFY", "UNLISTEN", "DISCARD", "LOAD", "DEALLOCATE", "DECLARE"),
        *("SET", "RESET", "LOCK", "CHECKPOINT"),
    )
)

_OURS = "nspname <> 'information_schema' AND nspname !~ '^pg_'"
_OWNED = """
DO $$ DECLARE one record; BEGIN
FOR one IN
  SELECT format('SCHEMA %I', nspname) AS thing FROM pg_namespace WHERE {ours}
  UNION ALL
  SELECT format(CASE relkind WHEN 'S' THEN 'SEQUENCE %s' ELSE 'TABLE %s' END, c.oid::regclass) FROM pg_class c
  JOIN pg_namespace n ON n.oid = relnamespace WHERE {ours} AND relkind IN ('r', 'p', 'v', 'm', 'S')
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND relkind = 'S' AND deptype IN ('a', 'i'))
  UNION ALL
  SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
  JOIN pg_namespace n ON n.oid = pronamespace WHERE {ours} AND prokind IN ('f', 'p')
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND deptype = 'e')
  UNION ALL
  SELECT format('TYPE %s', t.oid::regtype) FROM pg_type t
  JOIN pg_namespace n ON n.oid = typnamespace WHERE {ours} AND typtype IN ('e', 'd')
LOOP EXECUTE format('ALTER %s OWNER TO {role}', one.thing); END LOOP;
END $$
"""
"""Makes all of a copy the role's, whosever it was: their owner may own what the server itself needs."""
_SWEEPING = 7_461_932_550_171_113
"""Number of the lock that copying shares, and sweeping has alone."""


def _library() -> Any:
    try:
        import psycopg
    except ImportError:
        raise ConfigError("psycopg is not installed: install turnwise[sql]") from None
    return psycopg


def connect(where: str) -> Any:
    """A connection.

    Raises:
        SandboxError: the server does not answer.
    """
    psycopg = _library()
    try:
        return psycopg.connect(where, autocommit=True, connect_timeout=10)
    except psycopg.Error as error:
        raise SandboxError(f"PostgreSQL does not answer: {str(error).splitlines()[0]}") from None


def databases(url: str) -> frozenset[str]:
    """The names of a server's databases.

    Raises:
        ConfigError: what asks it is not installed.
        SandboxError: it does not answer.
    """
    with connect(url) as connection:
        return frozenset(name for (name,) in connection.execute("SELECT datname FROM pg_database"))


class Postgres:
    """A PostgreSQL database to make copies of.

    Made of a script, the template is made once a server, named by the script's hash, and stays there.

    Args:
        url: `postgresql://user@host:port/database`, of a superuser.
        script: SQL that makes the database; trusted.
        template: Or the name of a database the server has, to which nobody is connected.

    Raises:
        ConfigError: not one of the two.
    """

    dialect = "PostgreSQL"

    def __init__(self, url: str, *, script: str | None = None, template: str | None = None) -> None:
        if (script is None) == (template is None):
            raise ConfigError("Postgres: expected either a script or a template")
        self._url = url
        self._script = script
        made = hashlib.sha256((script or "").encode()).hexdigest()[:16]
        self.template = template or f"turnwise_base_{made}"
        self._lock = threading.Lock()

    def open(self, limits: SqlLimits) -> PostgresSession:
        """A fresh copy."""
        with self._lock:
            assert self._made
        name = f"turnwise_{secrets.token_hex(8)}"
        password = secrets.token_hex(16)
        try:
            with self.admin() as watch:
                # Until somebody is connected to it, a copy looks like one that was left behind (`sweep`).
                watch.execute(f"SELECT pg_advisory_lock_shared({_SWEEPING})")
                self._copy(name, password, limits)
                return PostgresSession(self, name, password)
        except _library().Error as error:
            raise SandboxError(
                f"PostgreSQL: cannot copy the database: {str(error).splitlines()[0]}"
            ) from None
        return PostgresSession(self, name, password)

    def _copy(self, name: str, password: str, limits: SqlLimits) -> None:
        """Make a copy, and the role it is for."""
        with self.admin() as admin:
            admin.execute(
                f"CREATE ROLE {name} LOGIN PASSWORD '{password}' NOSUPERUSER NOCREATEDB NOCREATEROLE "
                "NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 1"
            )
            admin.execute(f"ALTER ROLE {name} SET temp_file_limit = '{limits.memory_mb}MB'")
            admin.execute(f'CREATE DATABASE {name} TEMPLATE "{self.template}"')
            admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            admin.execute(f"GRANT CONNECT, TEMP ON DATABASE {name} TO {name}")
        with self.admin(name) as inside:
            if self._script is None:
                inside.execute(_OWNED.format(role=name, ours=_OURS))
            else:
                # The template's own role made everything in it; here all is the new role's.
                inside.execute(f"REASSIGN OWNED BY {self.template} TO {name}")

    def sweep(self) -> int:
        """Drop copies to which nobody is connected, as a killed process leaves them; says how many."""
        with self.admin() as admin:
            admin.execute(f"SELECT pg_advisory_lock({_SWEEPING})")
            left = admin.execute(
                "SELECT datname FROM pg_database d WHERE datname ~ '^turnwise_[0-9a-f]{16}$' "
                "AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname)"
            ).fetchall()
            for (name,) in left:
                admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                admin.execute(f"DROP ROLE IF EXISTS {name}")
        return len(left)

    def admin(self, database: str | None = None) -> Any:
        """A superuser's connection."""
        psycopg = _library()
        where = psycopg.conninfo.make_conninfo(self._url, **({"dbname": database} if database else {}))
        return connect(where)

    def conninfo(self, name: str, password: str) -> str:
        """Where a copy's own role finds it."""
        make = _library().conninfo.make_conninfo
        return make(self._url, dbname=name, user=name, password=password)

    def drop(self, name: str) -> None:
        """Drop a copy and its role."""
        with self.admin() as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            admin.execute(f"DROP ROLE IF EXISTS {name}")

    @cached_property
    def _made(self) -> bool:
        """Make the template, where it is not there."""
        psycopg = _library()
        name = self.template
        if self._script is None:
            return self._there(name)
        with self.admin() as admin:
            # Several processes may want the same one.
            admin.execute("SELECT pg_advisory_lock(%s)", [int(name[-15:], 16)])
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return True
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                admin.execute(f"CREATE ROLE {name} NOLOGIN")
            building = f"{name}_building"
            admin.execute(f"DROP DATABASE IF EXISTS {building} WITH (FORCE)")
            admin.execute(f"CREATE DATABASE {building}")
            try:
                with self.admin(building) as inside:
                    inside.execute(f"ALTER SCHEMA public OWNER TO {name}")
                    inside.execute(f"SET ROLE {name}")
                    inside.execute(self._script)
            except psycopg.Error as error:
                raise ConfigError(f"Postgres: cannot make the database: {error}") from None
            admin.execute(f"ALTER DATABASE {building} RENAME TO {name}")
        return True

    def _there(self, name: str) -> bool:
        """Whether the server has a database to copy.

        Raises:
            ConfigError: it has not.
        """
        with self.admin() as admin:
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                raise ConfigError(f"Postgres: the server has no database {name!r}")
        return True


class PostgresSession:
    """An open copy."""

    def __init__(self, engine: Postgres, name: str, password: str) -> None:
        self._engine = engine
        self._name = name
        self._library = _library()
        try:
            self._connection = connect(engine.conninfo(name, password))
        except BaseException:
            engine.drop(name)
            raise
        # Each statement by itself in the extended protocol, which takes no second one behind a semicolon.
        self._connection.prepared_max = 1

    def run(self, sql: str, *, write: bool, seed: int, limits: SqlLimits) -> Result:
        """Run statements as one transaction; see `Session`."""
        connection = self._connection
        late = threading.Event()

        def cancel() -> None:
            late.set()
            with contextlib.suppress(Exception):
                connection.cancel()

        clock = threading.Timer(limits.seconds, cancel)
        connection.execute("BEGIN" if write else "BEGIN READ ONLY")
        clock.start()
        try:
            connection.execute("SELECT setseed(%s)", [seed % 1000 / 1000])
            connection.execute(f"SET LOCAL statement_timeout = {int(limits.seconds * 1000) + 1}")
            outcome = self._statements(sql, limits)
            connection.execute("COMMIT" if write else "ROLLBACK")
        except (self._library.Error, RefusedError, ValueError) as error:
            stopped = late.is_set() or isinstance(error, self._library.errors.QueryCanceled)
            outcome = too_late(limits) if stopped else failed(error, limits)
            self._roll_back()
        finally:
            clock.cancel()
        return outcome

    def _roll_back(self) -> None:
        """End a transaction that failed; where the connection is gone, so is the copy.

        Raises:
            SandboxError: it is gone.
        """
        try:
            self._connection.execute("ROLLBACK")
        except self._library.Error as error:
            raise SandboxError(f"PostgreSQL ended the session: {str(error).splitlines()[0]}") from None

    def _statements(self, sql: str, limits: SqlLimits) -> Result:
        outcome: Result | None = None
        if "\0" in sql:
            raise RefusedError("a zero byte is no SQL")
        for statement in split(sql):
            word = first_word(statement)
            if word in _REFUSED:
                raise RefusedError(f"{word} is not allowed; each call is one transaction already")
            with self._connection.cursor() as cursor:
                cursor.execute(statement, prepare=True)
                columns = [column.name for column in cursor.description or ()]
                rows: list[Any] = cursor.fetchmany(limits.rows + 1) if columns else []
                changed = None if columns else cursor.rowcount
            if columns or outcome is None or not outcome.columns:
                outcome = result(columns, rows, changed, limits)
        if outcome is None:
            raise RefusedError("expected a statement")
        return outcome

    def content(self) -> Iterator[tuple[str, Sequence[str], Sequence[Sequence[Any]]]]:
        """Each table."""
        names = self._connection.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname NOT LIKE 'pg\\_%'"
        ).fetchall()
        for schema, name in names:
            quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
            rows = self._connection.execute(f"SELECT * FROM {quoted}")
            yield f"{schema}.{name}", [column.name for column in rows.description], rows.fetchall()

    def close(self) -> None:
        """Drop it."""
        with contextlib.suppress(self._library.Error):
            self._connection.close()
        self._engine.drop(self._name)

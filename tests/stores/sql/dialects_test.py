"""Oracle and SQL Server, of which no server is at hand: an independent parser reads every statement made for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import sqlglot
from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.sql import ClauseElement

from flowrt.stores import migrations
from flowrt.stores.codec import Codec
from flowrt.stores.protocol import Batch, Definition, Query, StaleOwner
from flowrt.stores.sql.commit import Commits
from flowrt.stores.sql.databases import dialect
from flowrt.stores.sql.definitions import Definitions
from flowrt.stores.sql.events import Events
from flowrt.stores.sql.leases import Leases
from flowrt.stores.sql.queries import Queries
from flowrt.stores.sql.reads import Reads
from flowrt.stores.sql.rows import Rows
from flowrt.stores.sql.tables import Tables, tables
from flowrt.testing.contract.records import checkpoint, full, record

_READ_AS = {"oracle": "oracle", "mssql": "tsql", "mysql": "mysql", "postgresql": "postgres", "sqlite": "sqlite"}
_NAMES = ["oracle", "mssql"]
_APPLICATION = "orders"


class Found:
    """What a statement finds: a lease held under token 1, and nothing else."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows
        self.rowcount = len(rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)

    def all(self) -> list[tuple[Any, ...]]:
        return self._rows

    def first(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None

    def one(self) -> tuple[Any, ...]:
        return self._rows[0]

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None

    def scalars(self) -> list[Any]:
        return [row[0] for row in self._rows]


class Reader:
    """In place of a connection: compiles each statement for a dialect and has it parsed."""

    def __init__(self, name: str, held: bool) -> None:
        self.name, self.held = name, held
        self.dialect = registry.load(name if name != "mssql" else "mssql.pymssql")()
        self.statements: list[str] = []

    def execute(self, statement: ClauseElement, parameters: Any = None) -> Found:
        first = parameters[0] if isinstance(parameters, list) else parameters
        names = list(first) if first and not isinstance(first.get("values"), list) else None
        compiled = statement.compile(dialect=self.dialect, column_keys=names)
        # Lists of values and limits are written out when they are known.
        text = re.sub(r"\(__\[POSTCOMPILE_\w+\]\)", "(:a, :b)", str(compiled))
        text = re.sub(r"__\[POSTCOMPILE_\w+\]", "10", text)
        text = re.sub(r"%\((\w+)\)s|:(\w+)", r"@\1\2", text) if self.name == "mssql" else text
        sqlglot.parse_one(text, read=_READ_AS[self.name])
        self.statements.append(text)
        if "application_lease_entity" in text and text.startswith("SELECT"):
            return Found([("one", 1, 0.0, 1.0)] if "holder" in text else [(1,)])
        return Found([("i1", 1, 0, None)] if self.held and "revision" in text.partition("FROM")[0] else [])

    def begin_nested(self) -> AbstractContextManager[None]:
        return nullcontext()


Call = Callable[[Connection], Any]


def store_calls(name: str) -> dict[str, Call]:
    """Every way in which the store speaks to a database."""
    particular, names, codec = dialect(name), tables(None, name), Codec()
    queries, bulk = Queries(_APPLICATION, name), particular.bulk(_APPLICATION, names)
    leases, events = Leases(names, queries), Events(names, queries, codec)
    commits, reads = Commits(names, queries, bulk, leases, events), Reads(names, queries, codec)
    definitions = Definitions(names, queries, codec)
    rows = Rows(codec, particular.pointer_bytes)

    def commit(batch: Batch, careful: bool = False) -> Call:
        return lambda connection: commits.write(connection, batch, rows.plan(batch, 1), 1, careful)

    again = checkpoint("i1", 2, live={("/a", 0): (None, {"attempt": 1}), ("/b", 0): None}, pruned={"/l": 2})
    twice = checkpoint("i1", history=[("", record("/a")), ("", record("/a", 0, 1))])
    everything = Query("running", "n", "m", "1", ("k", "v"), 1.0, "workflow", "MS4wIGk", 10)
    return {
        "first commit": commit(Batch([full("i1"), twice], [("/s", "1", 1.0)], [("/s", "1")])),
        "careful commit": commit(Batch([full("i1")]), careful=True),
        "acquire": lambda connection: leases.acquire(connection, "one", 30),
        "renew": lambda connection: leases.renew(connection, 1, 30),
        "release": lambda connection: leases.release(connection, 1),
        "load": lambda connection: reads.load(connection, ["i1"]),
        "unfinished": lambda connection: reads.unfinished(connection, "i0", 10),
        "find": lambda connection: reads.find(connection, everything),
        "list": lambda connection: reads.find(connection, Query()),
        "expired": lambda connection: reads.expired(connection, "completed", 1.0, 10),
        "history": lambda connection: reads.history(connection, "i1"),
        "counts": lambda connection: reads.counts(connection),
        "delete": lambda connection: commits.remove(connection, ["i1"]),
        "put definition": lambda connection: definitions.put(connection, Definition("d", "n", "m", "1", "x", True)),
        "definition": lambda connection: definitions.get(connection, "d"),
        "deployed": definitions.deployed,
        "seen": lambda connection: events.seen(connection, [("/s", "1")]),
        "forget": lambda connection: events.forget(connection, 1.0),
        "outbox": events.outbox,
        "later commit": commit(Batch([again])),
    }


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("call", list(store_calls("oracle")))
def test_every_statement_is_understood(name: str, call: str) -> None:
    reader: Any = Reader(name, call in ("later commit", "delete"))
    store_calls(name)[call](reader)
    assert reader.statements


@pytest.mark.parametrize("name", _NAMES)
def test_commits_lock_what_they_depend_on(name: str) -> None:
    reader: Any = Reader(name, held=True)
    store_calls(name)["later commit"](reader)
    locks = {"oracle": ("FOR UPDATE", "FOR UPDATE"), "mssql": ("HOLDLOCK", "UPDLOCK")}[name]
    fence, standing = reader.statements[:2]
    assert "application_lease_entity" in fence
    assert locks[0] in fence
    assert "process_instance_entity" in standing
    assert locks[1] in standing


@pytest.mark.parametrize("name", _NAMES)
def test_a_stale_token_stops_at_the_fence(name: str) -> None:
    reader: Any = Reader(name, held=False)
    names = tables(None, name)
    with pytest.raises(StaleOwner):
        Leases(names, Queries(_APPLICATION, name)).fence(reader, 2)
    assert len(reader.statements) == 1


@pytest.mark.parametrize("name", _READ_AS)
def test_every_migration_is_understood(name: str) -> None:
    for migration in migrations.migrations(name):
        assert migration.statements
        for statement in migration.statements:
            # What only MySQL itself runs of MariaDB's and its own.
            statement = re.sub(r"/\*M! .*? \*/|/\*!80017 (.*?) \*/", r"\1", statement)
            parsed = sqlglot.parse_one(statement, read=_READ_AS[name], error_level=sqlglot.ErrorLevel.RAISE)
            assert parsed.key in ("create", "alter", "insert", "drop", "command"), statement


@pytest.mark.parametrize("name", _NAMES)
def test_the_migrations_make_every_column_that_statements_name(name: str) -> None:
    text = "\n".join(statement for migration in migrations.migrations(name) for statement in migration.statements)
    for table in (getattr(tables(None, name), each) for each in Tables.__slots__ if each != "parts"):
        parts = re.findall(rf"(?:CREATE|ALTER) TABLE {table.name}\b[^;]*?(?=\n(?:CREATE|ALTER)|\Z)", text, re.DOTALL)
        made = set(re.findall(r"^ +\[?(\w+)\]? +[A-Z]", "\n".join(parts), re.MULTILINE))
        assert set(table.columns.keys()) <= made, table.name

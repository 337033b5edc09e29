"""Migrations of the SQL stores: the files of `db/migration/<database>`, each applied once, under a lock.

What was applied is recorded in Flyway's own table with Flyway's checksums, so that a team may use either tool. Where
DDL is not transactional, a migration is recorded as failed before it begins and as applied when it ends; one that was
interrupted is reported, and repeated leaving alone what it had done already.
"""

from __future__ import annotations

import importlib.metadata
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    inspect,
    quoted_name,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from flowrt.stores.protocol import StoreRefused
from flowrt.stores.sql.database import Database
from flowrt.stores.sql.databases import dialect
from flowrt.stores.sql.dialect import Dialect
from flowrt.stores.sql.settings import SqlSettings

HISTORY = "flyway_schema_history"
APPLIED, PENDING, FAILED, CHANGED, NEWER = "applied", "pending", "failed", "changed", "newer"
_FILE = re.compile(r"V(\d+)__(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    version: int
    description: str
    script: str
    statements: Sequence[str]
    checksum: int
    """Flyway's: CRC-32 of the lines without their ends, as a signed number."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database stands with one migration."""

    version: int
    description: str
    state: str
    """applied; pending; failed (half-applied); changed (its file, since); newer (than this program knows)."""


async def status(database: Database) -> list[Standing]:
    """Where the database stands with every migration, in order."""
    settings = database.settings
    return await database.read(lambda connection: _standings(connection, settings))


async def migrate(database: Database) -> list[Standing]:
    """Applies what is pending or failed half-way; what was applied. Raises `StoreRefused`, `StoreUnavailable`."""
    particular = dialect(database.settings.dialect)

    def work(connection: Connection) -> list[Standing]:
        with particular.migrating(connection, database.settings):
            return _migrate(connection, particular, database.settings)

    try:
        return await database.write(work)
    except DBAPIError as error:
        message = f"{database.settings.place}: a migration failed: {error.orig}; remove the cause and migrate again"
        raise StoreRefused(message) from error


def behind(standings: Sequence[Standing]) -> str | None:
    """Why this program cannot work on the schema as it stands, or None."""
    for state, what in ((FAILED, "was applied half-way"), (CHANGED, "is not the one that was applied")):
        for standing in standings:
            if standing.state == state:
                return f"V{standing.version} ({standing.description}) {what}"
    pending = [standing.version for standing in standings if standing.state == PENDING]
    return f"V{', V'.join(map(str, pending))} pending" if pending else None


@cache
def migrations(name: str) -> tuple[Migration, ...]:
    """The migrations of a database, in order. Raises `StoreRefused` when the installation lacks them."""
    found = [migration for file in _files(name) if (migration := _read(file)) is not None]
    if not found:
        raise StoreRefused(f"this installation has no migrations for {name}; reinstall flowrt")
    return tuple(sorted(found, key=lambda migration: migration.version))


def _files(name: str) -> Iterator[Path]:
    folder = Path(__file__).resolve().parents[2] / "db" / "migration" / name
    if folder.is_dir():
        yield from folder.iterdir()
        return
    for file in importlib.metadata.files("flowrt") or ():
        if file.parts[-4:-1] == ("db", "migration", name):
            yield Path(str(file.locate()))


def _read(file: Path) -> Migration | None:
    named = _FILE.fullmatch(file.name)
    if named is None:
        return None
    lines = file.read_text(encoding="utf-8").splitlines()
    checksum = 0
    for line in lines:
        checksum = zlib.crc32(line.encode(), checksum)
    text = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    statements = [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", text)]
    checksum -= (checksum >> 31) << 32
    description = named[2].replace("_", " ")
    return Migration(int(named[1]), description, file.name, [part for part in statements if part], checksum)


def _history(schema: str | None) -> Table:
    # Quoted, because Flyway's names are in lower case where others would be in upper case.
    def column(name: str, *arguments: object, **options: object) -> Column[object]:
        return Column(quoted_name(name, True), *arguments, **options)  # type: ignore[arg-type]

    return Table(
        quoted_name(HISTORY, True),
        MetaData(schema=schema),
        column("installed_rank", Integer, primary_key=True, autoincrement=False),
        column("version", String(50)),
        column("description", String(200), nullable=False),
        column("type", String(20), nullable=False),
        column("script", String(1000), nullable=False),
        column("checksum", Integer),
        column("installed_by", String(100), nullable=False),
        column("installed_on", DateTime, nullable=False, server_default=func.current_timestamp()),
        column("execution_time", Integer, nullable=False),
        column("success", Boolean, nullable=False),
    )


def _recorded(connection: Connection, settings: SqlSettings) -> dict[int, tuple[int | None, bool]]:
    table = _history(settings.schema)
    if not inspect(connection).has_table(HISTORY, settings.schema):
        return {}
    rows = connection.execute(select(table.c.version, table.c.checksum, table.c.success))
    return {int(version): (checksum, bool(success)) for version, checksum, success in rows if (version or "").isdigit()}


def _standings(connection: Connection, settings: SqlSettings) -> list[Standing]:
    recorded = _recorded(connection, settings)
    standings = []
    for migration in migrations(settings.dialect):
        checksum, success = recorded.pop(migration.version, (None, None))
        if success is None:
            state = PENDING
        elif not success:
            state = FAILED
        else:
            state = APPLIED if checksum in (None, migration.checksum) else CHANGED
        standings.append(Standing(migration.version, migration.description, state))
    return standings + [Standing(version, "", NEWER) for version in sorted(recorded)]


def _migrate(connection: Connection, particular: Dialect, settings: SqlSettings) -> list[Standing]:
    table = _history(settings.schema)
    table.create(connection, checkfirst=True)
    standings = {standing.version: standing for standing in _standings(connection, settings)}
    done = []
    for migration in migrations(settings.dialect):
        standing = standings[migration.version]
        if standing.state == CHANGED:
            raise StoreRefused(
                f"{settings.place}: {migration.script} is not the file that was applied; "
                "restore the file, or let Flyway repair its record"
            )
        if standing.state in (PENDING, FAILED):
            _apply(connection, particular, table, migration, standing.state == FAILED)
            done.append(Standing(migration.version, migration.description, APPLIED))
    return done


def _apply(connection: Connection, particular: Dialect, table: Table, migration: Migration, repeated: bool) -> None:
    started = time.monotonic()
    mine = table.c.version == str(migration.version)
    if not repeated:
        rank = connection.execute(select(func.coalesce(func.max(table.c.installed_rank), 0))).scalar_one()
        values = {
            "installed_rank": rank + 1,
            "version": str(migration.version),
            "description": migration.description,
            "type": "SQL",
            "script": migration.script,
            "checksum": migration.checksum,
            "installed_by": "flowrt",
            "execution_time": 0,
            "success": False,
        }
        connection.execute(insert(table).values(values))
    for statement in migration.statements:
        try:
            connection.exec_driver_sql(statement)
        except DBAPIError as error:
            if not (repeated and particular.done_before(error)):
                raise
    elapsed = int((time.monotonic() - started) * 1000)
    ended = {"success": True, "execution_time": elapsed, "checksum": migration.checksum}
    connection.execute(update(table).where(mine).values(ended))

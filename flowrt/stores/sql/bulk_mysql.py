"""MySQL and MariaDB: many rows in a message, long values apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Table

from flowrt.stores.sql import statements_mysql as statements
from flowrt.stores.sql.bulk import Change, Row, Standing, Where
from flowrt.stores.sql.parts import Parts, owner_of
from flowrt.stores.sql.pool import PREPARED
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.text import escape
from flowrt.stores.sql.together_mariadb import TogetherInMariadb


class MysqlBulk:
    """With executemany."""

    def __init__(self, application: str, tables: Tables, parts: Parts) -> None:
        self._application, self._tables, self._parts = escape(application), tables, parts

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        kept, owners = self._parts.take(connection, columns, rows)
        _say(connection, statements.added(self._application, table, columns, kept, _is_mariadb(connection)))
        self._parts.sweep(connection, owners)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        names = (*key, *columns)
        kept, _ = self._parts.take(connection, names, rows, alone=True)
        # In one order for all, lest two transactions wait for each other.
        ordered = sorted(kept, key=lambda row: row[: len(key)])
        self._change(connection, table, names, ordered, Change(columns))

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        # What is updated is known to be there, and locked: only the second half of this statement ever happens.
        columns = (*where.columns, *change.columns, *change.kept)
        kept, owners = self._parts.take(connection, columns, rows)
        self._change(connection, table, columns, kept, change)
        self._parts.sweep(connection, owners)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        if table.name in ("process_instance_entity", "cloud_event_entity"):
            self._parts.remove(connection, [owner_of(where.columns, row) for row in rows])
        # What is one message for MariaDB would be one for each row for MySQL.
        said = statements.one_by_one if _is_mariadb(connection) else statements.at_once
        _say(connection, said(self._application, statements.delete(table), table, where, rows))

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        statement = statements.copy(source, target, columns)
        _say(connection, statements.at_once(self._application, statement, source, where, rows))

    def together(
        self, connection: Connection, expected: Mapping[str, Standing], token: int
    ) -> TogetherInMariadb | None:
        if not (_is_mariadb(connection) and connection.get_execution_options().get(PREPARED)):
            return None
        return TogetherInMariadb(self._application, self._tables, expected, token)

    def _change(
        self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], change: Change
    ) -> None:
        mariadb = _is_mariadb(connection)
        _say(connection, statements.changed(self._application, table, columns, rows, change, mariadb))


def _say(connection: Connection, messages: Iterable[statements.Message]) -> None:
    for statement, values in messages:
        connection.exec_driver_sql(statement, values)


def _is_mariadb(connection: Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))

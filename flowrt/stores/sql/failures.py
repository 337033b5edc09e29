"""Which errors of a driver mean that the database did not do it, or did not say: those become `StoreUnavailable`.

Everything else (a broken constraint, a missing table, a wrong statement) is a fault of this program and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError, TimeoutError

from flowrt.stores.protocol import StoreRefused, StoreUnavailable
from flowrt.stores.sql.settings import SqlSettings

# SQLSTATE classes: connection, transaction rollback, resources, operator intervention, system; and single codes:
# read-only transaction, lock not available.
_POSTGRES_CLASSES = ("08", "40", "53", "57", "58")
_POSTGRES_CODES = frozenset(("25006", "55P03"))
_POSTGRES_REFUSALS = ("28", "3D")
_MYSQL_LOST = frozenset((1042, 1043, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1184, 1927))
_MYSQL_CLIENT = frozenset((2002, 2003, 2006, 2013, 2014, 2055))
_MYSQL_FULL = frozenset((1021, 1040, 1114, 1129, 1153, 1203, 1226, 1637))
_MYSQL_LOCKED = frozenset((1180, 1205, 1213, 1290, 1317, 1792, 1836, 1969, 3024, 3168))
_MYSQL_REFUSALS = frozenset((1044, 1045, 1049, 1698))
# BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB
_SQLITE_CODES = frozenset((5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 26))
_DEADLOCKS: Mapping[str, tuple[Any, ...]] = {
    "postgresql": ("40001", "40P01"),
    "mysql": (1213,),
    "sqlite": (),
    "oracle": (60, 8177),
    "mssql": (1205,),
}
_ORACLE_CODES = frozenset((28, 54, 60, 1012, 1033, 1034, 1089, 1090, 1092, 1109, 1653, 1654, 3113, 3114, 3135, 12170))
_ORACLE_LISTENER = range(12500, 12600)
_ORACLE_REFUSALS = frozenset((1017, 28000, 28001))
_MSSQL_STATES = ("08", "40", "HYT")
_MSSQL_REFUSALS = ("28",)


@contextmanager
def translated(settings: SqlSettings) -> Iterator[None]:
    """Raises `StoreUnavailable` or `StoreRefused` for what is not this program's fault."""
    try:
        yield
    except DBAPIError as error:
        raised = _meaning(error, settings)
        if raised is None:
            raise
        raise raised from error
    except TimeoutError as error:
        limit = settings.connection_timeout_ms / 1000
        message = f"{settings.place}: no connection of {settings.maximum_pool_size} became free within {limit:g} s"
        raise StoreUnavailable(message) from error
    except OSError as error:
        raise StoreUnavailable(f"{settings.place} cannot be reached: {_text(error)}") from error


def worth_another_try(error: Exception, settings: SqlSettings) -> bool:
    """Whether the same work may succeed at once: on a new connection, or now that a deadlock has been broken up."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _code(error.orig, settings.dialect) in _DEADLOCKS[settings.dialect]
    return isinstance(error, ConnectionError)


def _meaning(error: DBAPIError, settings: SqlSettings) -> StoreUnavailable | StoreRefused | None:
    text = f"{settings.place}: {_text(error.orig)}"
    if _refuses(error.orig, settings.dialect):
        return StoreRefused(f"{text}; check user, password and database")
    if isinstance(error, IntegrityError):
        return None
    if error.connection_invalidated or _unavailable(error.orig, settings.dialect):
        return StoreUnavailable(text)
    return None


def _unavailable(error: Any, dialect: str) -> bool:
    code = _code(error, dialect)
    match dialect:
        case "postgresql":
            # Without a state the driver itself gave up: the connection is closed, or closing.
            return not code or code.startswith(_POSTGRES_CLASSES) or code in _POSTGRES_CODES
        case "mysql":
            return code in _MYSQL_LOST | _MYSQL_CLIENT | _MYSQL_FULL | _MYSQL_LOCKED
        case "sqlite":
            return code in _SQLITE_CODES
        case "oracle":
            return code in _ORACLE_CODES or code in _ORACLE_LISTENER
        case _:
            return str(code).startswith(_MSSQL_STATES)


def _refuses(error: Any, dialect: str) -> bool:
    code = _code(error, dialect)
    match dialect:
        case "postgresql":
            return str(code).startswith(_POSTGRES_REFUSALS)
        case "mysql":
            return code in _MYSQL_REFUSALS
        case "oracle":
            return code in _ORACLE_REFUSALS
        case "mssql":
            return str(code).startswith(_MSSQL_REFUSALS)
        case _:
            return False


def _code(error: Any, dialect: str) -> Any:
    if dialect == "postgresql":
        return getattr(error, "sqlstate", None) or ""
    if dialect == "sqlite":
        return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    first = error.args[0] if getattr(error, "args", None) else 0
    return getattr(first, "code", first)


def code_of(error: DBAPIError, dialect: str) -> Any:
    """The database's own code of an error."""
    return _code(error.orig, dialect)


def _text(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

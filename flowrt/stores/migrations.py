"""Migrations of the SQL stores: the files of `db/migration/<database>`, each applied once, under a lock.

What was applied is recorded in Flyway's own table and with Flyway's checksums, so that a team may use either tool, or
both in turn. Where DDL is not transactional a migration is recorded as failed before it begins, and as applied when
it ends; one that was interrupted is reported, and repeated with what it had done already left as it is.
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

from sqlalchemy import Boolean, Column, Connection, DateTime, Integer, MetaData, SmallInteger, String, Table, func
from sqlalchemy import insert, inspect, select, update
from sqlalchemy.exc import DBAPIError

from flowrt.stores.protocol import StoreRefused
from flowrt.stores.sql.database import Database
from flowrt.stores.sql.databases import dialect
from flowrt.stores.sql.dialect import Dialect

"""Prints what flowrt and its peers reach at the same work on this machine. Figures, not tests."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.peers.rounds import Outcome, Rounds
from benchmarks.peers.work import contests
from tests.servers.postgres import Postgres


def measure(rounds: int, seconds: float, only: str) -> Iterator[Outcome]:
    """The outcome of every side of every contest whose title has `only` in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        postgres: Postgres | None = Postgres()
        reason = postgres.unavailable() if postgres else None
        if reason is not None:
            print(f"PostgreSQL is skipped: {reason}")
            postgres = None
        try:
            if postgres is not None:
                postgres.start(folder / "postgres")
                for database in ("flowrt_calls", "flowrt_sets", "dbos"):
                    postgres.create_database(database)
            with Rounds(folder, rounds, seconds) as running:
                for contest in contests(folder, postgres):
                    if only.lower() in contest.title.lower():
                        yield from running.outcomes(contest)
        finally:
            if postgres is not None:
                postgres.stop()


def line(outcome: Outcome) -> str:
    """For people."""
    head = f"{outcome.contest:35} {outcome.peer:24} {outcome.what:36}"
    if outcome.tasks_per_s is None:
        return f"{head} skipped: {outcome.skipped}"
    times = "" if outcome.flowrt_times is None else f" flowrt is {outcome.flowrt_times:.2f} times that"
    return f"{head} {outcome.tasks_per_s:>10,.0f} tasks/s{times}"


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, of which the median counts")
    parser.add_argument("--seconds", type=float, default=1.5, help="of one measurement")
    parser.add_argument("--only", default="", help="contests with this in their title")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    for outcome in measure(arguments.rounds, arguments.seconds, arguments.only):
        print(json.dumps(asdict(outcome)) if arguments.json else line(outcome), flush=True)


if __name__ == "__main__":
    main()

"""Runs a five-step workflow for a while in DBOS, once for each line read; started by `dbos_peer` in a venv of DBOS's.

A line is file (unused: DBOS's workflows are Python), store (its database's URL), concurrency and seconds, separated by
tabs; answered with the number of workflows that ended and the seconds they took.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS, DBOSConfig


@DBOS.step()
def add_one(number: int) -> int:
    return number + 1


@DBOS.workflow()
def five_steps(number: int) -> int:
    for _ in range(5):
        number = add_one(number)
    return number


def run(concurrency: int, seconds: float) -> tuple[int, float]:
    """How many workflows ended, and in how many seconds; the threads of the pool are the clients."""
    began = time.perf_counter()

    def client(_: int) -> int:
        ended = 0
        while time.perf_counter() < began + seconds:
            if five_steps(0) != 5:
                raise SystemExit("DBOS gave a wrong result")
            ended += 1
        return ended

    with ThreadPoolExecutor(concurrency) as pool:
        ended = sum(pool.map(client, range(concurrency)))
    return ended, time.perf_counter() - began


def main() -> None:
    """Answers lines until there are no more."""
    url = ""
    for line in sys.stdin:
        _, store, concurrency, seconds = line.rstrip("\n").split("\t")
        if store != url:
            if url:
                DBOS.destroy()
            config: DBOSConfig = {"name": "rates", "system_database_url": store, "log_level": "ERROR"}
            DBOS(config=config)
            DBOS.launch()
            url = store
        ended, took = run(int(concurrency), float(seconds))
        print(f"{ended}\t{took}", flush=True)


if __name__ == "__main__":
    main()

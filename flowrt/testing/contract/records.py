"""Records for the contract suite: small entries and checkpoints, and one that has everything."""

from __future__ import annotations

from typing import Any

from flowrt.core.definition import Subscription
from flowrt.core.instance import ENDED
from flowrt.stores.protocol import Checkpoint, Entry

Json = Any

STRANGE = 'naïve \x00 NUL \x01 \U0001f40d 雪 "quoted\\" \u2028 {"json": 1} '
"""What a database may stumble over: NUL, control characters, four-byte UTF-8, quotes, a space at the end."""


def entry(id: str, status: str = "running", started_at: float = 1_700_000_000.0, **other: Any) -> Entry:
    """What finds an instance."""
    plain: dict[str, Any] = {
        "namespace": "shop",
        "name": "order",
        "version": "1.0.0",
        "digest": "sha256:1",
        "role": "workflow",
        "ended_at": started_at + 1 if status in ENDED else None,
    }
    return Entry(id=id, status=status, started_at=started_at, **{**plain, **other})


def checkpoint(found: str | Entry, revision: int = 1, **parts: Any) -> Checkpoint:
    """One with a small head; `parts` are members of `Checkpoint`."""
    of = entry(found) if isinstance(found, str) else found
    head = {"format": 1, "id": of.id, "revision": revision, "status": of.status}
    return Checkpoint(of, revision, parts.pop("head", head), **parts)


def record(position: str, iteration: int = 0, attempt: int = 0, output: Json = None, **other: Json) -> dict[str, Json]:
    """A completed task as the history keeps it."""
    name = position.rsplit("/", 1)[-1]
    data = {"position": position, "name": name, "kind": "set", "iteration": iteration, "attempt": attempt}
    return {**data, "started_at": 1.25, "ended_at": 2.5, "output": output, "next": None, **other}


def event(id: str, source: str = "/till", **other: Json) -> dict[str, Json]:
    """A CloudEvent for the outbox."""
    return {"specversion": "1.0", "id": id, "source": source, "type": "paid", **other}


def full(id: str) -> Checkpoint:
    """A first checkpoint that has everything."""
    of = entry(id, "waiting", 1_700_000_000.123457, wake_at=1_700_000_060.5, tags={"colour": "blue"}, parent="p1")
    paused = {"attempt": 1, "run": 2, "wake_at": 1_700_000_060.5}
    return checkpoint(
        of,
        fields={"input": {"a": [1, 2.5, None, True]}, "context": STRANGE, "output": None, "error": {"status": 500}},
        live={
            ("/do", 0): ({"sequence": 1, "input": {}}, {"attempt": 0}),
            ("/do/1/pause", 3): ({"sequence": 2, "input": STRANGE}, paused),
        },
        history=[
            ("", record("/do/0/first", output={"x": STRANGE}, next="/do/1/pause", context={"c": 1})),
            ("/do/2/loop", record("/do/2/loop/do/0/in", 7)),
        ],
        subscriptions=[Subscription("paid", ".data.id", [1, "x"]), Subscription(None)],
        outbox=[event("e1", data={"n": 1}, time="2024-01-01T00:00:00Z", traceid="t"), event("e2")],
    )

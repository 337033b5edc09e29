"""The Java reference runtime, from its published Maven artifacts, in memory and on its MVStore file."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.program import Command, Peer
from tests.servers import maven

VERSION = "7.13.4.Final"
_SOURCE = Path(__file__).parent / "java" / "Rates.java"
_GROUP = "io.serverlessworkflow:serverlessworkflow"
_ARTIFACTS = [
    f"{_GROUP}-api:{VERSION}",
    f"{_GROUP}-impl-jackson:{VERSION}",
    f"{_GROUP}-persistence-mvstore:{VERSION}",
    f"{_GROUP}-persistence-jackson-marshaller:{VERSION}",
    # Without it the nearest one wins, which is older than what Jackson's core needs.
    "com.fasterxml.jackson.core:jackson-annotations:2.21",
    "org.slf4j:slf4j-nop:2.0.17",
]


def command() -> Command:
    """Raises `Missing`."""
    libraries = maven.jars("peer-java", _ARTIFACTS)
    return [maven.java(), "-cp", f"{libraries}/*:{maven.compiled(_SOURCE, libraries)}", _SOURCE.stem]


PEER = Peer("Java reference runtime", VERSION, command)

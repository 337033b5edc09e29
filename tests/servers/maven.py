"""Servers and libraries for the Java machine, fetched with Maven, and starters compiled against them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from .install import cached, program, run

_DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>flowrt.test</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
_NOTHING_ELSE = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"


def java() -> Path:
    return program("java", "openjdk-17-jre-headless", "default-jre-headless")


def jars(name: str, coordinates: Sequence[str], *, exact: bool = False) -> Path:
    """A folder with the jars of `group:artifact:version[:classifier]` and, unless exact, all they depend on."""

    def make(draft: Path) -> None:
        dependencies = "\n".join(_dependency(coordinate, exact) for coordinate in coordinates)
        (draft / "pom.xml").write_text(_PROJECT.format(dependencies=dependencies))
        goal = f"{_DEPENDENCY_PLUGIN}:copy-dependencies"
        _maven(name, draft, goal, "-DincludeScope=runtime", f"-DoutputDirectory={draft}")

    return cached(f"{name}-{_digest(*coordinates)}", make)


def archive(name: str, coordinate: str) -> Path:
    """The one file of `group:artifact:version:type`."""

    def make(draft: Path) -> None:
        _maven(name, draft, f"{_DEPENDENCY_PLUGIN}:copy", f"-Dartifact={coordinate}", f"-DoutputDirectory={draft}")

    return next(cached(f"{name}-{_digest(coordinate)}", make).iterdir())


def compiled(source: Path, libraries: Path) -> Path:
    """A folder with the classes of one Java file."""
    compiler = program("javac", "openjdk-17-jdk-headless", "default-jdk-headless")

    def make(draft: Path) -> None:
        run([compiler, "-nowarn", "-cp", f"{libraries}/*", "-d", draft, source], source.name)

    return cached(f"{source.stem}-{_digest(source.read_text(), libraries.name)}", make)


def small_machine(heap_mb: int) -> list[str]:
    """Options for a server that starts fast, serves little and leaves memory to others."""
    return [f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def _maven(name: str, folder: Path, *arguments: str) -> None:
    run([program("mvn", "maven"), "-q", "-B", "-ntp", *arguments], name, folder=folder)


def _dependency(coordinate: str, exact: bool) -> str:
    tags = zip(("groupId", "artifactId", "version", "classifier"), coordinate.split(":"), strict=False)
    parts = "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in tags)
    return f"    <dependency>{parts}{_NOTHING_ELSE if exact else ''}</dependency>"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]

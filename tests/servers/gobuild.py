"""Servers that are built from Go modules, once, into the cache."""

import json
import re
from pathlib import Path

from .install import cached, program, run

# A build may take minutes on a small machine: it leaves the processor to everything else.
_GENTLY: list[str | Path] = ["nice", "-n", "19"]
_STAGED = re.compile(r"^\s*(?:replace )?(\S+) => \./staging/", re.MULTILINE)
_LANGUAGE = re.compile(r"^go \S+$", re.MULTILINE)


def installed(name: str, package: str, version: str) -> Path:
    """The program of `go install package@version`."""

    def make(draft: Path) -> None:
        install = [*_GENTLY, _go(), "install", "-trimpath", "-ldflags", "-s -w", f"{package}@{version}"]
        run(install, name, environment={"GOBIN": str(draft)})
        (draft / package.rpartition("/")[2]).rename(draft / name)

    return cached(f"{name}-{version}", make) / name


def built(name: str, package: str, module: str, version: str, *, link: str = "") -> Path:
    """The program of a package whose module `go install` refuses, because it replaces others; `link` adds flags."""

    def make(draft: Path) -> None:
        (draft / "go.mod").write_text(_requirements(module, version))
        options = ["-mod=mod", "-p", "2", "-trimpath", "-ldflags", f"-s -w {link}".strip()]
        run([*_GENTLY, _go(), "build", *options, "-o", draft / name, package], name, folder=draft)

    return cached(f"{name}-{version}", make) / name


def _requirements(module: str, version: str) -> str:
    """A go.mod that requires the module; what that one replaces by its own staging folders comes as published.

    Kubernetes publishes the staging folders of v1.33.1 as v0.33.1.
    """
    downloaded = json.loads(run([_go(), "mod", "download", "-json", f"{module}@{version}"], module))
    original = Path(downloaded["GoMod"]).read_text()
    language = _LANGUAGE.search(original)
    published = f"v0.{version.partition('.')[2]}"
    lines = ["module flowrt.test/server", language[0] if language else "", f"require {module} {version}"]
    lines += [f"replace {staged} => {staged} {published}" for staged in _STAGED.findall(original)]
    return "\n".join(lines) + "\n"


def _go() -> Path:
    """One of 1.21 or later fetches by itself the version that a module asks for."""
    return program("go", "golang-go")

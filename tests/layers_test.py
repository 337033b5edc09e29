"""The layer rule: imports go one way, the core needs nothing but the standard library, heavy imports stay lazy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "flowrt"

ALLOWED = {
    "core": {"core"},
    "tasks": {"tasks", "core"},
    "expressions": {"expressions", "core"},
    "effects": {"effects", "core", "version"},
    "stores": {"stores", "core", "config"},
    "events": {"events", "core"},
    "compiler": {"compiler", "core", "tasks"},
    "schema": {"schema", "compiler"},
    "config": {"config", "core"},
    "version": set(),
    "secrets": {"secrets", "config", "core"},
    "legacy": {"legacy", "core"},
    "runtime": {"runtime", "core", "compiler", "stores", "events", "tasks"},
    "graph": {"core", "tasks"},
    "ui": set(),
}
"""Room -> the rooms it may import from; those not listed (cli, api, assemble, python, …) are the outer shell."""

INNER = set(ALLOWED)
ADAPTERS = ("flowrt.stores.file", "flowrt.stores.redis", "flowrt.stores.sql", "flowrt.effects.", "flowrt.expressions.")
ASSEMBLERS = {"assemble", "outside", "effects", "stores", "expressions", "testing", "cli"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


KNOWN = {name_of(path) for path in modules()}


def imports(path: Path) -> set[str]:
    """Every flowrt module that a file imports, lazily too; imports for type checkers are not counted."""
    found: set[str] = set()
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            below = {f"{base}.{alias.name}" for alias in node.names}
            found.update((below & KNOWN) or {base})
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    own = room(name_of(path))
    if own not in INNER:
        return
    wrong = {module for module in imports(path) if module.startswith("flowrt.") and room(module) not in ALLOWED[own]}
    assert not wrong, f"{name_of(path)} may not import {', '.join(sorted(wrong))}"


def test_the_core_needs_only_the_standard_library() -> None:
    foreign = {
        f"{name_of(path)}: {module}"
        for path in (PACKAGE / "core").glob("*.py")
        for module in imports(path)
        if not module.startswith("flowrt") and module.split(".")[0] not in sys.stdlib_module_names
    }
    assert not foreign


def test_only_the_assembly_names_adapters() -> None:
    wrong = {
        f"{name_of(path)}: {module}"
        for path in modules()
        if room(name_of(path)) not in ASSEMBLERS
        for module in imports(path)
        if module.startswith(ADAPTERS)
    }
    assert not wrong


def test_there_is_no_import_cycle() -> None:
    graph = {name_of(path): {m for m in imports(path) if m.startswith("flowrt")} for path in modules()}
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        if module in done or module not in graph:
            return
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        for target in sorted(graph[module]):
            if target != module:
                walk(target, (*trail, module))
        done.add(module)

    for module in sorted(graph):
        walk(module, ())


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import flowrt", ("click", "yaml", "jq", "orjson", "httpx", "asyncio")),
        ("import flowrt.cli", ("yaml", "jq", "httpx", "asyncio", "starlette")),
        ("import flowrt.assemble", ("starlette", "uvicorn", "httpx", "sqlalchemy", "redis", "lmdb", "grpc", "jq")),
    ],
)
def test_heavy_imports_are_lazy(statement: str, absent: tuple[str, ...]) -> None:
    code = f"{statement}; import sys; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_and_functions_stay_small() -> None:
    """Files of at most 400 lines, functions of at most 60."""
    long = [f"{name_of(path)}: {count}" for path in modules() if (count := len(path.read_text().splitlines())) > 400]
    functions = [
        f"{name_of(path)}.{node.name}: {node.end_lineno - node.lineno + 1}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    ]
    assert not long
    assert not functions

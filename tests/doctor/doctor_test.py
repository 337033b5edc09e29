"""`flowrt doctor` as an operator runs it: what it looks at, what it says, and its exit code."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flowrt.config import load
from flowrt.doctor.production import production
from tests.plugins.distribution import REPOSITORY, install
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

HEAD = "document: {{dsl: '1.0.3', namespace: test, name: {name}, version: 1.0.0}}\n"


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("FLOWRT_")}
    return subprocess.run(
        [sys.executable, "-m", "flowrt", *arguments],
        cwd=folder,
        env={**given, "PYTHONPATH": str(REPOSITORY), "FLOWRT_SERVER_PORT": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def doctor(folder: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Its exit code and the lines that it says."""
    done = run(folder, "doctor", *arguments, **environment)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.splitlines()


def workflow(folder: Path, name: str, text: str) -> None:
    (folder / "workflows").mkdir(exist_ok=True)
    (folder / "workflows" / f"{name}.yaml").write_text(HEAD.format(name=name) + text, encoding="utf-8")


def one(lines: list[str], check: str) -> str:
    """The only line of a check."""
    found = [line for line in lines if line[2:].startswith(f"{check}: ")]
    assert len(found) == 1, lines
    return found[0]


def test_when_nothing_is_wrong(tmp_path: Path) -> None:
    workflow(tmp_path, "fine", "do:\n- a:\n    set: {b: 1}\n")
    code, lines = doctor(tmp_path)
    assert code == 0
    assert lines[-1] == "nothing is wrong"
    assert one(lines, "python").startswith("✓ python: CPython 3.")
    assert one(lines, "configuration") == "✓ configuration: the defaults and the environment"
    assert one(lines, "definitions") == "✓ definitions: workflows/fine.yaml: test:fine:1.0.0 is valid"
    assert one(lines, "store").startswith(f"✓ store: {tmp_path}/.flowrt holds nothing yet")
    assert one(lines, "address").startswith("✓")
    assert not (tmp_path / ".flowrt").exists()


def test_for_programs(tmp_path: Path) -> None:
    workflow(tmp_path, "wrong", "do:\n- a:\n    st: {b: 1}\n")
    done = run(tmp_path, "doctor", "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 1
    assert {"level": "ok", "check": "configuration", "message": "the defaults and the environment"} in findings
    assert "error" in [each["level"] for each in findings if each["check"] == "definitions"]


def test_a_wrong_configuration(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("server: {prot: 1}\nstorage: {redis: {}, file: {}}\n")
    code, lines = doctor(tmp_path, "--config", "bad.yml")
    assert code == 1
    assert "✗ configuration: unknown key 'server.prot'; did you mean 'server.port'?" in lines
    assert "✗ configuration: bad.yml: 'storage' has the backends file, redis; keep exactly one" in lines
    assert lines[-1] == "2 things are wrong"


def test_definitions_that_are_invalid_are_all_told(tmp_path: Path) -> None:
    workflow(tmp_path, "one", "do:\n- a:\n    call: nothing\n")
    workflow(tmp_path, "two", "do:\n- a:\n    set: '${ .b | }'\n")
    code, lines = doctor(tmp_path)
    assert code == 1
    unknown = [line for line in lines if "/do/0/a/call: there is no function 'nothing'" in line]
    assert unknown[0].startswith("✗ definitions: workflows/one.yaml:4:")
    assert any("workflows/two.yaml" in line for line in lines)


def test_secrets_that_are_missing_are_named_and_no_value_is_said(tmp_path: Path) -> None:
    workflow(tmp_path, "buys", "use: {secrets: [pay, mail]}\ndo:\n- a:\n    set: {b: 1}\n")
    workflow(tmp_path, "sells", "use: {secrets: [pay]}\ndo:\n- a:\n    set: {b: 1}\n")
    code, lines = doctor(tmp_path, FLOWRT_SECRET_MAIL="hunter2")
    assert code == 1
    assert "✓ secrets: 'mail', needed by test:buys:1.0.0" in lines
    assert any(
        line.startswith("✗ secrets: 'pay', needed by test:buys:1.0.0, test:sells:1.0.0, is missing") for line in lines
    )
    assert not any("hunter2" in line for line in lines)


def test_what_definitions_run_and_may_not(tmp_path: Path) -> None:
    workflow(
        tmp_path,
        "runs",
        "do:\n- a:\n    run: {shell: {command: ls}}\n- b:\n    run: {script: {language: js, code: '1'}}\n",
    )
    code, lines = doctor(tmp_path)
    assert code == 1
    assert any("run.shell is off; set run.shell.enabled" in line for line in lines)
    assert any("run.script is off; set run.script.enabled" in line for line in lines)
    allowed = {"FLOWRT_RUN_SHELL_ENABLED": "true", "FLOWRT_RUN_SCRIPT_ENABLED": "true"}
    code, lines = doctor(tmp_path, **allowed, PATH="/nowhere")
    assert code == 1
    assert any("JavaScript needs Node.js" in line for line in lines)
    assert "✓ programs: run.shell is enabled, needed by test:runs:1.0.0" in lines


def test_an_extra_that_is_missing_and_one_that_is_there(tmp_path: Path) -> None:
    """`cel-python` is hidden from this interpreter, and MCP's package is there."""
    workflow(tmp_path, "cel", "evaluate: {language: cel}\ndo:\n- a:\n    set: '${ data.a }'\n")
    transport = "{http: {endpoint: 'http://127.0.0.1:9/'}}"
    workflow(tmp_path, "tools", f"do:\n- a:\n    call: mcp\n    with: {{method: tools/list, transport: {transport}}}\n")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "celpy.py").write_text("raise ImportError('hidden')\n")
    code, lines = doctor(tmp_path, PYTHONPATH=os.pathsep.join((str(hidden), str(REPOSITORY))))
    assert code == 1
    assert "✗ extras: 'cel' is missing, needed by workflows/cel.yaml: pip install 'flowrt[cel]'" in lines
    assert "✓ extras: 'mcp' is installed, needed by test:tools:1.0.0" in lines


def test_plugins_are_tried(tmp_path: Path) -> None:
    install(tmp_path, "fine", "def call(): pass", {"flowrt.functions": {"mine": "fine:call"}})
    install(tmp_path, "broken", "raise RuntimeError('not today')", {"flowrt.listeners": {"odd": "broken:call"}})
    code, lines = doctor(tmp_path, PYTHONPATH=os.pathsep.join((str(tmp_path), str(REPOSITORY))))
    assert code == 1
    assert "✓ plug-ins: mine (flowrt.functions: fine:call)" in lines
    assert any(line.startswith("✗ plug-ins: the plug-in 'odd' of broken") for line in lines)


def test_a_store_that_cannot_be_reached(tmp_path: Path) -> None:
    code, lines = doctor(tmp_path, "--store", "redis://:hunter2@127.0.0.1:9")
    assert code == 1
    assert one(lines, "store").startswith("✗ store: ")
    assert not any("hunter2" in line for line in lines)


def test_a_store_url_that_names_none(tmp_path: Path) -> None:
    code, lines = doctor(tmp_path, "--store", "paper://shelf", "--production")
    assert code == 1
    assert one(lines, "store").startswith("✗ store: 'paper:' names no store")


def test_a_store_that_exists(tmp_path: Path) -> None:
    workflow(tmp_path, "fine", "do:\n- a:\n    set: {b: 1}\n")
    store = f"file://{tmp_path}/kept"
    assert run(tmp_path, "run", "workflows/fine.yaml", "--store", store).returncode == 0
    code, lines = doctor(tmp_path, "--store", store)
    assert code == 0
    assert one(lines, "store") == f"✓ store: file at {tmp_path}/kept/default.lmdb"
    assert any("a write is safe after" in line for line in lines)


def test_a_database_that_is_made_at_start(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/kept.db"
    code, lines = doctor(tmp_path, "--store", store)
    assert code == 0
    assert not (tmp_path / "kept.db").exists()
    assert run(tmp_path, "db", "migrate", "--store", store).returncode == 0
    code, lines = doctor(tmp_path, "--store", store)
    assert code == 0
    assert one(lines, "migrations").startswith("✓ migrations: the schema is up to date (V")
    code, lines = doctor(tmp_path, "--store", f"sqlite:///{tmp_path}/no/folder.db")
    assert code == 1
    assert "SQLite makes none" in one(lines, "store")


def test_a_database_whose_migrations_are_pending(tmp_path: Path, postgres_server: Postgres) -> None:
    store = f"{postgres_server.url}?schema=doctor"
    code, lines = doctor(tmp_path, "--store", store)
    assert code == 1
    assert one(lines, "migrations").endswith("pending; run: flowrt db migrate")
    assert run(tmp_path, "db", "migrate", "--store", store).returncode == 0
    code, lines = doctor(tmp_path, "--store", store)
    assert one(lines, "migrations").startswith("✓")
    assert "store: postgresql" in "".join(lines)


def test_what_a_server_says_of_its_durability(tmp_path: Path, redis_server: Redis) -> None:
    code, lines = doctor(tmp_path, "--store", redis_server.url)
    assert code == 0, lines
    stored = [line for line in lines if line[2:].startswith("store: ")]
    assert stored[0].startswith("✓ store: redis")


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        _, lines = doctor(tmp_path, FLOWRT_SERVER_PORT=str(taken.getsockname()[1]))
    assert one(lines, "address").startswith("! address: 127.0.0.1:")


def test_a_time_zone_that_is_not_there(tmp_path: Path) -> None:
    code, lines = doctor(tmp_path, FLOWRT_SCHEDULE_TIMEZONE="Mars/Olympus")
    assert code == 1
    assert one(lines, "clock") == (
        "✗ clock: there is no time zone 'Mars/Olympus' here: correct schedule.timezone, or install tzdata"
    )


def test_a_folder_in_memory(tmp_path: Path) -> None:
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("this system has no /dev/shm")
    code, lines = doctor(tmp_path, "--store", f"file:///dev/shm/flowrt-doctor-{os.getpid()}")
    assert code == 1
    assert any(line.startswith("✗ disk: /dev/shm is in memory") for line in lines)


def test_a_folder_without_definitions(tmp_path: Path) -> None:
    _, lines = doctor(tmp_path)
    assert one(lines, "definitions") == "! definitions: there is no folder workflows: nothing is served from it"
    (tmp_path / "empty").mkdir()
    _, lines = doctor(tmp_path, "empty")
    assert one(lines, "definitions") == "! definitions: there are none under empty"


PRODUCTION = """
application: {id: shop}
server: {host: 127.0.0.1}
storage: {file: {path: kept}}
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("storage: {inMemory: }", "✗ production: the store is in memory"),
        ("persistence: {auto-restore: false}", "✗ production: persistence.auto-restore is off"),
        ("persistence: {retention: {faulted: 0}}", "✗ production: retention.faulted is 0"),
        ("persistence: {retention: {completed: 800d}}", "! production: retention.completed is 800 days"),
        ("persistence: {exclude-workflows: ['a:b']}", "! production: 'a:b' is kept in memory only"),
        ("server: {host: 0.0.0.0}", "! production: the server listens on 0.0.0.0"),
        ("server: {log-level: debug}", "! production: server.log-level is debug"),
        ("application: {id: default}", "! production: application.id is 'default'"),
        ("storage: {redis: {port: 9}}", "! production: storage.require-durable is off"),
        ("secrets: {values: {a: b}}", "! production: secrets stand in the configuration"),
        ("run: {shell: {enabled: true}}", "! production: run.shell allows every command"),
        ("run: {script: {enabled: true}}", "! production: run.script is enabled"),
        ("run: {container: {enabled: true, volumes: [/srv]}}", "! production: containers may mount /srv"),
        ("http: {allow-files: true}", "! production: http.allow-files is on"),
    ],
)
def test_what_production_asks_for(more: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(PRODUCTION)
    (tmp_path / "more.yml").write_text(more)
    config = load([tmp_path / "base.yml", tmp_path / "more.yml"], environment={}).config
    lines = [str(finding) for finding in production(config)]
    assert any(line.startswith(said) for line in lines), lines


def test_production_is_looked_at_only_when_asked_for(tmp_path: Path) -> None:
    code, lines = doctor(tmp_path, "--store", "memory://")
    assert code == 0
    assert not any("production:" in line for line in lines)
    code, lines = doctor(tmp_path, "--store", "memory://", "--production")
    assert code == 1
    assert any(line.startswith("✗ production: the store is in memory") for line in lines)


def test_a_good_production(tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(PRODUCTION)
    workflow(tmp_path, "fine", "do:\n- a:\n    set: {b: 1}\n")
    code, lines = doctor(tmp_path, "--config", "base.yml", "--production")
    assert code == 0
    assert [line for line in lines if not line.startswith("✓") and "clock" not in line] == ["nothing is wrong"]

"""`pip install .` alone runs everything but what needs an extra, and that is refused at load with the extra's name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from flowrt.effects.asyncapi.protocols import PROTOCOLS
from tests.plain_install import ROOT, PlainInstall

Json = Any
GRPC = {"proto": {"endpoint": "greet.proto"}, "service": {"name": "Greeter", "host": "localhost"}, "method": "Hello"}
MCP = {"method": "tools/list", "transport": {"http": {"endpoint": "https://mcp.example"}}}
A2A = {"method": "message/send", "server": "https://agent.example"}
CALLS = {"grpc": ("grpc", GRPC), "mcp": ("mcp", MCP), "a2a": ("a2a", A2A)}
SCHEMAS: dict[str, Json] = {"avro": "string", "xml": "<schema/>"}
STORES = {"oracle": "oracle://u:p@127.0.0.1:1/x", "mssql": "mssql://u:p@127.0.0.1:1/x"}
CONTAINER = {"run": {"container": {"enabled": True, "runtime": "kubernetes"}}}
VAULT = {"secrets": {"vault": {"address": "http://127.0.0.1:1", "token": "t"}}}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> PlainInstall:
    return PlainInstall(tmp_path_factory.mktemp("installed"))


def definition(folder: Path, task: Json, name: str = "wants", **more: Json) -> str:
    document = {"dsl": "1.0.3", "namespace": "test", "name": name, "version": "1.0.0"}
    (folder / f"{name}.yaml").write_text(json.dumps({"document": document, **more, "do": [{"it": task}]}))
    return f"{name}.yaml"


def command(extra: str) -> str:
    return f"pip install 'flowrt[{extra}]'"


def test_what_needs_no_extra_runs(plain: PlainInstall, tmp_path: Path) -> None:
    done = plain.flowrt("validate", str(ROOT / "workflows"), folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    hello = str(ROOT / "workflows" / "hello.yaml")
    for store in ("memory://", f"file://{tmp_path}/store", f"sqlite:///{tmp_path}/store.db"):
        done = plain.flowrt("run", hello, "--input", '{"name": "Ada"}', "--store", store, folder=tmp_path)
        assert (done.returncode, "Ada" in done.stdout) == (0, True), done.stderr


def test_a_script_and_a_command_run(plain: PlainInstall, tmp_path: Path) -> None:
    for kind, run in (
        ("shell", {"command": "echo hi"}),
        ("script", {"language": "python", "code": "print('hi')"}),
    ):
        file = definition(tmp_path, {"run": {kind: run, "return": "stdout"}})
        done = plain.flowrt("run", file, folder=tmp_path)
        assert (done.returncode, json.loads(done.stdout or "null")) == (0, "hi"), done.stderr


def wanting(folder: Path) -> dict[str, str]:
    """A definition for each extra that a definition may want; the extra of each file."""
    extras = {}
    for extra, (kind, arguments) in CALLS.items():
        extras[definition(folder, {"call": kind, "with": arguments}, extra)] = extra
    for protocol, entry in PROTOCOLS.items():
        if entry.extra:
            (folder / f"{protocol}.json.doc").write_text(json.dumps(asyncapi(protocol)))
            document = {"endpoint": f"{protocol}.json.doc"}
            wanted = {"document": document, "operation": "send", "message": {"payload": 1}}
            extras[definition(folder, {"call": "asyncapi", "with": wanted}, protocol)] = entry.extra
    for extra, schema in SCHEMAS.items():
        task = {"set": {"a": 1}, "input": {"schema": {"format": extra, "document": schema}}}
        extras[definition(folder, task, extra)] = extra
    extras[definition(folder, {"set": {"a": "${ input.a }"}}, "cel", evaluate={"language": "cel"})] = "cel"
    return extras


def asyncapi(protocol: str) -> Json:
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "test", "version": "1"},
        "servers": {"main": {"host": "127.0.0.1", "protocol": protocol}},
        "channels": {"main": {"address": "x"}},
        "operations": {"send": {"action": "send", "channel": {"$ref": "#/channels/main"}}},
    }


def test_what_a_definition_wants(plain: PlainInstall, tmp_path: Path) -> None:
    extras = wanting(tmp_path)
    assert {*CALLS, *SCHEMAS, "cel", "kafka", "amqp", "mqtt", "nats", "pulsar", "ws"} == set(extras.values())
    done = plain.flowrt("validate", *extras, folder=tmp_path)
    assert done.returncode == 2
    said = (done.stdout + done.stderr).splitlines()
    for file, extra in extras.items():
        about = [line for line in said if line.startswith(f"{file}:")]
        assert [command(extra) in line for line in about] == [True], (file, said)


@pytest.mark.parametrize("extra", STORES)
def test_a_store(plain: PlainInstall, tmp_path: Path, extra: str) -> None:
    file = definition(tmp_path, {"set": {"a": 1}})
    done = plain.flowrt("run", file, "--store", STORES[extra], folder=tmp_path)
    assert (done.returncode, command(extra) in done.stderr) == (3, True), done.stderr


@pytest.mark.parametrize(("extra", "config"), [("kubernetes", CONTAINER), ("vault", VAULT)])
def test_a_setting(plain: PlainInstall, tmp_path: Path, extra: str, config: Json) -> None:
    (tmp_path / "flowrt.yaml").write_text(json.dumps(config))
    (tmp_path / "workflows").mkdir()
    definition(tmp_path / "workflows", {"run": {"container": {"image": "alpine"}}})
    done = plain.flowrt("doctor", "--config", "flowrt.yaml", folder=tmp_path)
    assert (done.returncode, command(extra) in done.stdout + done.stderr) == (1, True), done.stdout + done.stderr


def test_documents_of_0_8(plain: PlainInstall, tmp_path: Path) -> None:
    shutil.copy(next((ROOT / "tests" / "legacy" / "definitions").glob("*.json")), tmp_path / "old.json")
    done = plain.flowrt("convert", "old.json", folder=tmp_path)
    assert (done.returncode, command("legacy") in done.stderr) == (2, True), done.stderr

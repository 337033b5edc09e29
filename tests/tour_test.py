"""What a newcomer does: README's tour and the two commands of every example, word by word, on a real server."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.plant import Plant

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "workflows").glob("*.yaml"))

EXPECTED = {
    "hello": '"Hello, Ada!"',
    "order-approval": "accepted com.example.order.decided",
    "retry-with-backoff": '"left": 3',
    "fan-out": '"hotel 1 in Paris"',
    "price-list": '"total": 130',
    "heartbeat": "no instances",
    "new-customer": "completed",
    "trip-saga": "the hotel was cancelled",
    "signup": '"Dear Ada, welcome aboard."',
    "greeting-card": '"Dear Ada, welcome aboard."',
}
"""What the last command of each example must show."""


@pytest.fixture(scope="module")
def services() -> Iterator[None]:
    """The services that the examples call."""
    process = subprocess.Popen([sys.executable, str(ROOT / "workflows" / "services.py")])
    yield
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A server of the examples."""
    folder = tmp_path_factory.mktemp("tour")
    shutil.copytree(ROOT / "workflows", folder / "workflows")
    plant = Plant(folder, f"file://{folder}/.flowrt", folder / "workflows")
    plant.start()
    plant.wait_ready()
    yield plant
    assert plant.stop() == 0


def shell(command: str, plant: Plant) -> subprocess.CompletedProcess[str]:
    """Runs one of our commands as it is written."""
    words = shlex.split(command)
    assert words[0] == "flowrt"
    environment = {**os.environ, "FLOWRT_URL": plant.url}
    arguments = [sys.executable, "-m", "flowrt", *words[1:]]
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def commands(text: str) -> list[str]:
    """The commands in the comment at the head of an example."""
    head = text[: text.index("\ndocument:")]
    return re.findall(r"^#   (.+)$", head, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_two_commands_of_an_example(example: Path, plant: Plant, services: None) -> None:
    own = [command for command in commands(example.read_text()) if not command.startswith("python ")]
    assert 1 <= len(own) <= 2
    for command in own:
        done = shell(command, plant)
    end = time.monotonic() + 10
    while EXPECTED[example.stem] not in done.stdout + done.stderr and time.monotonic() < end:
        done = shell(own[-1], plant)
    assert EXPECTED[example.stem] in done.stdout + done.stderr


def test_the_approved_order_is_shipped(plant: Plant) -> None:
    shell('flowrt start demo:order-approval --id order-8 --input \'{"id": 8, "amount": 1}\'', plant)
    shell('flowrt events send --type com.example.order.decided --data \'{"order": 8, "approved": true}\'', plant)
    found = json.loads(shell("flowrt instances get order-8 --json", plant).stdout)
    assert found["status"] == "completed"
    assert found["output"]["status"] == "shipped"


def readme_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_readme_tour(tmp_path: Path) -> None:
    """The tour's commands in their order; the plug is pulled where README says so."""
    shutil.copytree(ROOT / "workflows", tmp_path / "workflows")
    plant = Plant(tmp_path, f"file://{tmp_path}/.flowrt", tmp_path / "workflows")
    plant.start()
    plant.wait_ready()
    printed = []
    for block in readme_blocks("sh")[1:5]:
        for line in block.splitlines():
            if line.startswith("flowrt events"):
                plant.kill()
                plant.start()
                plant.wait_ready()
            if line.startswith("flowrt"):
                done = shell(line, plant)
                assert done.returncode == 0, done.stderr
                printed.append(done.stdout)
    text = "".join(printed)
    for shown in (
        '"Hello, Ada!"',
        "/do/0/decide/try/0/waitForDecision",
        '"status":"shipped"',
        '"Hello, Grace!"',
        "flowchart",
    ):
        assert shown in text
    assert plant.stop() == 0


def test_readme_python() -> None:
    (code,) = readme_blocks("python")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "42", done.stderr


def test_make_serves_the_examples() -> None:
    """`make serve` is what README says it is."""
    assert "/flowrt serve workflows" in (ROOT / "Makefile").read_text()

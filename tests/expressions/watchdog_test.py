"""Programs that run away are stopped in their helper process, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowrt.core.expression import ExpressionFailed, ExpressionTimedOut
from flowrt.expressions.jq import close, set_deadline, watchdog
from tests.expressions.agreement import evaluate

ROOT = Path(__file__).parents[2]
BACKTRACKING = "a" * 40 + "!"


@pytest.fixture(autouse=True)
def _short_deadline() -> Iterator[None]:
    set_deadline(0.3)
    yield
    set_deadline(watchdog.DEADLINE_S)


@pytest.fixture(scope="module", autouse=True)
def _no_processes_left() -> Iterator[None]:
    yield
    close()


def test_results_are_those_of_the_library() -> None:
    assert evaluate("[range(.n)]", {"n": 3}) == [0, 1, 2]
    assert evaluate("range(.n)", {"n": 3}) == [0, 1, 2]
    assert evaluate("range(.n)", {"n": 0}) is None
    assert evaluate("range(.n)", {"n": 1}) == 0
    assert evaluate('test("é+")', "xéé") is True
    assert evaluate('[match($v; "g").offset]', "abcb", v="b") == [1, 3]
    assert evaluate('gsub("\\\\s"; "_")', "a b\nc") == "a_b_c"
    assert evaluate("[limit(3; repeat(1))]") == [1, 1, 1]
    assert evaluate("def f: if . > 3 then . else . + 1 | f end; f", 0) == 4
    assert evaluate("[range(.n)] | length", {"n": 12345, "x": "y" * 100_000}) == 12345


def test_failures_are_those_of_the_library() -> None:
    with pytest.raises(ExpressionFailed, match="failed: Range bounds must be numeric"):
        evaluate("[range(.n)]", {"n": "x"})
    with pytest.raises(ExpressionFailed, match=r'failed: \{"a": 1\}'):
        evaluate("until(error({a: 1}); .)", 1)


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("until(false; .)", 1),
        ("[range(1e12)] | length", None),
        ("last(repeat(1))", None),
        ("def f: f; f", None),
        ("def f: f | f; f", None),
        ('test("^(a+)+$")', BACKTRACKING),
        ('sub("^(a|aa)+$"; "")', BACKTRACKING),
        ("reduce range(.n) as $x (0; . + 1)", {"n": 1e12}),
    ],
)
def test_runaways_are_stopped(source: str, data: object) -> None:
    started = time.monotonic()
    with pytest.raises(ExpressionFailed) as raised:
        evaluate(source, data)
    assert time.monotonic() - started < 3
    assert source[:20] in str(raised.value)


def test_a_missed_deadline_says_so() -> None:
    with pytest.raises(ExpressionTimedOut, match=r"expression 'until\(false; \.\)' took longer than 0\.3 s"):
        evaluate("until(false; .)", 1)


@pytest.mark.parametrize(
    "source",
    [
        '[range(64)] | reduce .[] as $x ("x"; . + .) | length',
        "[range(40)] | reduce .[] as $x (1; [., .])",
        "now | [] | .[$w] = 1 | length",
        'now | ("x" * $w) | . + . | length',
    ],
)
def test_memory_is_bounded(source: str) -> None:
    set_deadline(20)
    with pytest.raises(ExpressionFailed) as raised:
        evaluate(source, w=400_000_000)
    assert not isinstance(raised.value, ExpressionTimedOut)


def test_a_stopped_process_is_replaced() -> None:
    for _ in range(watchdog.MOST_PROCESSES + 1):
        with pytest.raises(ExpressionTimedOut):
            evaluate("until(false; .)", 1)
        assert evaluate("[range(.n)]", {"n": 2}) == [0, 1]


def test_many_threads_share_few_processes() -> None:
    set_deadline(5)
    results: list[object] = []

    def run(number: int) -> None:
        for _ in range(20):
            results.append(evaluate("[range(.n)] | length", {"n": number}) == number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 200
    assert len(watchdog._pool.idle) <= watchdog.MOST_PROCESSES


def test_a_runaway_does_not_hold_the_interpreter() -> None:
    """While one thread waits for a runaway, another one goes on working."""
    turns = 0
    failed: list[Exception] = []

    def run() -> None:
        try:
            evaluate("until(false; .)", 1)
        except ExpressionTimedOut as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        turns += 1
        thread.join(0.001)
    assert len(failed) == 1
    assert turns > 20


def test_close_ends_a_running_evaluation() -> None:
    set_deadline(30)
    failed: list[Exception] = []

    def run() -> None:
        try:
            evaluate("until(false; .)", 1)
        except ExpressionFailed as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not any(process.started for process in list(watchdog._pool.busy)):
        thread.join(0.001)
    close()
    thread.join(5)
    assert not thread.is_alive()
    assert len(failed) == 1
    assert evaluate("[range(.n)]", {"n": 1}) == [0]


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _wait_until_gone(pid: int, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while _alive(pid):
        assert time.monotonic() < ends_at, f"the helper process {pid} outlives its parent"
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to see processes")
def test_processes_end_with_their_parent() -> None:
    """Idle at a normal exit, without a warning; busy when the parent is killed."""
    idle = (
        "from flowrt.expressions.jq import compile, watchdog\n"
        "compile('[range(.)]').evaluate(3, None)\n"
        "print(watchdog._pool.idle[0].process.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", idle], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr == ""
    _wait_until_gone(int(done.stdout), 2)
    busy = (
        "import threading\n"
        "from flowrt.expressions.jq import compile, set_deadline, watchdog\n"
        "set_deadline(1)\n"
        "compile('[range(.)]').evaluate(3, None)\n"
        "print(watchdog._pool.idle[0].process.pid, flush=True)\n"
        "compile('until(false; .)').evaluate(3, None)"
    )
    with subprocess.Popen([sys.executable, "-c", busy], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    _wait_until_gone(pid, 5)

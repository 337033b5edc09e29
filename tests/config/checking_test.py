"""What is said about settings that are wrong, and what durations and sizes look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrt.config import ConfigProblem, load
from flowrt.config.units import to_bytes, to_seconds


def problems(folder: Path, text: str, **environment: str) -> list[str]:
    path = folder / "flowrt.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigProblem) as refused:
        load([path], environment=environment)
    return refused.value.problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("servr: {}", "unknown key 'servr'; did you mean 'server'?"),
        ("server: {prot: 1}", "unknown key 'server.prot'; did you mean 'server.port'?"),
        ("storage: {redis: {poolconfig: {}}}",
         "unknown key 'storage.redis.poolconfig'; did you mean 'storage.redis.poolConfig'?"),
        ("workflows: {zzz: 1}", "unknown key 'workflows.zzz'; known are path, watch"),
        ("storage: {inMemory: {size: 1}}", "unknown key 'storage.inMemory.size'; known are none"),
        ("server: {on: 1}", "unknown key 'server.True'; known are host, port, max-body, shutdown-timeout, log-level, "
         "token"),
        ("server: {token: ''}", "'server.token' must be one word of visible ASCII characters, found the value given"),
        ("server: {token: a b}", "'server.token' must be one word of visible ASCII characters, found the value given"),
        ("server: {token: 'ü'}", "'server.token' must be one word of visible ASCII characters, found the value given"),
        ("server: 8080", "'server' must be a mapping of settings, found 8080"),
        ("server: [1]", "'server' must be a mapping of settings, found a list"),
        ("server: {port: 65536}", "'server.port' must be between 0 and 65535, found 65536"),
        ("server: {port: -1}", "'server.port' must be between 0 and 65535, found -1"),
        ("server: {port: '80a'}", "'server.port' must be an integer, found '80a'"),
        ("server: {port: true}", "'server.port' must be an integer, found True"),
        ("server: {port: 80.5}", "'server.port' must be an integer, found 80.5"),
        ("storage: {redis: {database: -1}}", "'storage.redis.database' must be at least 0, found -1"),
        ("secrets: {vault: {kv-version: 3}}", "'secrets.vault.kv-version' must be between 1 and 2, found 3"),
        ("server: {host: '  '}", "'server.host' must not be blank, found '  '"),
        ("storage: {redis: {host: ''}}", "'storage.redis.host' must not be blank, found ''"),
        ("application: {id: ''}", "'application.id' must not be blank, found ''"),
        ("server: {host: [a]}", "'server.host' must be a string, found a list"),
        ("workflows: {watch: 'yes'}", "'workflows.watch' must be true or false, found 'yes'"),
        ("server: {log-level: loud}", "'server.log-level' must be one of debug, info, warning, error, found 'loud'"),
        ("events: {dedupe: soon}", "'events.dedupe' must be a duration such as 7d, 30s or PT5M, found 'soon'"),
        ("events: {dedupe: -1}", "'events.dedupe' must be a duration such as 7d, 30s or PT5M, found -1"),
        ("server: {max-body: 3 parsecs}", "'server.max-body' must be a size such as 16MiB, found '3 parsecs'"),
        ("run: {shell: {commands: 7}}", "'run.shell.commands' must be a list of strings, found 7"),
        ("persistence: {exclude-workflows: [1]}",
         "'persistence.exclude-workflows' must be a list of strings, found a list"),
        ("metadata: x", "'metadata' must be a mapping, found 'x'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_what_it_takes(text: str, problem: str, tmp_path: Path) -> None:
    assert problems(tmp_path, text) == [problem]


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = "server: {port: x, host: '', prot: 1}\nevents: {dedupe: soon}\n"
    found = problems(tmp_path, text, FLOWRT_RUN_LIMITS_MEMORY="much", FLOWRT_SCHEDULE_CATCH_UP="some")
    assert [each.split("'")[1] for each in found] == [
        "server.prot",
        "server.host",
        "server.port",
        "events.dedupe",
        "schedule.catch-up",
        "run.limits.memory",
    ]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7d", 604800.0), ("12h", 43200.0), ("30m", 1800.0), ("10s", 10.0), ("500ms", 0.5), ("1.5 h", 5400.0),
        ("PT5M", 300.0), ("P1DT1H", 90000.0), ({"hours": 1, "seconds": 5}, 3605.0), (0, 0.0), (90, 90.0), (0.25, 0.25),
        ("7", None), ("", None), ("P", None), ("-1s", None), (-1, None), (True, None), (None, None), ([1], None),
    ],
)  # fmt: skip
def test_durations(value: object, seconds: float | None) -> None:
    assert to_seconds(value) == seconds


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("16MiB", 16 << 20), ("1 KiB", 1024), ("2GB", 2 * 10**9), ("5B", 5), ("7", 7), (7, 7), (0, 0),
        ("1.5MiB", None), ("MiB", None), (-1, None), (True, None), (1.5, None), (None, None),
    ],
)  # fmt: skip
def test_sizes(value: object, size: int | None) -> None:
    assert to_bytes(value) == size

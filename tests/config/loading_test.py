"""Where settings come from: files, variables in them, the environment, flags; and which goes before which."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowrt.config import Config, ConfigProblem, Loaded, load
from flowrt.config.load import keys, variable


def file(folder: Path, text: str, name: str = "flowrt.yml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str, **environment: str) -> Loaded:
    return load([file(folder, text)], environment=environment)


def test_without_anything_there_are_the_defaults() -> None:
    found = load(environment={})
    assert found.config == Config()
    assert found.origins == {}


def test_files_are_merged_and_the_last_one_wins(tmp_path: Path) -> None:
    base = file(tmp_path, "server: {host: 0.0.0.0, port: 1}\nmetadata: {a: 1, b: {c: 2}}\n", "base.yml")
    production = file(tmp_path, "server: {port: 2}\nmetadata: {b: {d: 3}}\n", "production.yml")
    found = load([base, production], environment={})
    assert (found.config.server.host, found.config.server.port) == ("0.0.0.0", 2)
    assert found.config.metadata == {"a": 1, "b": {"c": 2, "d": 3}}
    assert found.origins["server.host"] == str(base)
    assert found.origins["server.port"] == str(production)


def test_the_files_of_the_environment(tmp_path: Path) -> None:
    one, two = file(tmp_path, "server: {port: 1}", "1.yml"), file(tmp_path, "server: {port: 2}", "2.yml")
    environment = {"FLOWRT_CONFIG": f"{one}{os.pathsep}{two}"}
    assert load(environment=environment).config.server.port == 2
    assert load([one], environment=environment).config.server.port == 1


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, "# nothing yet\n").config == Config()


def test_environment_over_file_and_flag_over_environment(tmp_path: Path) -> None:
    path = file(tmp_path, "server: {host: a, port: 1, log-level: debug}")
    environment = {"FLOWRT_SERVER_PORT": "2", "FLOWRT_SERVER_HOST": "b"}
    found = load([path], {"server.port": 3, "server.host": None}, environment)
    assert (found.config.server.host, found.config.server.port, found.config.server.log_level) == ("b", 3, "debug")
    assert found.origins["server.host"] == "environment FLOWRT_SERVER_HOST"
    assert found.origins["server.port"] == "flag"
    assert found.origins["server.log-level"] == str(path)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("server.port", "FLOWRT_SERVER_PORT"),
        ("persistence.exclude-workflows", "FLOWRT_PERSISTENCE_EXCLUDE_WORKFLOWS"),
        ("storage.redis.poolConfig.maxTotal", "FLOWRT_STORAGE_REDIS_POOL_CONFIG_MAX_TOTAL"),
        ("storage.postgres.maximumPoolSize", "FLOWRT_STORAGE_POSTGRES_MAXIMUM_POOL_SIZE"),
        ("storage.cache.keyValue.expireAfterAccessSeconds",
         "FLOWRT_STORAGE_CACHE_KEY_VALUE_EXPIRE_AFTER_ACCESS_SECONDS"),
        ("secrets.vault.app-role.secret-id", "FLOWRT_SECRETS_VAULT_APP_ROLE_SECRET_ID"),
    ],
)  # fmt: skip
def test_every_key_has_a_variable(key: str, name: str) -> None:
    assert variable(key) == name
    assert key in [each for each, _, _ in keys(Config)]


def test_no_two_keys_share_a_variable() -> None:
    names = [variable(key) for key, _, _ in keys(Config)]
    assert len(set(names)) == len(names)


def test_variables_of_every_type() -> None:
    environment = {
        "FLOWRT_SERVER_PORT": "9090",
        "FLOWRT_WORKFLOWS_WATCH": "false",
        "FLOWRT_SERVER_MAX_BODY": "2MiB",
        "FLOWRT_EVENTS_DEDUPE": "PT5M",
        "FLOWRT_PERSISTENCE_EXCLUDE_WORKFLOWS": "a:b, c:*",
        "FLOWRT_PERSISTENCE_RETENTION_COMPLETED": "0",
        "FLOWRT_RUN_SHELL_COMMANDS": "[git, make]",
        "FLOWRT_METADATA": "{region: eu}",
        "FLOWRT_STORAGE_REDIS_POOL_CONFIG_MAX_TOTAL": "64",
    }
    config = load(environment=environment).config
    assert config.server.port == 9090
    assert config.workflows.watch is False
    assert config.server.max_body == 2 << 20
    assert config.events.dedupe == 300.0
    assert config.persistence.exclude_workflows == ("a:b", "c:*")
    assert config.persistence.retention.completed == 0.0
    assert config.run.shell.commands == ("git", "make")
    assert config.metadata == {"region": "eu"}
    assert config.storage.redis is not None
    assert config.storage.redis.pool_config.max_total == 64


@pytest.mark.parametrize("text", ["0123", "yes", "null", "1e5", "12:30", "a: {", "@x", "- b", "2026-01-01", "${x}"])
def test_a_text_is_never_taken_for_anything_else(text: str, tmp_path: Path) -> None:
    """Passwords that YAML would read as numbers, dates, or not at all."""
    by_environment = load(environment={"FLOWRT_STORAGE_REDIS_PASSWORD": text}).config
    assert by_environment.storage.redis is not None
    assert by_environment.storage.redis.password == text
    settings = "storage: {redis: {password: '${PW}'}}\nsecrets: {values: {pay: '${PW}', all: {pin: '${PW}'}}}\n"
    by_file = loaded(tmp_path, settings, PW=text).config
    assert by_file.storage.redis is not None
    assert by_file.storage.redis.password == text
    assert by_file.secrets.values == {"pay": text, "all": {"pin": text}}


def test_variables_in_files(tmp_path: Path) -> None:
    secret = file(tmp_path, "hunter2\n", "password")
    found = loaded(
        tmp_path,
        f"server: {{host: '${{HOST:-localhost}}', port: '${{PORT}}'}}\n"
        f"application: {{id: 'shop-${{REGION}}-${{STAGE:-dev}}'}}\n"
        f"storage: {{redis: {{password: '${{file:{secret}}}', sentinel: ['${{REGION}}:1', 'b:2']}}}}\n"
        "metadata: {port: '${PORT}', empty: '${EMPTY:-}'}\n",
        PORT="81",
        REGION="eu",
    ).config
    assert (found.server.host, found.server.port) == ("localhost", 81)
    assert found.application.id == "shop-eu-dev"
    assert found.storage.redis is not None
    assert found.storage.redis.password == "hunter2"
    assert found.storage.redis.sentinel == ("eu:1", "b:2")
    assert found.metadata == {"port": 81, "empty": None}


def test_all_missing_variables_and_whatever_else_is_wrong_are_told_together(tmp_path: Path) -> None:
    base = file(tmp_path, "server: {host: '${ONE}', port: '${TWO}-${THREE}'}\nworkflow: {}\n", "base.yml")
    more = file(tmp_path, "application: {id: '${file:/nowhere/at/all}'}\nserver: {max-body: huge}\n", "more.yml")
    with pytest.raises(ConfigProblem) as refused:
        load([base, more, tmp_path / "absent.yml"], environment={})
    problems = refused.value.problems
    for name in ("ONE", "TWO", "THREE"):
        assert sum(f"the environment variable {name} is not set" in each for each in problems) == 1
    assert any("${file:/nowhere/at/all} cannot be read: No such file" in each for each in problems)
    assert any("absent.yml: cannot be read" in each for each in problems)
    assert any("unknown key 'workflow'; did you mean 'workflows'?" in each for each in problems)
    assert any("'server.max-body' must be a size such as 16MiB, found 'huge'" in each for each in problems)
    assert len(problems) == 7  # a setting whose variable is missing is not complained about again


@pytest.mark.parametrize("text", ["server: [", "- a\n- b\n", "just text"])
def test_a_file_that_is_no_mapping(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match=r"flowrt\.yml: (is not YAML|must be a mapping of sections)"):
        loaded(tmp_path, text)

"""No value of a secret gets out: not in faults, not in logs, not by `config show`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowrt import Runtime
from flowrt.config.model import Config, Secrets
from flowrt.config.secrets import Vault
from tests.secrets.vault_server import serving

VALUE = "hunter2-and-more"
HEAD = "document: {dsl: '1.0.3', namespace: test, name: secretive, version: 1.0.0}\nuse: {secrets: [pay]}\ndo:\n"
FAILING = {
    "an expression on it": "- a:\n    set: {n: '${ $secrets.pay | tonumber }'}\n",
    "a member of a text": "- a:\n    set: {n: '${ $secrets.pay.user }'}\n",
    "a header of a call": "- a:\n    call: http\n    with:\n      method: get\n      endpoint: http://127.0.0.1:9/\n"
    "      headers: {x-key: '${ $secrets.pay }'}\n",
    "the password of a call": "- a:\n    call: http\n    with:\n      method: get\n      endpoint:\n"
    "        uri: http://127.0.0.1:9/\n        authentication: {basic: {username: a, password: '${ $secrets.pay }'}}\n",
    "a query of a call": "- a:\n    call: http\n    with:\n      method: get\n      endpoint: http://127.0.0.1:9/\n"
    "      query: {key: '${ $secrets.pay }'}\n",
}


def flowrt(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowrt", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tasks", FAILING.values(), ids=FAILING)
def test_a_fault_does_not_tell_it(tasks: str, tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text(HEAD + tasks)
    done = flowrt(tmp_path, "run", "workflow.yaml", "--json", FLOWRT_SECRET_PAY=VALUE)
    assert json.loads(done.stdout)["status"] == "faulted"
    assert VALUE not in done.stdout + done.stderr


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text(HEAD + "- a:\n    set: {n: '${ $secrets.pay }'}\n")
    done = flowrt(tmp_path, "run", "workflow.yaml", "--json")
    error = json.loads(done.stdout)["error"]
    assert error["status"] == 403
    assert "'pay'" in error["detail"]


def test_config_show_hides_every_secret(tmp_path: Path) -> None:
    (tmp_path / "flowrt.yml").write_text(
        f"""
        storage: {{redis: {{host: cache, password: {VALUE}}}}}
        secrets:
          values: {{pay: {VALUE}}}
          vault: {{address: https://vault.test, token: {VALUE}, app-role: {{role-id: r, secret-id: {VALUE}}}}}
        http:
          clients:
            default: {{headers: {{Authorization: {VALUE}}}, proxy: "http://u:{VALUE}@proxy.test", max-redirects: 3}}
        """
    )
    for arguments in (("--json",), ("--origin",), ()):
        done = flowrt(tmp_path, "config", "show", "--config", "flowrt.yml", *arguments)
        assert done.returncode == 0, done.stderr
        assert VALUE not in done.stdout + done.stderr
        assert "https://vault.test" in done.stdout
        assert "cache" in done.stdout
        assert "max-redirects" in done.stdout
    by_url = flowrt(tmp_path, "config", "show", FLOWRT_STORAGE_URL=f"redis://u:{VALUE}@cache")
    assert VALUE not in by_url.stdout + by_url.stderr


@pytest.mark.parametrize(
    "text",
    [
        f"storage: {{redis: 'redis://u:{VALUE}@cache'}}",
        f"secrets: {{values: {VALUE}}}",
        f"secrets: {{vault: {VALUE}}}",
        f"storage: {{url: [{VALUE}]}}",
        f"storage: {{redis: {{password: [{VALUE}]}}}}",
    ],
)
def test_a_wrong_configuration_does_not_repeat_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "flowrt.yml").write_text(text)
    done = flowrt(tmp_path, "config", "show", "--config", "flowrt.yml")
    assert done.returncode == 2
    assert VALUE not in done.stdout + done.stderr


async def test_a_workflow_reads_them_from_vault(capfd: pytest.CaptureFixture[str]) -> None:
    with serving() as vault:
        vault.secrets["secret/pay"] = {"user": "shop", "password": VALUE}
        config = Config(secrets=Secrets(vault=Vault(address=vault.url, token="root")))
        async with Runtime(config=config) as runtime:
            runtime.deploy(HEAD + "- a:\n    set: {n: '${ $secrets.pay.password | length }'}\n")
            result = await (await runtime.start("test:secretive")).result(timeout=10)
            vault.sealed = True
    assert result.output == {"n": len(VALUE)}
    async with Runtime(config=config) as runtime:
        runtime.deploy(HEAD + "- a:\n    set: {n: '${ $secrets.pay.password | length }'}\n")
        result = await (await runtime.start("test:secretive")).result(timeout=10)
    assert result.error is not None
    assert result.error["status"] == 503
    assert VALUE not in "".join(capfd.readouterr())

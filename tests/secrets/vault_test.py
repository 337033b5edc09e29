"""Secrets from Vault: where they are read, how it logs in, how long a value is kept, what is said when it fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flowrt.config.problem import ConfigProblem
from flowrt.config.secrets import Vault, VaultAppRole, VaultKubernetes
from flowrt.core.fault import Faulted
from flowrt.secrets.vault import AGAIN_S, from_vault
from tests.secrets.vault_server import VaultServer, serving


@pytest.fixture
def vault() -> Iterator[VaultServer]:
    with serving() as server:
        server.secrets["secret/pay"] = {"user": "shop", "password": "hunter2"}
        yield server


def settings(server: VaultServer) -> Vault:
    return Vault(address=server.url, token="root")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_second_version_of_the_engine(vault: VaultServer) -> None:
    assert from_vault(settings(vault))("pay") == {"user": "shop", "password": "hunter2"}
    assert vault.reads == [("secret/data/pay", "root", None)]


def test_the_first_version_of_the_engine(vault: VaultServer) -> None:
    vault.v1_mounts.add("kv")
    vault.secrets["kv/team/pay"] = {"password": "old"}
    first = replace(settings(vault), mount="kv", kv_version=1, path="/team/")
    assert from_vault(first)("pay") == {"password": "old"}
    assert vault.reads == [("kv/team/pay", "root", None)]


def test_a_folder_a_mount_and_a_namespace(vault: VaultServer) -> None:
    vault.secrets["apps/shop/live/pay"] = {"password": "there"}
    there = replace(settings(vault), mount="apps", path="shop/live", namespace="europe")
    assert from_vault(there)("pay") == {"password": "there"}
    assert vault.reads == [("apps/data/shop/live/pay", "root", "europe")]


def test_a_secret_of_one_value_is_that_value(vault: VaultServer) -> None:
    vault.secrets["secret/token"] = {"value": "t0p"}
    assert from_vault(settings(vault))("token") == "t0p"


@pytest.mark.parametrize("name", ["absent", "deleted"])
def test_what_is_not_there_is_none(name: str, vault: VaultServer) -> None:
    vault.secrets["secret/deleted"] = {"a": 1}
    vault.deleted.add("secret/deleted")
    assert from_vault(settings(vault))(name) is None


@pytest.mark.parametrize("name", ["../sys/health", "a//b", "."])
def test_a_name_does_not_lead_elsewhere(name: str, vault: VaultServer) -> None:
    assert from_vault(settings(vault))(name) is None
    assert vault.reads == []


def test_it_logs_in_with_the_service_account_of_the_pod(vault: VaultServer, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("jwt-of-the-pod\n")
    vault.logins["kubernetes"] = {"role": "flowrt", "jwt": "jwt-of-the-pod"}
    kubernetes = VaultKubernetes(role="flowrt", token_file=str(token_file))
    look_up = from_vault(Vault(address=vault.url, kubernetes=kubernetes))
    assert look_up("pay") == {"user": "shop", "password": "hunter2"}
    assert vault.logged_in == 1


def test_it_logs_in_as_an_application_and_again_when_the_token_has_run_out(vault: VaultServer) -> None:
    vault.logins["apps"] = {"role_id": "r", "secret_id": "s"}
    vault.secrets["secret/other"] = {"value": "o"}
    look_up = from_vault(Vault(address=vault.url, app_role=VaultAppRole("r", "s", mount="apps")))
    look_up("pay")
    vault.tokens.clear()
    assert look_up("other") == "o"
    assert vault.logged_in == 2


def test_a_value_is_kept_and_asked_for_again_beside_the_work(vault: VaultServer) -> None:
    clock = Clock()
    look_up = from_vault(replace(settings(vault), cache=60.0), clock)
    first = look_up("pay")
    vault.secrets["secret/pay"] = {"password": "rotated"}
    clock.now += 59
    assert look_up("pay") == first
    assert len(vault.reads) == 1
    clock.now += 2
    look_up("pay")
    for thread in threading.enumerate():
        if thread.daemon and "_again" in thread.name:
            thread.join()
    assert look_up("pay") == {"password": "rotated"}
    assert len(vault.reads) == 2


def test_the_last_value_is_used_while_vault_is_down(vault: VaultServer) -> None:
    clock = Clock()
    look_up = from_vault(replace(settings(vault), cache=60.0), clock)
    first = look_up("pay")
    vault.sealed = True
    clock.now += 61
    assert look_up("pay") == first
    assert look_up("pay") == first


def test_a_sealed_vault_is_a_fault_that_can_be_retried(vault: VaultServer) -> None:
    clock = Clock()
    vault.sealed = True
    look_up = from_vault(settings(vault), clock)
    for _ in range(2):
        with pytest.raises(Faulted) as failed:
            look_up("pay")
    assert failed.value.fault.status == 503
    assert f"The secret 'pay' cannot be had: Vault at {vault.url} fails" in str(failed.value.fault.detail)
    assert len(vault.reads) == 1  # a workflow that waits for it does not hold up the others again and again
    vault.sealed = False
    clock.now += AGAIN_S
    assert look_up("pay") == {"user": "shop", "password": "hunter2"}


def test_a_token_that_is_refused(vault: VaultServer) -> None:
    with pytest.raises(Faulted) as failed:
        from_vault(replace(settings(vault), token="not-it"))("pay")
    assert failed.value.fault.status == 403
    assert "refuses it; check the policy" in str(failed.value.fault.detail)
    assert "not-it" not in str(failed.value.fault.detail)


def test_nobody_there() -> None:
    with pytest.raises(Faulted) as failed:
        from_vault(Vault(address="http://127.0.0.1:9", token="root", timeout=1.0))("pay")
    assert failed.value.fault.status == 503


@pytest.mark.parametrize("ways", [{}, {"token": "a", "app_role": VaultAppRole("r", "s")}])
def test_exactly_one_way_to_log_in(ways: dict[str, object]) -> None:
    with pytest.raises(ConfigProblem, match="exactly one of token, kubernetes, app-role"):
        from_vault(Vault(**ways))  # type: ignore[arg-type]

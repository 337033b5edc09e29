"""Each source of secrets, and which goes before which."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from flowrt.assemble import secret_sources
from flowrt.config.model import Config, Secrets
from flowrt.core.fault import Faulted
from flowrt.secrets import first_of, from_directory, from_env_file, from_environment, from_values


def test_variables_by_exact_and_by_upper_case_name() -> None:
    environment = {"FLOWRT_SECRET_PAY_PAL": "a", "FLOWRT_SECRET_pay": "b", "PAY": "no", "FLOWRT_SECRET_EMPTY": ""}
    look_up = from_environment(environment, "FLOWRT_SECRET_")
    assert look_up("pay-pal") == "a"
    assert look_up("pay") == "b"
    assert look_up("empty") == ""
    assert look_up("other") is None


def test_docker_mounts_one_file_for_each(tmp_path: Path) -> None:
    (tmp_path / "pay").write_text("hunter2\n")
    (tmp_path / "shop").write_text('{"user": "u", "pin": 7}\n')
    (tmp_path / "broken").write_text("{not json")
    look_up = from_directory(tmp_path)
    assert look_up("pay") == "hunter2"
    assert look_up("shop") == {"user": "u", "pin": 7}
    assert look_up("broken") == "{not json"
    assert look_up("other") is None


def test_kubernetes_mounts_one_folder_for_each(tmp_path: Path) -> None:
    """As the kubelet lays it out: links into a hidden folder that it replaces as a whole."""
    hidden = tmp_path / "pay" / "..2026_11_21"
    hidden.mkdir(parents=True)
    (hidden / "user").write_text("u")
    (hidden / "password").write_text("p\n")
    (tmp_path / "pay" / "..data").symlink_to(hidden.name)
    for name in ("user", "password"):
        (tmp_path / "pay" / name).symlink_to(f"..data/{name}")
    assert from_directory(tmp_path)("pay") == {"user": "u", "password": "p"}


def test_a_rotated_file_is_read_anew(tmp_path: Path) -> None:
    look_up = from_directory(tmp_path)
    (tmp_path / "pay").write_text("old")
    assert look_up("pay") == "old"
    (tmp_path / "pay").write_text("new")
    assert look_up("pay") == "new"


def test_what_is_no_text_is_base64(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"\xff\xfe\x00")
    assert base64.b64decode(from_directory(tmp_path)("store")) == b"\xff\xfe\x00"


@pytest.mark.parametrize("name", ["../outside", "..", ".hidden", "a/b"])
def test_a_name_does_not_lead_out_of_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    (folder / "a").mkdir(parents=True)
    for file in (tmp_path / "outside", folder / ".hidden", folder / "a" / "b"):
        file.write_text("x")
    assert from_directory(folder)(name) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "pay").write_text("x")
    (tmp_path / "pay").chmod(0)
    with pytest.raises(Faulted, match="pay"):
        from_directory(tmp_path)("pay")


def test_an_env_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "# first\n\n"
        "plain=a b # and a comment\n"
        "export exported = c\n"
        "single='d # not a comment'\n"
        'double="e\\n\\"f\\" # neither"\n'
        "hash=g#h\n"
        'json={"a": [1]}\n'
        "empty=\n"
        "twice=1\ntwice=2\n"
        "  #commented=x\n"
    )
    look_up = from_env_file(file)
    assert look_up("plain") == "a b"
    assert look_up("exported") == "c"
    assert look_up("single") == "d # not a comment"
    assert look_up("double") == 'e\n"f" # neither'
    assert look_up("hash") == "g#h"
    assert look_up("json") == {"a": [1]}
    assert look_up("empty") == ""
    assert look_up("twice") == "2"
    assert look_up("commented") is None
    assert from_env_file(tmp_path / "none")("plain") is None


def test_the_first_source_that_has_it(tmp_path: Path) -> None:
    folder, file = tmp_path / "secrets", tmp_path / ".env"
    folder.mkdir()
    names = ["one", "two", "three", "four"]
    for name in names[1:]:
        (folder / name).write_text("folder")
    file.write_text("".join(f"{name}=file\n" for name in [*names, "five"]))
    settings = Secrets(values={"four": "given"}, directory=str(folder), env_file=str(file))
    environment = {"FLOWRT_SECRET_THREE": "environment", "FLOWRT_SECRET_FOUR": "environment"}
    look_up = first_of(*secret_sources(Config(secrets=settings), environment))
    found = {name: look_up(name) for name in [*names, "five", "six"]}
    assert found == {
        "one": "file",
        "two": "folder",
        "three": "environment",
        "four": "given",
        "five": "file",
        "six": None,
    }


def test_an_empty_text_is_a_value_but_null_is_none() -> None:
    look_up = first_of(from_values({"a": "", "b": None, "c": False}), from_values({"a": 1, "b": 2, "c": 3}))
    assert (look_up("a"), look_up("b"), look_up("c")) == ("", 2, False)

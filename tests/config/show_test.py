"""`flowrt config show`: every setting, and where it came from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from flowrt.config import Config
from flowrt.config.load import keys


def show(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowrt", "config", "show", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_shows_where_each_value_came_from(tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text("server: {port: 81}\nstorage: {redis: {host: cache}}\n")
    done = show(tmp_path, "--config", "base.yml", "--json", FLOWRT_APPLICATION_ID="shop")
    settings = json.loads(done.stdout)
    assert settings["server.port"] == {"value": 81, "origin": "base.yml"}
    assert settings["application.id"] == {"value": "shop", "origin": "environment FLOWRT_APPLICATION_ID"}
    assert settings["server.host"] == {"value": "127.0.0.1", "origin": "default"}
    assert settings["storage.redis.poolConfig.maxIdle"] == {"value": 8, "origin": "default"}
    lines = show(tmp_path, "--config", "base.yml", "--origin").stdout.splitlines()
    assert "server.port: 81    # base.yml" in lines
    assert "server.host: 127.0.0.1    # default" in lines


def test_it_shows_every_setting(tmp_path: Path) -> None:
    shown = json.loads(show(tmp_path, "--json").stdout)
    sections = {key for key in shown if shown[key]["value"] is None}
    for key, _, _ in keys(Config):
        assert key in shown or any(key.startswith(f"{section}.") for section in sections), key


def test_a_wrong_one_lists_the_problems(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("server: {prot: 1, port: x}\n")
    done = show(tmp_path, "--config", "bad.yml")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "unknown key 'server.prot'; did you mean 'server.port'?",
        "'server.port' must be an integer, found 'x'",
    ]

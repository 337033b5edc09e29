"""The folder: what is served from it, and what happens when its files change."""

from __future__ import annotations

import json
import shutil

import httpx
import pytest

from tests.api.definitions import HELLO, definition
from tests.api.site import Site, problem, reaches, start, until


def says(word: str) -> str:
    return definition("says", f"  - a: {{set: {{word: {word}}}}}\n")


def word(http: httpx.Client) -> str | None:
    answer = start(http, "says", wait="5s")
    return str(answer.json()["word"]) if answer.status_code == 200 else None


def test_the_whole_folder_is_served_and_broken_files_are_reported(own_site: Site) -> None:
    own_site.write("hello.yaml", HELLO)
    own_site.write("deep/er/one.yml", says("deep"))
    head = {"dsl": "1.0.3", "namespace": "test", "name": "json", "version": "1.0.0"}
    own_site.write("json.json", json.dumps({"document": head, "do": [{"a": {"set": {"n": 1}}}]}))
    own_site.write("broken.yaml", definition("broken", "  - a: {set: '${ .n + }'}\n  - b: {wait: soon}\n"))
    own_site.write("syntax.yaml", "do: [\n")
    own_site.write("schema.json", '{"type": "object"}')
    own_site.write(".hidden.yaml", definition("hidden", "  - a: {set: {n: 1}}\n"))
    own_site.write(".git/x.yaml", definition("hidden", "  - a: {set: {n: 1}}\n"))
    own_site.write("hello.test.yaml", "given: {}\n")
    own_site.write("notes.txt", "nothing")
    own_site.write("twin.yaml", HELLO)
    own_site.start()
    log = own_site.log
    assert "serving test:hello:1.0.0 (workflows/hello.yaml)" in log
    assert "serving test:says:1.0.0 (workflows/deep/er/one.yml)" in log
    assert "workflows/broken.yaml:4" in log
    assert "workflows/broken.yaml:5" in log
    assert "workflows/broken.yaml has 2 problems" in log
    assert "workflows/syntax.yaml" in log
    assert "workflows/schema.json is left out" in log
    assert "workflows/twin.yaml is not served: test:hello:1.0.0 is served from workflows/hello.yaml" in log
    assert "hidden" not in log
    assert ".test.yaml" not in log
    with own_site.client() as http:
        names = [item["name"] for item in http.get("/v1/definitions").json()["items"]]
    assert names == ["hello", "json", "says"]


def test_new_changed_broken_and_removed_files_are_followed(own_site: Site) -> None:
    own_site.start()
    with own_site.client() as http:
        path = own_site.write("new/says.yaml", says("one"))
        until(lambda: word(http) == "one", "the new file is served")
        waiting = definition("waits", "  - a: {wait: {milliseconds: 1500}}\n  - b: {set: {v: old}}\n")
        other = own_site.write("waits.yaml", waiting)
        until(lambda: start(http, "waits", id="old").status_code == 202, "the other new file is served")

        path.write_text(says("two"))
        other.write_text(waiting.replace("old", "new"))
        until(lambda: word(http) == "two", "the changed file is served")
        assert "serving anew test:says:1.0.0" in own_site.log

        path.write_text(says("two") + "  - b: {wait: soon}\n")
        own_site.logged("test:says:1.0.0 as it was is served from it")
        assert "soon" in own_site.log
        assert word(http) == "two"

        path.unlink()
        until(lambda: word(http) is None, "the removed file is not served")
        problem(start(http, "says"), 404)
        assert reaches(http, "old", "completed")["output"] == {"v": "old"}
        assert word(http) is None


def test_of_two_files_with_one_name_the_other_takes_over(own_site: Site) -> None:
    first = own_site.write("a.yaml", says("first"))
    own_site.start()
    with own_site.client() as http:
        own_site.write("Z.yaml", says("second"))
        assert "workflows/a.yaml" in own_site.logged("workflows/Z.yaml is not served")
        assert word(http) == "first"
        first.unlink()
        until(lambda: word(http) == "second", "the other file is served")


def test_a_folder_may_come_later_and_be_replaced(own_site: Site) -> None:
    shutil.rmtree(own_site.workflows)
    own_site.start()
    assert "there is no folder workflows" in own_site.log
    with own_site.client() as http:
        own_site.write("says.yaml", says("one"))
        until(lambda: word(http) == "one", "the folder is served")
        shutil.rmtree(own_site.workflows)
        until(lambda: word(http) is None, "nothing is served any more")
        own_site.write("says.yaml", says("two"))
        until(lambda: word(http) == "two", "the folder is served again")


def test_links_that_change_their_target_are_followed(own_site: Site) -> None:
    """As Kubernetes mounts a ConfigMap."""
    folder = own_site.workflows
    own_site.write("..1/says.yaml", says("one"))
    own_site.write("..2/says.yaml", says("two"))
    (folder / "..data").symlink_to("..1")
    (folder / "says.yaml").symlink_to("..data/says.yaml")
    own_site.start()
    with own_site.client() as http:
        assert word(http) == "one"
        (folder / "..next").symlink_to("..2")
        (folder / "..next").rename(folder / "..data")
        until(lambda: word(http) == "two", "the new target is served")


@pytest.mark.parametrize("change", ["removed", "changed", "kept"])
def test_a_schedule_follows_its_file_even_while_no_server_runs(own_site: Site, change: str) -> None:
    def every(tag: str) -> str:
        return definition("ticks", f"  - a: {{set: {{tag: {tag}}}}}\n", more="schedule: {every: {milliseconds: 100}}\n")

    path = own_site.write("ticks.yaml", every("old"))
    own_site.write("hello.yaml", HELLO)
    own_site.start()

    def ticks(http: httpx.Client) -> list[str]:
        items = http.get("/v1/instances", params={"name": "ticks", "status": "completed"}).json()["items"]
        return [http.get(f"/v1/instances/{item['id']}").json()["output"]["tag"] for item in items]

    with own_site.client() as http:
        until(lambda: ticks(http), "it ticks")
    own_site.kill()
    if change == "removed":
        path.unlink()
    elif change == "changed":
        path.write_text(every("new"))
    own_site.start()
    with own_site.client() as http:
        before = ticks(http).count("old")
        if change == "kept":
            until(lambda: ticks(http).count("old") > before + 2, "it goes on ticking")
            return
        if change == "changed":
            until(lambda: ticks(http).count("new") > 2, "the new one ticks")
        else:
            assert start(http, "hello", {"name": "x"}, wait="5s").status_code == 200
        assert ticks(http).count("old") == before

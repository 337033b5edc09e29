"""The dashboard in a real browser, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.site import Site
from tests.ui.browser import Browser

pytestmark = pytest.mark.servers

HEAD = """
document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0', summary: It {name}s, tags: {{team: core}}}}
"""
WAITS = """
input: {schema: {document: {type: object, required: [id], properties: {id: {type: integer, default: 7}}}}}
do:
- each:
    for: {each: n, in: '${ [range(3)] }'}
    do:
    - prepare: {set: {n: '${ $n }'}}
- careful:
    try:
    - hear: {listen: {to: {one: {with: {type: paid, subject: '${ $workflow.input.id | tostring }'}}}}}
    catch: {}
- ship: {set: {shipped: '${ $workflow.input.id }'}}
"""
FAULTS = """
do:
- break: {raise: {error: {type: https://example.com/errors/broken, status: 422, title: Broken, detail: It broke}}}
"""


def definition(name: str, tasks: str) -> str:
    return HEAD.format(name=name) + tasks


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"), "--store", "memory:")
    site.write("waits.yaml", definition("wait", WAITS))
    site.write("faults.yaml", definition("fault", FAULTS))
    yield site.start()
    site.stop()


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    folder = tmp_path / "browser"
    folder.mkdir()
    browser = Browser(folder)
    try:
        yield await browser.open()
        assert browser.complaints == []
    finally:
        await browser.close()


def begun(site: Site, name: str, data: Any) -> str:
    with site.client() as http:
        return str(http.post(f"/v1/definitions/test/{name}/instances", json=data).raise_for_status().json()["id"])


def sent(site: Site, subject: str) -> None:
    event = {"specversion": "1.0", "id": subject, "source": "/till", "type": "paid", "subject": subject, "data": {}}
    with site.client() as http:
        http.post("/v1/events", json=event).raise_for_status()


async def test_a_workflow_is_started_and_followed(served: Site, browser: Browser) -> None:
    await browser.go(f"{served.url}/ui")
    await browser.click("Definitions")
    await browser.reads("test:wait:1.0.0")
    await browser.do("document.querySelector('a[href=\"#/start/test/wait/1.0.0\"]').click()")
    await browser.until("document.querySelector('textarea')?.value.includes('\"id\": 7')")
    await browser.fill("textarea", '{"id": 70}')
    await browser.click("Start")
    await browser.reads("waits for event")
    marks = (
        "[...document.querySelectorAll('.outline li')].map(each => [each.querySelector('b').innerText, each.className])"
    )
    assert await browser.do(marks) == [
        ["each", "done"], ["prepare", "done"], ["careful", "ahead"], ["hear", "here"], ["ship", "ahead"]
    ]  # fmt: skip
    assert "3 times" in await browser.text()
    await browser.do("window.before = document")
    sent(served, "70")
    await browser.reads('"shipped": 70')
    assert await browser.do("document.querySelector('.badge').innerText") == "completed"
    assert await browser.do("window.before === document")


async def test_it_is_suspended_resumed_and_cancelled(served: Site, browser: Browser) -> None:
    id_ = begun(served, "wait", {"id": 71})
    await browser.go(f"{served.url}/ui#/instances/{id_}")
    for button, status in (("Suspend", "suspended"), ("Resume", "waiting")):
        await browser.click(button)
        await browser.until(f"document.querySelector('.badge')?.innerText === '{status}'")
    await browser.do("window.confirm = () => false")
    await browser.click("Cancel")
    with served.client() as http:
        assert http.get(f"/v1/instances/{id_}").json()["status"] == "waiting"
        await browser.do("window.confirm = () => true")
        await browser.click("Cancel")
        await browser.until("document.querySelector('.badge')?.innerText === 'cancelled'")
        await browser.click("Remove")
        await browser.until("location.hash === '#/'")
        assert http.get(f"/v1/instances/{id_}").status_code == 404


async def test_a_fault_is_shown(served: Site, browser: Browser) -> None:
    await browser.go(f"{served.url}/ui#/instances/{begun(served, 'fault', {})}")
    await browser.reads("Broken (422) It broke /do/0/break")
    await browser.click("Retry")
    await browser.reads("Broken (422)")


async def test_instances_are_chosen(served: Site, browser: Browser) -> None:
    waiting, faulted = begun(served, "wait", {"id": 72}), begun(served, "fault", {})
    await browser.go(f"{served.url}/ui")
    await browser.reads(waiting)
    await browser.reads(faulted)
    await browser.fill("select", "faulted")
    await browser.until(f"!document.body.innerText.includes('{waiting}')")
    await browser.reads(faulted)
    await browser.go(f"{served.url}/ui#/?tag=team:other")
    await browser.reads("No instance is like that")
    await browser.go(f"{served.url}/ui#/?tag=team:core&status=waiting")
    await browser.reads(waiting)
    assert faulted not in await browser.text()


async def test_what_is_refused_is_said(served: Site, browser: Browser) -> None:
    await browser.go(f"{served.url}/ui#/start/test/wait/1.0.0")
    await browser.fill("textarea", "{")
    await browser.click("Start")
    await browser.reads("This is no JSON")
    await browser.fill("textarea", '{"id": "x"}')
    await browser.click("Start")
    await browser.until("document.querySelector('.told.fault')?.innerText.includes('integer')")
    assert await browser.do("document.querySelector('textarea').value") == '{"id": "x"}'
    await browser.go(f"{served.url}/ui#/instances/nobody")
    await browser.until("document.querySelector('.fault')?.innerText.includes('nobody')")
    await browser.go(f"{served.url}/ui#/nowhere")
    await browser.reads("There is no such page")
    # The browser itself notes what the API has answered with an error.
    browser.complaints[:] = [each for each in browser.complaints if "status of 4" not in each]


async def test_an_event_is_sent_once(served: Site, browser: Browser) -> None:
    id_ = begun(served, "wait", {"id": 73})
    await browser.go(f"{served.url}/ui#/events")
    event = '{"specversion": "1.0", "id": "73", "source": "/till", "type": "paid", "subject": "73", "data": {}}'
    await browser.fill("textarea", event)
    await browser.click("Send")
    await browser.reads("was offered to all that listen")
    await browser.click("Send")
    await browser.reads("had been accepted before")
    await browser.go(f"{served.url}/ui#/instances/{id_}")
    await browser.reads("completed")


async def test_data_is_text_and_never_markup(served: Site, browser: Browser) -> None:
    evil = "<img src=x onerror=\"document.title='caught'\">"
    await browser.go(f"{served.url}/ui#/instances/{begun(served, 'wait', {'id': 74, 'evil': evil})}")
    await browser.reads("onerror")
    assert await browser.do("document.querySelectorAll('main img').length") == 0
    assert "caught" not in await browser.do("document.title")


async def test_what_was_opened_stays_open(served: Site, browser: Browser) -> None:
    await browser.go(f"{served.url}/ui#/instances/{begun(served, 'wait', {'id': 75})}")
    await browser.until("document.querySelectorAll('td details').length === 4")
    await browser.do("document.querySelectorAll('td details')[1].open = true")
    sent(served, "75")
    await browser.until("document.querySelectorAll('td details').length > 4")
    opened = "[...document.querySelectorAll('td details')].map(each => each.open)"
    assert (await browser.do(opened))[:4] == [False, True, False, False]


async def test_a_token_is_asked_for_until_it_is_right(tmp_path: Path, browser: Browser) -> None:
    site = Site(tmp_path, "--store", "memory:", environment={"FLOWRT_SERVER_TOKEN": "open-sesame"})
    site.write("faults.yaml", definition("fault", FAULTS))
    site.start()
    try:
        assert httpx.get(f"{site.url}/ui/app.js").status_code == 200
        assert httpx.get(f"{site.url}/v1/instances").status_code == 401
        await browser.go(f"{site.url}/ui#/definitions")
        for token in ("wrong", "open-sesame"):
            await browser.until("document.getElementById('entry').open")
            await browser.fill("#token", token)
            await browser.click("Enter")
            await browser.until(f"sessionStorage.getItem('flowrt-token') === '{token}'")
        await browser.reads("test:fault:1.0.0")
    finally:
        site.stop()
    browser.complaints[:] = [each for each in browser.complaints if "401" not in each and "ERR_CONNECTION" not in each]


async def test_a_server_that_goes_and_comes_back(tmp_path: Path, browser: Browser) -> None:
    site = Site(tmp_path, "--store", f"file://{tmp_path}/store")
    site.write("waits.yaml", definition("wait", WAITS))
    site.start()
    await browser.go(f"{site.url}/ui#/definitions")
    await browser.reads("test:wait:1.0.0")
    site.stop()
    await browser.reads("The server does not answer")
    site.arguments = (*site.arguments, "--port", site.url.rpartition(":")[2])
    site.start()
    await browser.until("!document.getElementById('state').innerText")
    site.stop()
    browser.complaints[:] = [each for each in browser.complaints if "ERR_" not in each]

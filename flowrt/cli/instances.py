"""`flowrt instances`: what runs, waits and has ended on a running server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.output import fail, print_json, print_table, shorten
from flowrt.cli.server import Server, on_server

Json = Any


@click.group("instances")
def command() -> None:
    """List, show, watch or control instances of a running server.

    \b
    Example:
      flowrt instances list --status waiting
      flowrt instances get 0192…
      flowrt instances cancel 0192…
    """


@command.command("list")
@click.option("--status")
@click.option("--namespace")
@click.option("--name")
@click.option("--tag", metavar="KEY:VALUE")
@click.option("--since", metavar="TIME|DURATION", help="Started since, such as 2026-01-31T00:00:00Z or 1h.")
@click.option("--limit", type=int, default=100, show_default=True)
@click.option("--cursor", help="'next' of the page before.")
@click.option("--json", "as_json", is_flag=True)
@on_server
def list_(as_json: bool, url: str, token: str | None, **query: Any) -> None:
    """List instances, newest first."""
    page = Server(url, token).call("GET", "/v1/instances", query=query).json()
    if as_json:
        print_json(page)
        return
    rows = [
        [i["id"], f"{i['namespace']}:{i['name']}:{i['version']}", i["status"], i["startedAt"], i["endedAt"] or ""]
        for i in page["items"]
    ]
    print_table(("ID", "WORKFLOW", "STATUS", "STARTED", "ENDED"), rows, "no instances")
    if page["next"]:
        print(f"more: --cursor {page['next']}")


@command.command("get")
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True)
@on_server
def get(id_: str, as_json: bool, url: str, token: str | None) -> None:
    """Show an instance: its data, where it stands, and what it waits for."""
    found = Server(url, token).call("GET", f"/v1/instances/{id_}").json()
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name == "standing":
            for place in value:
                counts = f"round {place['iteration']}, attempt {place['attempt']}"
                until = f" until {place['until']}" if "until" in place else ""
                print(f"{'stands at':10} {place['position']} ({counts}), waits for {place['waitsFor']}{until}")
        elif value not in (None, {}):
            print(f"{name:10} {shorten(value, 200)}")


@command.command("tasks")
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True)
@on_server
def tasks(id_: str, as_json: bool, url: str, token: str | None) -> None:
    """Show the completed tasks of an instance, in order."""
    items = Server(url, token).call("GET", f"/v1/instances/{id_}/tasks").json()["items"]
    if as_json:
        print_json(items)
        return
    rows = [[i["position"], i["kind"], str(i["iteration"]), str(i["attempt"]), shorten(i["output"])] for i in items]
    print_table(("POSITION", "KIND", "ROUND", "ATTEMPT", "OUTPUT"), rows, "no task has completed")


@command.command("watch")
@click.argument("id_", metavar="ID")
@on_server
def watch(id_: str, url: str, token: str | None) -> None:
    """Follow the events of an instance until it ends, a JSON line each."""
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.stream("GET", f"{url}/v1/instances/{id_}/events", headers=headers, timeout=None) as response:
            if response.status_code != 200:
                response.read()
                fail(BAD_USAGE, response.text)
            for line in response.iter_lines():
                if line.startswith("data:"):
                    print(line[5:].strip(), flush=True)
    except httpx.HTTPError as error:
        fail(3, f"the server at {url} could not be reached: {error}")


def _control(verb: str, help_: str) -> None:
    @command.command(verb, help=help_)
    @click.argument("ids", nargs=-1, metavar="ID...")
    @click.option("--tag", metavar="KEY:VALUE", help="All instances with this tag.")
    @on_server
    def controlled(ids: Sequence[str], tag: str | None, url: str, token: str | None) -> None:
        server = Server(url, token)
        if bool(ids) == bool(tag):
            fail(BAD_USAGE, "give either ids or --tag")
        if tag is None and len(ids) == 1:
            answer = server.call("POST", f"/v1/instances/{ids[0]}/{verb}").json()
            print(f"{answer['id']}  {answer['status']}")
            return
        wanted: Json = {"action": verb, **({"tag": tag} if tag is not None else {"ids": list(ids)})}
        for result in server.call("POST", "/v1/instances:batch", json=wanted).json()["items"]:
            print(f"{result['id']}  {result.get('status') or result.get('reason')}")


_control("suspend", "What runs finishes, nothing new starts.")
_control("resume", "Goes on from where it was suspended.")
_control("cancel", "Interrupts and ends instances.")
_control("retry", "Runs faulted instances again from the task that failed.")


@command.command("fork")
@click.argument("id_", metavar="ID")
@click.option("--from", "position", metavar="POSITION", help="A task of the workflow's own list, such as /do/1/charge.")
@click.option("--id", "new", help="The new instance's id.")
@click.option("--tag", "tags", metavar="KEY=VALUE", multiple=True, help="A tag of the new instance.")
@on_server
def fork(id_: str, position: str | None, new: str | None, tags: Sequence[str], url: str, token: str | None) -> None:
    """Start a new instance where another one stood before a task; without --from where it stands, or has failed.

    \b
    Example:
      flowrt instances fork 0192… --from /do/1/charge
    """
    query = {"id": new, "tags": ",".join(tags) or None}
    order = {} if position is None else {"from": position}
    answer = Server(url, token).call("POST", f"/v1/instances/{id_}/fork", json=order, query=query).json()
    print(f"{answer['id']}  {answer['status']}")


@command.command("purge")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@on_server
def purge(ids: Sequence[str], url: str, token: str | None) -> None:
    """Delete ended instances with everything that belongs to them."""
    for id_ in ids:
        Server(url, token).call("DELETE", f"/v1/instances/{id_}")
        print(f"deleted {id_}")

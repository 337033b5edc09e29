"""`flowrt definitions`: what a running server serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.output import fail, print_json, print_table
from flowrt.cli.server import Server, on_server


@click.group("definitions")
def command() -> None:
    """List, show, deploy or delete definitions of a running server.

    \b
    Example:
      flowrt definitions list
      flowrt definitions deploy order.yaml
    """


@command.command("list")
@click.option("--namespace", help="Only this namespace.")
@click.option("--json", "as_json", is_flag=True)
@on_server
def list_(namespace: str | None, as_json: bool, url: str, token: str | None) -> None:
    """List the deployed definitions."""
    items = Server(url, token).call("GET", "/v1/definitions", query={"namespace": namespace}).json()["items"]
    if as_json:
        print_json(items)
        return
    rows = [[item["namespace"], item["name"], item["version"], item.get("title") or ""] for item in items]
    print_table(("NAMESPACE", "NAME", "VERSION", "TITLE"), rows, "no definitions are deployed")


@command.command("get")
@click.argument("definition", metavar="NS:NAME[:VERSION]")
@click.option("--json", "as_json", is_flag=True)
@on_server
def get(definition: str, as_json: bool, url: str, token: str | None) -> None:
    """Show a definition as it was deployed."""
    accept = "application/json" if as_json else "application/yaml"
    path = "/v1/definitions/" + "/".join(_parts(definition))
    print(Server(url, token).call("GET", path, headers={"Accept": accept}).text)


@command.command("deploy")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@on_server
def deploy(files: Sequence[str], url: str, token: str | None) -> None:
    """Deploy definitions; after a restart they are still served."""
    server = Server(url, token)
    for file in files:
        kind = "application/json" if file.endswith(".json") else "application/yaml"
        answer = server.call("PUT", "/v1/definitions", content=Path(file).read_bytes(), headers={"Content-Type": kind})
        body = answer.json()
        verb = "deployed" if answer.status_code == 201 else "replaced"
        print(f"{verb} {body['namespace']}:{body['name']}:{body['version']}")


@command.command("delete")
@click.argument("definition", metavar="NS:NAME:VERSION")
@on_server
def delete(definition: str, url: str, token: str | None) -> None:
    """Serve a definition no more; its running instances go on."""
    parts = _parts(definition)
    if len(parts) != 3:
        fail(BAD_USAGE, f"'{definition}' is not NS:NAME:VERSION")
    Server(url, token).call("DELETE", "/v1/definitions/" + "/".join(parts))
    print(f"deleted {definition}")


def _parts(definition: str) -> list[str]:
    parts = definition.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        fail(BAD_USAGE, f"'{definition}' is not NS:NAME or NS:NAME:VERSION")
    return parts

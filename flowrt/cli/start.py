"""`flowrt start`: an instance on a running server."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.inputs import read_json
from flowrt.cli.output import fail, print_json
from flowrt.cli.server import Server, on_server


@click.command("start")
@click.argument("workflow", metavar="NS:NAME[:VERSION]")
@click.option("--input", "input_", metavar="JSON|@FILE|-", default="{}", help="The workflow's input.")
@click.option("--id", "id_", help="The instance's id; an id that exists gives that instance.")
@click.option("--tag", "tags", metavar="KEY=VALUE", multiple=True, help="A tag of the instance.")
@click.option("--idempotency-key", help="A repeated start with the same key gives the first instance.")
@click.option("--wait", metavar="DURATION", help="Wait for the end, such as 30s, and print the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the server's answer as it is.")
@on_server
def command(
    workflow: str,
    input_: str,
    id_: str | None,
    tags: Sequence[str],
    idempotency_key: str | None,
    wait: str | None,
    as_json: bool,
    url: str,
    token: str | None,
) -> None:
    """Start an instance on a running server.

    \b
    Example:
      flowrt start shop:order --input '{"id": 7}'
      flowrt start shop:order:1.0.0 --wait 30s
    """
    namespace, _, rest = workflow.partition(":")
    name, _, version = rest.partition(":")
    if not namespace or not name:
        fail(BAD_USAGE, f"'{workflow}' is not NS:NAME or NS:NAME:VERSION")
    path = "/v1/definitions/" + "/".join(part for part in (namespace, name, version) if part) + "/instances"
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    query = {"wait": wait, "id": id_, "tags": ",".join(tags) or None}
    answer = Server(url, token).call("POST", path, json=read_json(input_, "--input"), headers=headers, query=query)
    body = answer.json()
    if answer.status_code == 200 or as_json:
        print_json(body)
    else:
        print(f"{body['id']}  {body['status']}")
    sys.exit(0)

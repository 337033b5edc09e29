"""`flowrt events`: CloudEvents for a running server."""

from __future__ import annotations

import click

from flowrt.cli.inputs import read_events, read_json
from flowrt.cli.server import Server, on_server


@click.group("events")
def command() -> None:
    """Send CloudEvents to a running server.

    \b
    Example:
      flowrt events send --type paid --data '{"order": 7}'
      flowrt events send --file events.json
    """


@command.command("send")
@click.option("--file", "file", metavar="FILE", help="A CloudEvent, an array or JSON lines of them; - is stdin.")
@click.option("--type", "type_", help="The event's type.")
@click.option("--source", default="/flowrt/cli", show_default=True, help="The event's source.")
@click.option("--id", "id_", help="The event's id; a new one without.")
@click.option("--subject", help="The event's subject.")
@click.option("--data", metavar="JSON|@FILE|-", help="The event's data.")
@on_server
def send(
    file: str | None,
    type_: str | None,
    source: str,
    id_: str | None,
    subject: str | None,
    data: str | None,
    url: str,
    token: str | None,
) -> None:
    """Send one event, or those of a file; each is durable when this returns."""
    if (file is None) == (type_ is None):
        raise click.UsageError("give either --file or --type")
    if file is not None:
        events = read_events(file)
    else:
        from flowrt.runtime.clock import new_id

        event = {"specversion": "1.0", "id": id_ or new_id(), "source": source, "type": type_}
        if subject is not None:
            event["subject"] = subject
        if data is not None:
            event["data"] = read_json(data, "--data")
        events = [event]
    server = Server(url, token)
    for event in events:
        server.call("POST", "/v1/events", json=event, headers={"Content-Type": "application/cloudevents+json"})
        print(f"accepted {event.get('type')} {event.get('id')}")

"""Definitions that the tests of the API serve."""

from __future__ import annotations


def definition(name: str, tasks: str, version: str = "1.0.0", more: str = "") -> str:
    """A workflow of namespace `test`."""
    return (
        f"# the workflow {name}\n"
        f"document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '{version}'}}\n{more}do:\n{tasks}"
    )


HELLO = definition("hello", "  - greet: {set: {greeting: '${ \"Hello, \" + .name }'}}\n")
ECHO = definition("echo", "  - same: {set: '${ . }'}\n")
NUMBER = definition("number", "  - same: {set: {n: 1}}\n    \n", more="output: {as: '${ .n }'}\n")
ORDER = definition(
    "order",
    "  - first: {set: {id: '${ .id }', seen: true}}\n  - second: {set: {id: '${ .id }', done: true}}\n",
    more=(
        "input:\n  schema:\n    document:\n      type: object\n      required: [id]\n"
        "      properties: {id: {$ref: '#/$defs/number'}}\n      $defs: {number: {type: integer}}\n"
    ),
)
FAULTS = definition(
    "faults",
    "  - refuse:\n"
    "      raise:\n"
    "        error: {type: 'https://example.com/errors/broke', status: 422, title: Broke, detail: No money}\n",
)
ODD = definition(
    "odd", "  - refuse: {raise: {error: {type: 'https://example.com/errors/odd', status: 200, title: Odd}}}\n"
)
WAITS = definition("waits", "  - rest: {wait: {hours: 1}}\n")
NAP = definition("nap", "  - rest: {wait: {milliseconds: 300}}\n  - end: {set: {rested: true}}\n")
LISTENS = definition(
    "listens",
    "  - hear: {listen: {to: {one: {with: {type: paid, subject: '${ $workflow.input.id }'}}}}}\n"
    "  - tell: {emit: {event: {with: {source: /shop, type: shipped, data: '${ .[0] }'}}}}\n"
    "  - end: {set: {shipped: '${ .data }'}}\n",
)
ALL = {"hello": HELLO, "echo": ECHO, "number": NUMBER, "order": ORDER, "faults": FAULTS, "odd": ODD}
ALL |= {"waits": WAITS, "nap": NAP, "listens": LISTENS}

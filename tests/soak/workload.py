"""The workload: workflows of every durable kind, and what each must have done when it has ended."""

from __future__ import annotations

from typing import Any

HEAD = "document: {{dsl: '1.0.3', namespace: soak, name: {name}, version: '1.0.0'}}\n"

DEFINITIONS = {
    "mixed": """
do:
- loop:
    for: {{in: '.items'}}
    do:
    - visit:
        call: http
        with: {{method: post, endpoint: '${{ "{url}/loop/\\($item)" }}'}}
        output: {{as: $input}}
- both:
    fork:
      branches:
      - left: {{call: http, with: {{method: post, endpoint: '{url}/left'}}}}
      - right:
          do:
          - nap: {{wait: {{milliseconds: 30}}}}
          - call: {{call: http, with: {{method: post, endpoint: '{url}/right'}}}}
- stubborn:
    try:
    - flaky: {{call: http, with: {{method: post, endpoint: '{url}/fail/2/x'}}}}
    catch:
      retry: {{delay: {{milliseconds: 20}}, limit: {{attempt: {{count: 5}}}}}}
- child:
    run: {{workflow: {{namespace: soak, name: child, version: '1.0.0', input: {{n: 1}}}}}}
- approval:
    listen:
      to:
        one:
          with: {{type: approved}}
          correlate: {{id: {{from: .subject, expect: '${{ $workflow.id }}'}}}}
- done: {{set: {{id: '${{ $workflow.id }}', approved: '${{ .[0].by }}'}}}}
""",
    "child": """
do:
- pause: {{wait: {{milliseconds: 20}}}}
- call: {{call: http, with: {{method: post, endpoint: '{url}/child'}}}}
""",
}

ITEMS = [0, 1, 2]
CALLS_OF_ONE = {
    *((f"/do/0/loop/do/0/visit/{item}/0", f"/loop/{item}") for item in ITEMS),
    ("/do/1/both/fork/branches/0/left/0/0", "/left"),
    ("/do/1/both/fork/branches/1/right/do/1/call/0/0", "/right"),
    *((f"/do/2/stubborn/try/0/flaky/0/{attempt}", "/fail/2/x") for attempt in range(3)),
}
"""The keys, without the instance, and paths of the calls that one `mixed` instance makes; its child makes one more."""


def texts(url: str) -> dict[str, str]:
    """The definitions, calling the service at `url`."""
    return {name: HEAD.format(name=name) + body.format(url=url) for name, body in DEFINITIONS.items()}


def expected_output(id_: str) -> dict[str, Any]:
    """What a `mixed` instance outputs."""
    return {"id": id_, "approved": f"boss of {id_}"}

"""Talking to a running server: its address, the token, and what its problems mean for the exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from flowrt.cli import BAD_USAGE, FAULTED, UNREACHABLE
from flowrt.cli.output import fail

Json = Any
Command = TypeVar("Command", bound=Callable[..., Any])
TIMEOUT_S = 60.0


class Server:
    """A running server, by its address."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """The answer (httpx.Response). Ends the verb with the problem's text when it is an error."""
        import httpx

        body: dict[str, Any] = (
            {"content": content} if content is not None else {"json": json} if json is not None else {}
        )
        given = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            response = httpx.request(
                method,
                self.url + path,
                headers={**self._headers, **(headers or {})},
                params=given,
                timeout=TIMEOUT_S,
                **body,
            )
        except httpx.HTTPError as error:
            fail(UNREACHABLE, f"the server at {self.url} could not be reached: {error}")
        if response.status_code >= 400:
            fail(*_problem(response))
        return response


def _problem(response: Any) -> tuple[int, str]:
    code = UNREACHABLE if response.status_code >= 502 else BAD_USAGE if response.status_code in (400, 422) else FAULTED
    try:
        problem = response.json()
    except ValueError:
        return code, f"{response.status_code} {response.reason_phrase}: {response.text[:500]}"
    lines = [f"{problem.get('title', 'Error')} ({response.status_code}): {problem.get('detail', '')}".rstrip(": ")]
    for each in problem.get("problems", []):
        lines.append(
            f"  {each.get('line') or ''}: {each.get('position')}: {each.get('message')}. {each.get('remedy', '')}"
        )
    return code, "\n".join(lines)


def on_server(command: Command) -> Command:
    """Adds `--url` and `--token`."""
    url = click.option("--url", envvar="FLOWRT_URL", default="http://127.0.0.1:8080", show_default=True)
    token = click.option("--token", envvar="FLOWRT_TOKEN", help="Bearer token.")
    return url(token(command))

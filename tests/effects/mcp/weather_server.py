"""A real MCP server with tools, prompts and resources; run as a script it speaks over its standard streams.

Lists come in pages of two. Arguments of the script: `--ignore-eof` keeps it alive when its stdin is closed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

PAGE = 2


def _page(params: Any, items: list[Any]) -> tuple[list[Any], str | None]:
    start = int(params.cursor) if params and params.cursor else 0
    end = start + PAGE
    return items[start:end], str(end) if end < len(items) else None


async def list_tools(_context: Any, params: Any) -> types.ListToolsResult:
    tools = [
        types.Tool(name=name, description=f"The tool {name}", input_schema={"type": "object"})
        for name in ("echo", "fail", "break", "hang", "die")
    ]
    items, cursor = _page(params, tools)
    return types.ListToolsResult(tools=items, next_cursor=cursor)


async def call_tool(context: Any, params: Any) -> types.CallToolResult:
    given = params.arguments or {}
    match params.name:
        case "echo":
            client = context.session.client_params
            seen = {
                "arguments": given,
                "protocol": context.protocol_version,
                "client": client.client_info.model_dump(include={"name", "version"}) if client else None,
                "environment": {name: os.environ.get(name) for name in given.get("environment", [])},
            }
            text = types.TextContent(text=f"echo of {sorted(given)}")
            return types.CallToolResult(content=[text], structured_content=seen)
        case "fail":
            parts = [types.TextContent(text="no weather"), types.TextContent(text="today")]
            return types.CallToolResult(content=parts, is_error=True)
        case "break":
            raise MCPError(-32050, "the sky is falling", {"where": "here"})
        case "hang":
            pids = [os.getpid()]
            if given.get("child"):
                pids.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
            Path(given["started"]).write_text(" ".join(map(str, pids)))
            try:
                await anyio.sleep_forever()
            finally:
                Path(given["started"]).with_suffix(".ended").touch()
        case "die":
            print("cannot go on: out of sunshine", file=sys.stderr, flush=True)
            os._exit(3)
    raise MCPError(-32602, f"Unknown tool: {params.name}")


async def list_prompts(_context: Any, params: Any) -> types.ListPromptsResult:
    items, cursor = _page(params, [types.Prompt(name=name) for name in ("forecast", "history", "joke")])
    return types.ListPromptsResult(prompts=items, next_cursor=cursor)


async def get_prompt(_context: Any, params: Any) -> types.GetPromptResult:
    text = f"The {params.name} for {(params.arguments or {}).get('city')}, please"
    message = types.PromptMessage(role="user", content=types.TextContent(text=text))
    return types.GetPromptResult(messages=[message])


async def list_resources(_context: Any, params: Any) -> types.ListResourcesResult:
    resources = [types.Resource(uri=f"weather://{city}", name=city) for city in ("oslo", "rome", "lima")]
    items, cursor = _page(params, resources)
    return types.ListResourcesResult(resources=items, next_cursor=cursor)


async def read_resource(_context: Any, params: Any) -> types.ReadResourceResult:
    content = types.TextResourceContents(uri=params.uri, mime_type="text/plain", text="sunny")
    return types.ReadResourceResult(contents=[content])


async def list_templates(_context: Any, params: Any) -> types.ListResourceTemplatesResult:
    templates = [types.ResourceTemplate(uri_template=f"weather://{{city}}/{day}", name=day) for day in ("a", "b", "c")]
    items, cursor = _page(params, templates)
    return types.ListResourceTemplatesResult(resource_templates=items, next_cursor=cursor)


def weather() -> Server[Any]:
    return Server(
        "weather",
        version="1.2.3",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
        on_list_resource_templates=list_templates,
    )


async def main() -> None:
    server = weather()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    if "--ignore-eof" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        anyio.run(main)
        time.sleep(600)
    anyio.run(main)

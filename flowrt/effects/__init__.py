"""Effects: one adapter for each kind of outside action. `ADAPTERS` is the table of them: kind -> module and class."""

from __future__ import annotations

ADAPTERS: dict[str, str] = {
    "http": "flowrt.effects.http:HttpCall",
    "openapi": "flowrt.effects.openapi:OpenApiCall",
    "grpc": "flowrt.effects.grpc:GrpcCall",
    "asyncapi": "flowrt.effects.asyncapi:AsyncapiCall",
    "mcp": "flowrt.effects.mcp:McpCall",
    "a2a": "flowrt.effects.a2a:A2aCall",
    "shell": "flowrt.effects.shell:ShellRun",
    "script": "flowrt.effects.script:ScriptRun",
    "container": "flowrt.effects.container.run:ContainerRun",
}

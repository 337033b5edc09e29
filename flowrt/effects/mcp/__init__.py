"""`call: mcp`: tools, prompts and resources of Model Context Protocol servers."""

from __future__ import annotations

from flowrt.effects.mcp.call import McpCall

__all__ = ["McpCall"]

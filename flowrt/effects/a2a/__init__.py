"""`call: a2a`: messages to agents that speak the Agent2Agent protocol, and their tasks."""

from __future__ import annotations

from flowrt.effects.a2a.call import A2aCall

__all__ = ["A2aCall"]

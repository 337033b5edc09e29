"""flowrt: the durable runtime for the Serverless Workflow DSL."""

from typing import TYPE_CHECKING, Any

from flowrt.version import VERSION as __version__

if TYPE_CHECKING:
    from flowrt.python import Conflict, Handle, InvalidDefinition, InvalidInput, Result, Runtime, UnknownInstance

__all__ = [
    "Conflict",
    "Handle",
    "InvalidDefinition",
    "InvalidInput",
    "Result",
    "Runtime",
    "UnknownInstance",
    "__version__",
]


def __getattr__(name: str) -> Any:
    # The runtime is imported when it is first used: the command line starts without it.
    if name in __all__:
        from flowrt import python

        return getattr(python, name)
    raise AttributeError(f"module 'flowrt' has no attribute '{name}'")

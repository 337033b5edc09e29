"""`call: asyncapi`: operations of AsyncAPI 2 and 3 documents, over the protocols of their servers."""

from .call import AsyncapiCall

__all__ = ["AsyncapiCall"]

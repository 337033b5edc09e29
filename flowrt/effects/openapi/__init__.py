"""`call: openapi`: operations of Swagger 2.0 and OpenAPI 3.0 and 3.1 documents."""

from .call import OpenApiCall

__all__ = ["OpenApiCall"]

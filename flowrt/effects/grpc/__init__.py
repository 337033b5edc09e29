"""`call: grpc`: methods of gRPC services, described by a proto resource or by the server itself."""

from __future__ import annotations

from flowrt.effects.grpc.call import GrpcCall

__all__ = ["GrpcCall"]

"""The protobuf schema of services: their methods by name, in a descriptor pool of its own.

Invariant: two schemas never meet, so services that define the same names differently can be called side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.grpc.method import Method

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto


class Schema:
    """Built from the descriptors of whole files with all they import, in any order; `origin` says where from."""

    def __init__(self, files: Iterable[FileDescriptorProto], origin: str) -> None:
        from google.protobuf.descriptor_database import DescriptorDatabase
        from google.protobuf.descriptor_pool import DescriptorPool

        database = DescriptorDatabase()
        self._services: list[str] = []
        for file in files:
            database.Add(file)
            package = f"{file.package}." if file.package else ""
            self._services += (package + service.name for service in file.service)
        self._pool = DescriptorPool(database)
        self._origin = origin

    def method(self, service: str, name: str) -> Method:
        """The method `name` of `service` (full name, or its last parts if only one fits).

        Raises `configuration`/400 with what there is.
        """
        full_name = pick_service(service, self._services, self._origin)
        descriptor = self._pool.FindServiceByName(full_name)
        if name not in descriptor.methods_by_name:
            known = ", ".join(each.name for each in descriptor.methods) or "none"
            raise _unknown(f"method: {full_name} has no method {name!r}; its methods are: {known}")
        return Method(descriptor.methods_by_name[name], self._pool)


def pick_service(service: str, known: Collection[str], origin: str) -> str:
    """The full name among `known` that `service` means: that name, or the last parts of only one.

    Raises `configuration`/400 with what there is.
    """
    fitting = [each for each in known if each == service or each.endswith(f".{service}")]
    if service in fitting or len(fitting) == 1:
        return service if service in fitting else fitting[0]
    listed = ", ".join(sorted(known)) or "none"
    problem = "names several services; give its full name" if fitting else "does not exist"
    raise _unknown(f"service.name: {service!r} {problem}; {origin} has the services: {listed}")


def _unknown(detail: str) -> Faulted:
    return Faulted(Fault.of("configuration", detail))

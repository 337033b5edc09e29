"""The components of a definition: `use`, what its tasks refer to by name."""

from __future__ import annotations

from typing import Any

from flowrt.core.reader import Reader
from flowrt.tasks.endpoint import read_endpoint
from flowrt.tasks.extended import TARGETS

_BY_NAME = ("authentications", "catalogs", "errors", "functions", "retries", "timeouts")
_SECTIONS = (*_BY_NAME, "extensions", "secrets")


class Uses:
    """What `use` of one document lists (dsl-reference, "Use")."""

    def __init__(self, root: Reader) -> None:
        self._use = use = root.get("use")
        self._sections = {name: found for name in _SECTIONS if use is not None and (found := use.get(name)) is not None}
        self.secrets: frozenset[str] = frozenset()

    def read(self) -> None:
        """Reads what tasks do not read themselves; what is wrong becomes a problem of the document."""
        if self._use is None:
            return
        self._use.object(_SECTIONS)
        if "secrets" in self._sections:
            self.secrets = frozenset(secret.string() for secret in self._sections["secrets"].items())
        for name in _BY_NAME:
            if name in self._sections:
                self._sections[name].object()
        for _, catalog in self._sections["catalogs"].members() if "catalogs" in self._sections else ():
            endpoint = catalog.object(("endpoint",), required=("endpoint",)).get("endpoint")
            if endpoint is not None:
                read_endpoint(endpoint)
        for _, extension in self.extensions():
            extension.object(("extend", "when", "before", "after"), required=("extend",))
            if (extend := extension.get("extend")) is not None:
                extend.one_of(*TARGETS)

    def extensions(self) -> list[tuple[str, Reader]]:
        """The extensions by name, in their order."""
        return self._sections["extensions"].named_items() if "extensions" in self._sections else []

    def catalogs(self) -> Any:
        """The catalogs as they are written."""
        return self._sections["catalogs"].value if "catalogs" in self._sections else {}

    def component(self, section: str, name: str) -> Reader | None:
        """The component of that name; None if there is none."""
        found = self._sections.get(section)
        return found.get(name) if found is not None else None

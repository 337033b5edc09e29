"""Which named client a workflow's task uses.

Order: `ns:name:version.task`, `ns:name.task`, `name.task`, `ns:name:version`, `ns:name`, `name`; else the default.
"""

from __future__ import annotations

from flowrt.core.effect import Effect


def client_names(effect: Effect) -> tuple[str, ...]:
    """The names under which a client for this effect may be configured, the most specific first."""
    namespace, name, version = effect.workflow
    whole, family = f"{namespace}:{name}:{version}", f"{namespace}:{name}"
    return f"{whole}.{effect.task}", f"{family}.{effect.task}", f"{name}.{effect.task}", whole, family, name

"""Expressions that mention secrets: refused those that are not there, and silent about those that are."""

from __future__ import annotations

import re
from typing import Any

from flowrt.core.expression import Expression, ExpressionFailed, Lookup
from flowrt.core.fault import Fault, Faulted

Json = Any

_SECRET = re.compile(r"\$secrets?(?:\.([A-Za-z_]\w*)|\[\"([^\"\\]*)\"\]|\.\"([^\"\\]*)\")")


def guarded(compiled: Expression) -> Expression:
    """The expression; if it mentions secrets by name, one that fails when the workflow has no such secret."""
    wanted = {a or b or c for a, b, c in _SECRET.findall(compiled.source)}
    if not wanted or not compiled.names & {"secrets", "secret"}:
        return compiled
    evaluate, argument = compiled.evaluate, "secrets" if "secrets" in compiled.names else "secret"

    def evaluate_guarded(data: Json, lookup: Lookup) -> Json:
        secrets = lookup(argument)
        for name in wanted:
            if name not in secrets:
                raise Faulted(Fault.of("authorization", f"The secret '{name}' is not available to this workflow."))
        try:
            return evaluate(data, lookup)
        except ExpressionFailed:
            # The language's message may quote the data.
            raise ExpressionFailed(
                f"the expression '{compiled.source}' failed (details withheld: it reads secrets)"
            ) from None

    return Expression(compiled.source, compiled.names, evaluate_guarded, compiled.native, compiled.bounded)

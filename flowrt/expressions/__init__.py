"""Expression languages, one package or file each. `LANGUAGES` is the table of them: name -> module with `compile`."""

from __future__ import annotations

LANGUAGES: dict[str, str] = {"jq": "flowrt.expressions.jq", "cel": "flowrt.expressions.cel"}

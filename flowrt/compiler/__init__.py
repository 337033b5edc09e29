"""The compiler: YAML or JSON text to a `WorkflowDefinition`; all problems at once, with line and position."""

from __future__ import annotations

from flowrt.compiler.compile import InvalidDefinition, Located, compile_text, external_documents
from flowrt.compiler.languages import Languages

__all__ = ["InvalidDefinition", "Languages", "Located", "compile_text", "external_documents"]

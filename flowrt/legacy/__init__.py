"""Serverless Workflow 0.8 documents: read with `serverlessworkflow-sdk`, turned into DSL 1.0.

Imports nothing but the standard library, the SDK (extra `legacy`, lazily) and its PyYAML, and `flowrt.core`, so that it
also runs where the SDK's old pins leave no room for the rest. What 0.8 says and 1.0 cannot is a `Note`, never dropped
in silence.
"""

from __future__ import annotations

from flowrt.legacy.conversion import Converted, convert
from flowrt.legacy.notes import Note
from flowrt.legacy.reading import SdkMissing, Unreadable

__all__ = ["Converted", "Note", "SdkMissing", "Unreadable", "convert"]

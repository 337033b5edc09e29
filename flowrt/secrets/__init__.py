"""Secrets: where the values behind `use.secrets` come from. Read when asked for, never kept in records or logs.

Sources, the first that has one gives it: given values, environment (`FLOWRT_SECRET_NAME`), a folder of files (Docker:
one file each; Kubernetes: one folder each with a file for every member), a `.env` file, HashiCorp Vault, plug-ins. A
text that is a JSON object or array is read as that; everything else stays text.
"""

from __future__ import annotations

from flowrt.secrets.sources import (
    Source,
    first_of,
    from_directory,
    from_env_file,
    from_environment,
    from_values,
    read_text,
)

__all__ = ["Source", "first_of", "from_directory", "from_env_file", "from_environment", "from_values", "read_text"]

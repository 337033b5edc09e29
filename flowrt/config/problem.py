"""What is wrong with a configuration, all of it at once."""

from __future__ import annotations

from collections.abc import Sequence


class ConfigProblem(Exception):
    """The configuration is wrong; `problems` lists everything."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)

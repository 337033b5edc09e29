"""Process result: what a program or container left behind, and what of it `run.return` makes the output.

Source: dsl-reference.md, "Run" and "Process Result".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted

RETURNS = ("stdout", "stderr", "code", "all", "none")
DETAIL_BYTES = 4096
"""How much of stderr a fault shows."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """Exit code (128 + n for signal n, as in a shell) and the texts without their last newline."""

    code: int
    stdout: str
    stderr: str

    @classmethod
    def decoded(cls, code: int, stdout: bytes | bytearray, stderr: bytes | bytearray) -> ProcessResult:
        """From what was written; bytes that are not UTF-8 become U+FFFD."""
        return cls(code, _line(stdout), _line(stderr))

    def output(self, returns: str, what: str) -> Json:
        """The task's output. Raises `Faulted` for a failed `what` unless its failure is what was asked for."""
        if self.code != 0 and returns in ("stdout", "none"):
            shown = self.stderr.encode()[:DETAIL_BYTES].decode(errors="ignore").strip()
            raise Faulted(Fault.of("runtime", shown or f"{what} exited with code {self.code}"))
        everything = {"code": self.code, "stdout": self.stdout, "stderr": self.stderr}
        return {**everything, "all": everything, "none": None}[returns]


def text_of(value: Json) -> str:
    """How a JSON value is handed to a program: a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def argv_of(arguments: Sequence[Json] | Mapping[str, Json] | None) -> list[str]:
    """The words of `arguments`: a list's items in order; of a map `--name value` each, `--name` alone for null.

    Raises `Faulted` for anything else, as an expression may have given.
    """
    if arguments is None or isinstance(arguments, list | tuple):
        return [text_of(value) for value in arguments or ()]
    arguments = map_of(arguments, "arguments", "a list or a map")
    words = []
    for name, value in arguments.items():
        words += [f"--{name}"] if value is None else [f"--{name}", text_of(value)]
    return words


def map_of(value: Json, name: str, expected: str = "a map") -> Mapping[str, Json]:
    """The map that argument `name` has to be; empty for null. Raises `Faulted` for anything else."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Faulted(Fault.of("validation", f"{name}: expected {expected}, got {text_of(value)[:80]}"))
    return value


def _line(written: bytes | bytearray) -> str:
    return written.decode("utf-8", "replace").removesuffix("\n")

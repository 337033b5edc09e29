"""Compiles proto files to descriptors, in a process and a folder of their own.

Invariant: nothing is registered with this process's protobuf and no Python module is generated.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.grpc.sources import ProtoSources

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

_LONGEST_S = 60.0


def compile_protos(sources: ProtoSources) -> Sequence[FileDescriptorProto]:
    """The files and all they import, each after what it imports. Blocks: to be called in a thread.

    Raises `configuration`/400 with what the compiler says.
    """
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    with tempfile.TemporaryDirectory(prefix="flowrt-") as folder:
        root = Path(folder) / "protos"
        for name, text in sources.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        result = Path(folder) / "descriptors"
        # A process, since the compiler writes its errors to the real stderr.
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{root}", "--include_imports"]
        done = subprocess.run(
            [*command, f"--descriptor_set_out={result}", sources.main],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LONGEST_S,
            cwd=folder,
        )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").replace(f"{root}/", "").strip()
            raise Faulted(Fault.of("configuration", f"proto.endpoint {sources.uri} does not compile: {said}"))
        return FileDescriptorSet.FromString(result.read_bytes()).file

"""Free TCP ports on 127.0.0.1.

Ports come from below the range the system gives to outgoing connections, so that a stopped server finds its port
still free at its restart; no port is handed out twice by one process.
"""

import random
import socket

_RANGE = range(15_000, 30_000)
_given: set[int] = set()
_choice = random.SystemRandom()


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    for _ in range(1_000):
        port = _choice.choice(_RANGE)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no free port found on 127.0.0.1 between {_RANGE.start} and {_RANGE.stop}: end unused servers")


def free_ports(count: int) -> list[int]:
    return [free_port() for _ in range(count)]


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0

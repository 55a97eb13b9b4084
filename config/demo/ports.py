"""Ports are tried before anything is started, because a server that finds its port taken says so late and in a log."""

import socket

from config.demo.errors import PortInUse
from config.processes import HOST


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a port whose last connections are still closing (TIME_WAIT) can be used.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def require_free(*, port: int, option: str, variable: str) -> None:
    """Raises `PortInUse`, which names the port and what changes it."""
    if not is_free(port):
        raise PortInUse(port=port, option=option, variable=variable)


def any_free() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port

"""Ports are tried before anything is started, because a server that finds its port taken says so late and in a log."""

import socket
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from config.demo.errors import PortRefused
from config.processes import HOST

HIGHEST: Final = 65_535


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port that the demo is asked to use, and what it is called on the command line and in the environment."""

    number: int
    option: str
    variable: str
    default: int


WEB_DEFAULT: Final = 8000
SIMULATORS_DEFAULT: Final = 8090


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


def require_free(*wanted: Port) -> None:
    """Raises `PortRefused`, whose advice is a command line that keeps every port that is free as it was given."""
    for port in wanted:
        if not 1 <= port.number <= HIGHEST:
            raise PortRefused(
                f"{port.option} is {port.number}; a port is a number from 1 to {HIGHEST}. Nothing was started."
            )
    for port, other in combinations(wanted, 2):
        if port.number == other.number:
            raise PortRefused(
                f"{port.option} and {other.option} are both {port.number}; two programs cannot share a port. "
                "Nothing was started."
            )
    taken = [port for port in wanted if not is_free(port.number)]
    if taken:
        raise PortRefused(_advice(taken=taken, wanted=wanted))


def _advice(*, taken: Sequence[Port], wanted: Sequence[Port]) -> str:
    numbers, avoided = [], {port.number for port in wanted}
    for port in wanted:
        number = port.number
        if port in taken:
            number = _next_free(number, avoided=avoided)
            avoided.add(number)
        numbers.append(number)
    line = " ".join(
        f"{port.option} {number}"
        for port, number in zip(wanted, numbers, strict=True)
        if port in taken or number != port.default
    )
    found = " and ".join(f"port {port.number}" for port in taken)
    return (
        f"{found[0].upper()}{found[1:]} on {HOST} {'is' if len(taken) == 1 else 'are'} in use. End what uses "
        f'{"it" if len(taken) == 1 else "them"}, or choose otherwise: manage.py demo {line} (make demo ARGS="{line}"), '
        f"or set {' and '.join(port.variable for port in taken)}."
    )


def _next_free(number: int, *, avoided: Set[int]) -> int:
    """The next port that is free and nobody else's in this demo."""
    for candidate in range(number + 1, min(number + 100, HIGHEST + 1)):
        if candidate not in avoided and is_free(candidate):
            return candidate
    return any_free()


def any_free() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port

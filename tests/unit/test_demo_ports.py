"""A port that cannot be used is refused at once, with advice that works as it stands."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from config.demo.errors import PortRefused
from config.demo.ports import HIGHEST, Port, any_free, is_free, require_free


def web(number: int, *, default: int = 8000) -> Port:
    return Port(number=number, option="--port", variable="WEB", default=default)


def rail(number: int, *, default: int = 8090) -> Port:
    return Port(number=number, option="--simulators-port", variable="RAIL", default=default)


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


def test_the_advice_does_not_propose_the_port_of_the_other_option_nor_drop_it(taken: int) -> None:
    neighbour = taken + 1 if taken < HIGHEST else taken - 1
    with pytest.raises(PortRefused, match=f"Port {taken} on 127.0.0.1 is in use") as refused:
        require_free(web(taken), rail(neighbour))
    advised = re.search(r"demo --port (\d+) --simulators-port (\d+) ", str(refused.value))
    assert advised
    assert int(advised[2]) == neighbour
    assert int(advised[1]) not in {taken, neighbour}
    assert is_free(int(advised[1]))


def test_the_advice_leaves_out_what_is_free_and_was_not_given(taken: int) -> None:
    free = any_free()
    with pytest.raises(PortRefused) as refused:
        require_free(web(taken), rail(free, default=free))
    assert "--simulators-port" not in str(refused.value)
    assert "set WEB." in str(refused.value)


def test_equal_ports_are_refused_at_once(taken: int) -> None:
    with pytest.raises(PortRefused, match=f"--port and --simulators-port are both {taken}"):
        require_free(web(taken), rail(taken))


@pytest.mark.parametrize("number", [-1, 0, HIGHEST + 1])
def test_a_number_that_is_no_port_is_refused_by_name(number: int) -> None:
    with pytest.raises(PortRefused, match=f"--simulators-port is {number}; a port is a number from 1 to 65535"):
        require_free(web(any_free()), rail(number))

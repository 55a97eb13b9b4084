"""What the failures of an HTTP exchange mean, against a server that answers with given bytes."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from pydantic import BaseModel

from sagas import OutcomeUnknown, Retryable
from sagas.exchange import RETRY_AFTER_CAP, Exchange, pooled_client, retry_after

Serve = Callable[[socket.socket], None]


@contextmanager
def _provider(serve: Serve) -> Iterator[Exchange]:
    """An exchange with a server that gives its first connection to `serve`, then closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection)

        server = threading.Thread(target=accept)
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False) as client:
            yield Exchange(client=client, provider="the bureau")
        server.join(timeout=5)


def _answering(*parts: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        _read_request(connection)
        for part in parts:
            connection.sendall(part)

    return serve


def _ask(exchange: Exchange, *, timeout: float = 2) -> None:
    exchange.send(method="POST", path="/checks", timeout=timedelta(seconds=timeout), body=b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 2",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000,
    ],
    ids=["closed", "half a line", "not HTTP", "half a body", "wrong gzip", "500", "502", "408", "endless"],
)
def test_r24_a_broken_answer_after_sending_is_unknown(answer: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        with suppress(OSError):  # the endless one is cut short, as it should be
            _answering(answer)(connection)

    with _provider(serve) as exchange, pytest.raises(OutcomeUnknown):
        _ask(exchange)


def test_r24_a_timeout_after_sending_is_unknown() -> None:
    given_up = threading.Event()
    with _provider(lambda _: _wait(given_up)) as exchange:
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            _ask(exchange, timeout=0.1)
        given_up.set()


def test_r24_an_answer_that_drips_is_given_up_in_time() -> None:
    given_up = threading.Event()

    def drip(connection: socket.socket) -> None:
        _answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")(connection)
        with suppress(OSError):
            while not given_up.wait(0.02):
                connection.sendall(b"x")

    with _provider(drip) as exchange:
        began = datetime.now(UTC)
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            _ask(exchange, timeout=0.2)
        given_up.set()
        assert datetime.now(UTC) - began < timedelta(seconds=2)


def test_r24_a_kept_alive_connection_that_the_provider_closes_in_the_moment_of_use_is_unknown() -> None:
    def serve(connection: socket.socket) -> None:
        _answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")(connection)
        _read_request(connection)  # the second one on this connection; it is closed without an answer

    with _provider(serve) as exchange:
        _ask(exchange)
        with pytest.raises(OutcomeUnknown, match=r"RemoteProtocolError|ReadError"):
            _ask(exchange)


def test_r24_only_a_failure_to_connect_is_certainly_unsent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    nobody = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=nobody, trust_env=False) as client, pytest.raises(Retryable, match="nothing was sent"):
        _ask(Exchange(client=client, provider="the bureau"))


def test_a_redirect_is_not_followed_and_is_the_adapters_to_judge() -> None:
    answer = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with _provider(_answering(answer)) as exchange:
        assert exchange.send(method="GET", path="/", timeout=timedelta(seconds=2)).status == 307


def test_what_a_provider_sent_is_not_repeated_in_the_error() -> None:
    class Score(BaseModel):
        score: int

    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"score": "Zoe Lefevre"}'[:-2]
    with _provider(_answering(answer)) as exchange:
        reply = exchange.send(method="GET", path="/", timeout=timedelta(seconds=2))
        with pytest.raises(OutcomeUnknown) as unknown:
            reply.decoded(Score)
    assert "Zoe" not in str(unknown.value)


NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("7", timedelta(seconds=7)),
        ("0", timedelta(0)),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), timedelta(seconds=30)),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), timedelta(0)),
        ("99999999999999999999", RETRY_AFTER_CAP),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), RETRY_AFTER_CAP),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_providers_clock_and_capped(
    value: str, after: timedelta | None
) -> None:
    headers = httpx.Headers({"Retry-After": value, "Date": format_datetime(NOW, usegmt=True)})

    assert retry_after(headers) == after


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns; the child only looks and ends
def test_threads_share_a_client_and_a_forked_child_makes_its_own() -> None:
    mine = pooled_client(base_url="http://provider.test/v1")
    assert pooled_client(base_url="http://provider.test/v1") is mine

    child = os.fork()
    if child == 0:
        same = True
        try:
            same = pooled_client(base_url="http://provider.test/v1") is mine
        finally:
            os._exit(1 if same else 0)  # whatever happens, the child must not go on with the tests
    assert os.waitpid(child, 0)[1] == 0


def test_an_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no address of a provider"):
        pooled_client(base_url="127.0.0.1:8090")


def _read_request(connection: socket.socket) -> None:
    """Read one request whole: a body left unread would be taken for the next request, or reset the connection."""
    received = b""
    while not received.endswith(b"{}" if received.startswith(b"POST") else b"\r\n\r\n"):
        received += (chunk := connection.recv(65536))
        if not chunk:
            return


def _wait(event: threading.Event) -> None:
    event.wait(5)

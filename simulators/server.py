"""HTTP/1.1 for the simulators: reads requests whole, finds the simulator, delivers its answer as badly as asked."""

import socket
import socketserver
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from simulators.answers import Answer, Delivery, Problem, Request, ok
from simulators.book import Abandoned

BODY_LIMIT = 64 * 1024


class Simulator(Protocol):
    """One outside system, reached under its prefix."""

    prefix: str

    def answer(self, request: Request) -> Answer: ...


class Server(ThreadingHTTPServer):
    """A thread per connection, keep-alive; ends without waiting for idle connections."""

    request_queue_size = 1024  # 500 clients may connect in the same instant
    daemon_threads = True
    block_on_close = False

    def __init__(self, *, host: str, port: int, simulators: Sequence[Simulator]) -> None:
        self.simulators = simulators
        super().__init__((host, port), _Connection)

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the resolver for the host's full name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # typeshed: bytes too

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(
            sys.exc_info()[1], ConnectionError
        ):  # a caller that gave up and went away is no error of ours
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Ends `serve_forever`, from any thread. Work in progress ends with the process, unbooked and unanswered."""
        # shutdown() waits for serve_forever(), which a signal may just have interrupted: never in its own thread.
        threading.Thread(target=self.shutdown, daemon=True).start()

    def answer(self, request: Request) -> Answer:
        if request.method == "GET" and request.path == "/healthz":
            return ok({"status": "ok"})
        for simulator in self.simulators:
            if request.path.startswith(f"{simulator.prefix}/"):
                inner = request.path.removeprefix(simulator.prefix)
                return simulator.answer(
                    Request(
                        method=request.method,
                        path=inner,
                        query=request.query,
                        headers=request.headers,
                        body=request.body,
                    )
                )
        raise Problem(
            status=404,
            type="about:blank",
            title="Not Found",
            detail=f"Simulators answer under {', '.join(s.prefix for s in self.simulators)} and at /healthz.",
        )


class _Connection(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # one segment per answer, not one per header
    timeout = 60  # seconds of silence; longer than clients keep a connection, so that they close first

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the overridden signature
        """Says nothing: hundreds of lines a second would be the slowest part of the rail."""

    def _serve(self) -> None:
        try:
            answer = self.server.answer(self._request())
        except Problem as problem:
            answer = problem.answer()
        except Abandoned:
            answer = Answer(status=503, body=b"", delivery=Delivery.DROPPED)
        self._deliver(answer)

    def _request(self) -> Request:
        """The request with its body. Where the body's end is unknown the connection cannot be used again."""
        length = self.headers.get("Content-Length", "0" if self.command == "GET" else "")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self.close_connection = True
            raise _refusal(status=411, title="Length Required", detail="Content-Length is required.")
        if int(length) > BODY_LIMIT:
            self.close_connection = True
            raise _refusal(status=413, title="Content Too Large", detail=f"A body has at most {BODY_LIMIT} bytes.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionAbortedError("the caller went away before its request was complete: nothing is done for it")
        url = urlsplit(self.path)
        return Request(
            method=self.command,
            path=url.path,
            query=parse_qs(url.query),
            headers=self.headers,  # type: ignore[arg-type]  # Message is a case-insensitive mapping in all we use
            body=body,
        )

    def _deliver(self, answer: Answer) -> None:
        if answer.delivery is not Delivery.WHOLE:
            self.close_connection = True
        if answer.delivery is Delivery.DROPPED:
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        half = answer.delivery is Delivery.PARTIAL
        self.wfile.write(answer.body[: len(answer.body) // 2] if half else answer.body)
        self.wfile.flush()
        if half:
            self.connection.shutdown(socket.SHUT_WR)


def _refusal(*, status: int, title: str, detail: str) -> Problem:
    return Problem(status=status, type="about:blank", title=title, detail=detail)

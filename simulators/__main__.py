"""`python -m simulators --port 8090 --book DIR`: runs until TERM or INT."""

import argparse
import errno
import signal
import sys
from pathlib import Path

from simulators.book import Book
from simulators.instant_rail import PREFIX, InstantRail
from simulators.journal import JournalBusy, JournalDamaged
from simulators.server import Server


def main() -> int:
    options = _options()
    try:
        book = Book(directory=options.book, name="instant_rail", fsync=options.fsync)
    except (JournalBusy, JournalDamaged, OSError) as error:
        return _unable(str(error))
    rail = InstantRail(book=book, latency_seconds=options.latency_ms / 1000, delay_seconds=options.delay_seconds)
    try:
        server = Server(host=options.host, port=options.port, simulators=[rail])
    except OSError as error:
        book.close()
        if error.errno == errno.EADDRINUSE:
            return _unable(f"port {options.port} on {options.host} is in use: end what uses it, or choose --port")
        return _unable(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: server.stop())
    print(f"simulators listen on http://{options.host}:{server.server_port}{PREFIX}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    book.close()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators", description="The outside world, over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one; the first line printed names it")
    parser.add_argument("--book", type=Path, required=True, metavar="DIR", help="where the rail keeps its book")
    parser.add_argument("--fsync", action="store_true", help="the book survives a power cut, not only a kill")
    parser.add_argument("--latency-ms", type=_not_negative, default=0.0, help="how long every transfer takes")
    parser.add_argument(
        "--delay-seconds", type=_not_negative, default=3.0, help="how long a transfer takes that asks for a delay"
    )
    return parser.parse_args()


def _not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < 3600:
        raise argparse.ArgumentTypeError("from 0 up to 3600")
    return number


def _unable(message: str) -> int:
    print(f"simulators: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""The command lines of our processes, in one place: the demo, the containers and the tests start the same programs."""

import sys
from pathlib import Path

HOST = "127.0.0.1"


def web(*, port: int) -> list[str]:
    """The web process: the API and the admin on the loopback interface; TLS and the outside world are a proxy's work.

    The control socket is off: gunicorn would put it under the home directory, which a service may not have.
    """
    return [
        *(sys.executable, "-m", "gunicorn", "config.wsgi"),
        "--no-control-socket",
        *("--worker-class", "gthread"),
        *("--workers", "2"),
        *("--threads", "8"),
        *("--bind", f"{HOST}:{port}"),
    ]


def worker(*, name: str) -> list[str]:
    """A worker that sweeps for due sagas and takes hints. Threads, because a prefork child never sees TERM in a task.

    Gossip, mingle and heartbeat are off: workers never need to know of each other, the ledger is what they share.
    """
    return [
        *(sys.executable, "-m", "celery", "-A", "config", "worker"),
        *("--pool", "threads"),
        *("--concurrency", "2"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--loglevel", "info"),
        *("--hostname", f"{name}@%h"),
    ]


def simulators(*, port: int, book: Path, latency_ms: int = 0) -> list[str]:
    """The simulated outside world, which keeps what it was told in the directory `book`."""
    return [
        *(sys.executable, "-m", "simulators"),
        *("--port", str(port)),
        *("--book", str(book)),
        *("--latency-ms", str(latency_ms)),
    ]

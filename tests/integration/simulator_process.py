"""The simulators as a real process on a free port, and an order to send them."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]

ORDER = {
    "uetr": "8a562c67-ca16-48ba-b074-65581be6f001",
    "end_to_end_id": "INVOICE-4711",
    "amount": "10.00",
    "currency": "EUR",
    "debtor_iban": "DE89370400440532013000",
    "creditor_iban": "FR1420041010050500013M02606",
    "creditor_name": "Zo\u00eb Lef\u00e8vre",
}


@dataclass
class Simulators:
    """A running simulators process, its rail's address and a client of it."""

    process: subprocess.Popen[str]
    url: str
    http: httpx.Client

    def post(self, key: str, *, simulate: str | None = None, **changes: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} | ({"X-Simulate": simulate} if simulate else {})
        return self.http.post("credit-transfers", json=ORDER | changes, headers=headers)

    def inquire(self, key: str) -> httpx.Response:
        return self.http.get(f"credit-transfers/{key}")

    def book(self) -> dict[str, Any]:
        totals: dict[str, Any] = self.http.get("book").json()
        return totals

    def effects(self, key: str) -> int:
        """How often the rail booked a transfer under this key."""
        return int(self.book()["keys"].get(key, {"effects": 0})["effects"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


@contextmanager
def running_simulators(book: Path, *options: str, port: int = 0) -> Iterator[Simulators]:
    """Start `python -m simulators`, wait for its first line, which names its address, and end it afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators", "--port", str(port), "--book", str(book), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip().rpartition(" ")[2]
        assert url, "the simulators said nothing and ended"
        with httpx.Client(base_url=url, timeout=10, trust_env=False) as http:
            yield Simulators(process=process, url=url, http=http)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

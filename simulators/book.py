"""The rail's own book: what it was asked, what it decided, what it booked. Durable before it is answered.

The journal holds four kinds of lines:

- `request`: one more request carried this key (counted, whatever came of it);
- `pending`: an order was taken in and is not decided yet (only for the fault that asks for it);
- `inquiry`: somebody asked about a pending order;
- `entry`: a final decision, ACSC (booked) or RJCT. The effects of a key are its ACSC lines, counted from the journal
  and not from the index, so that a rail that booked twice would show it.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from simulators.journal import Journal
from simulators.orders import Order


class KeyReused(Exception):
    """The key belongs to another order: nothing was done for this one."""


class Abandoned(Exception):
    """The work on a transfer ended before a decision (the rail is stopping): nothing was booked."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What the rail knows under one idempotency key."""

    idempotency_key: str
    order: Order
    #: ISO 20022 ExternalPaymentTransactionStatus1Code: ACSC, RJCT or PDNG.
    status: str
    reason: str = ""
    rail_reference: str = ""
    #: ISO 8601, UTC: when the rail booked the transfer.
    accepted_at: str = ""
    #: For PDNG: how many inquiries are still to be answered with PDNG.
    inquiries_left: int = 0


class _Work:
    """A transfer that one thread is working on; the others wait for it."""

    def __init__(self, *, order: Order) -> None:
        self.order = order
        self.ended = threading.Event()


class Book:
    """Thread-safe; one key has at most one transfer, and a transfer is decided once."""

    def __init__(self, *, directory: Path, name: str, fsync: bool = False) -> None:
        self._lock = threading.Lock()
        self._transfers: dict[str, Transfer] = {}
        self._working: dict[str, _Work] = {}
        self._requests: Counter[str] = Counter()
        self._effects: Counter[str] = Counter()
        self._entries: list[dict[str, Any]] = []
        self._closed = False
        self._journal = Journal(path=directory / f"{name}.jsonl", fsync=fsync)
        for line in self._journal.replay():
            self._apply(line)

    def count_request(self, *, key: str) -> int:
        """How many requests carried this key, this one included."""
        with self._lock:
            self._write({"kind": "request", "key": key})
            return self._requests[key]

    def transfer(self, *, key: str, order: Order, decide: Callable[[], Transfer]) -> Transfer:
        """The one transfer of this key, durable when this returns; `decide` runs at most once at a time, outside locks.

        A second request with the same key waits for the first and gets its answer. Raises `KeyReused` if the key
        belongs to another order. If `decide` raises, nothing is booked and the next request decides.
        """
        while True:
            with self._lock:
                known = self._transfers.get(key)
                work = self._working.get(key)
                if (known or work or _Work(order=order)).order != order:
                    raise KeyReused(key)
                if known:
                    return known
                if not work:
                    mine = self._working[key] = _Work(order=order)
                    break
            work.ended.wait()  # then look again: the other thread may have given up
        try:
            decided = decide()
            with self._lock:
                self._record(decided)
                del self._working[key]
            return decided
        finally:
            with self._lock:
                self._working.pop(key, None)
            mine.ended.set()

    def inquire(self, *, key: str) -> Transfer | None:
        """What became of this key; None if no order was taken in under it. A pending transfer comes nearer its end."""
        with self._lock:
            known = self._transfers.get(key)
            if known is None:
                work = self._working.get(key)
                return Transfer(idempotency_key=key, order=work.order, status="PDNG") if work else None
            if known.status != "PDNG":
                return known
            if known.inquiries_left > 0:
                self._write({"kind": "inquiry", "key": key})
                return known
            booked = accepted(key=key, order=known.order)
            self._record(booked)
            return booked

    def totals(self) -> dict[str, Any]:
        """Counts and sums of what was booked, per currency, and the requests and effects of every key."""
        with self._lock:
            sums: dict[str, Decimal] = {}
            counts: Counter[str] = Counter()
            for entry in self._entries:
                if entry["status"] == "ACSC":
                    currency = entry["currency"]
                    counts[currency] += 1
                    sums[currency] = sums.get(currency, Decimal(0)) + Decimal(entry["amount"])
            statuses = Counter(transfer.status for transfer in self._transfers.values())
            return {
                "currencies": {c: {"accepted": counts[c], "sum": str(sums[c])} for c in sorted(sums)},
                "rejected": statuses["RJCT"],
                "pending": statuses["PDNG"] + len(self._working),
                "keys": {k: {"requests": n, "effects": self._effects[k]} for k, n in self._requests.items()},
            }

    def entries(self, *, after: int, limit: int) -> list[dict[str, Any]]:
        """The final decisions numbered after + 1 and on, in the order in which they were made."""
        with self._lock:
            return self._entries[after : after + limit]

    def close(self) -> None:
        """Nothing is written after this: a thread that still tries raises `Abandoned`, so its caller gets no answer."""
        with self._lock:
            self._closed = True
            self._journal.close()

    def _record(self, transfer: Transfer) -> None:
        order = asdict(transfer.order)
        if transfer.status == "PDNG":
            left = transfer.inquiries_left
            self._write({"kind": "pending", "key": transfer.idempotency_key, "inquiries_left": left, "order": order})
            return
        self._write(
            {
                "kind": "entry",
                "n": len(self._entries) + 1,
                "idempotency_key": transfer.idempotency_key,
                "status": transfer.status,
                "reason": transfer.reason,
                "rail_reference": transfer.rail_reference,
                "accepted_at": transfer.accepted_at,
                **order,
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        if self._closed:
            raise Abandoned
        # The file first: if the process dies between the two lines, the next start reads what was written, and nobody
        # has been answered yet.
        self._journal.append(line)
        self._apply(line)

    def _apply(self, line: dict[str, Any]) -> None:
        match line["kind"]:
            case "request":
                self._requests[line["key"]] += 1
            case "pending":
                self._transfers[line["key"]] = Transfer(
                    idempotency_key=line["key"],
                    order=Order(**line["order"]),
                    status="PDNG",
                    inquiries_left=line["inquiries_left"],
                )
            case "inquiry":
                known = self._transfers[line["key"]]
                self._transfers[line["key"]] = replace(known, inquiries_left=known.inquiries_left - 1)
            case "entry":
                self._entries.append({name: value for name, value in line.items() if name != "kind"})
                self._effects[line["idempotency_key"]] += line["status"] == "ACSC"
                self._transfers[line["idempotency_key"]] = _from_entry(line)


def accepted(*, key: str, order: Order) -> Transfer:
    """The decision to book: ACSC, settled on the creditor's account, now."""
    return Transfer(
        idempotency_key=key,
        order=order,
        status="ACSC",
        # Derived from the key: the same after a restart, and unlike those of any other book.
        rail_reference="IR" + hashlib.sha256(key.encode()).hexdigest()[:22].upper(),
        accepted_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def rejected(*, key: str, order: Order, reason: str) -> Transfer:
    """The decision to refuse, for a reason of ISO 20022 ExternalStatusReason1Code."""
    return Transfer(idempotency_key=key, order=order, status="RJCT", reason=reason)


def pending(*, key: str, order: Order, inquiries: int) -> Transfer:
    """No decision yet; it is taken at the inquiry after so many that are answered with PDNG."""
    return Transfer(idempotency_key=key, order=order, status="PDNG", inquiries_left=inquiries)


def _from_entry(line: dict[str, Any]) -> Transfer:
    order = Order(**{name: line[name] for name in Order.__dataclass_fields__})
    return Transfer(
        idempotency_key=line["idempotency_key"],
        order=order,
        status=line["status"],
        reason=line["reason"],
        rail_reference=line["rail_reference"],
        accepted_at=line["accepted_at"],
    )

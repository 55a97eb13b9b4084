"""An instant credit-transfer rail in the manner of SCT Inst: JSON over HTTP, ISO 20022 terms, status and reason codes.

Its contract, which the adapter relies on: one idempotency key has one order and one answer; 400 with problem type
`urn:instant-rail:invalid-request` means that nothing was booked and nothing will be; 404 with
`urn:instant-rail:unknown-key` means that no order was taken in under this key *so far*.
"""

import time
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from simulators import faults
from simulators.answers import Answer, Delivery, Problem, Request, ok
from simulators.book import Book, KeyReused, Transfer, accepted, pending, rejected
from simulators.faults import Fault, Kind
from simulators.orders import CURRENCIES, Order, invalid, parsed

PREFIX = "/rail/instant/v1"
KEY_HEADER = "Idempotency-Key"
KEY_LIMIT = 255
PAGE = 500
HIGHEST_AMOUNT = Decimal("999999999.99")


class InstantRail:
    """The rail's behaviour, without HTTP: a request in, an answer out, the book in between."""

    prefix = PREFIX

    def __init__(self, *, book: Book, latency_seconds: float = 0, delay_seconds: float = 3) -> None:
        self.book = book
        self._latency_seconds = latency_seconds
        self._delay_seconds = delay_seconds

    def answer(self, request: Request) -> Answer:
        """The answer to any request under the prefix; raises `Problem`, or `Abandoned` when the book is closed."""
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["credit-transfers"]:
                return self._submit(request)
            case "GET", ["credit-transfers", key]:
                return self._inquire(request, key=unquote(key))
            case "GET", ["book"]:
                return ok(self.book.totals())
            case "GET", ["book", "entries"]:
                return self._entries(request)
        raise Problem(
            status=404,
            type="urn:instant-rail:no-such-resource",
            title="No such resource",
            detail=f"This rail answers POST {PREFIX}/credit-transfers, GET …/credit-transfers/KEY and GET …/book.",
        )

    def _submit(self, request: Request) -> Answer:
        key = _key(request)
        order = parsed(request.body)
        fault = faults.wanted(header=request.headers.get(faults.HEADER), amount=order.value)
        first = self.book.count_request(key=key) == 1
        if first and fault.kind in faults.BEFORE_EFFECT:
            return _before_effect(fault)
        try:
            transfer = self.book.transfer(key=key, order=order, decide=lambda: self._decide(key, order, fault))
        except KeyReused:
            raise Problem(
                status=422,
                type="urn:instant-rail:key-reused",
                title="The idempotency key belongs to another order",
                detail=f"{KEY_HEADER} was used with another body; the first order stands, nothing was done for this.",
                field=KEY_HEADER,
            ) from None
        return _spoilt(ok(_status(transfer)), fault) if first else ok(_status(transfer))

    def _decide(self, key: str, order: Order, fault: Fault) -> Transfer:
        time.sleep(self._latency_seconds)
        if fault.kind is Kind.DELAY:
            time.sleep(self._delay_seconds if fault.seconds is None else fault.seconds)
        if fault.kind is Kind.REJECT:
            return rejected(key=key, order=order, reason=fault.reason)
        if order.currency not in CURRENCIES:
            return rejected(key=key, order=order, reason="AM03")
        if order.value > HIGHEST_AMOUNT:
            return rejected(key=key, order=order, reason="AM02")
        if fault.kind is Kind.PENDING:
            return pending(key=key, order=order, inquiries=fault.inquiries)
        return accepted(key=key, order=order)

    def _inquire(self, request: Request, *, key: str) -> Answer:
        fault = faults.wanted(header=request.headers.get(faults.HEADER), amount=None)
        if fault.kind in faults.BEFORE_EFFECT:
            return _before_effect(fault)
        if fault.kind is Kind.DELAY:
            time.sleep(self._delay_seconds if fault.seconds is None else fault.seconds)
        transfer = self.book.inquire(key=key)
        if transfer is None:
            raise Problem(
                status=404,
                type="urn:instant-rail:unknown-key",
                title="Unknown idempotency key",
                detail="No order was taken in under this key so far; one that is still on its way may yet be.",
            )
        return _spoilt(ok(_status(transfer)), fault)

    def _entries(self, request: Request) -> Answer:
        after = request.query.get("after", ["0"])[-1]
        if not (after.isascii() and after.isdigit() and len(after) <= 12):
            raise invalid(field="after", rule="must be the number of an entry, 0 to begin")
        entries = self.book.entries(after=int(after), limit=PAGE)
        return ok({"entries": entries, "next_after": entries[-1]["n"] if len(entries) == PAGE else None})


def _key(request: Request) -> str:
    key = request.headers.get(KEY_HEADER, "")
    if not key:
        raise invalid(field=KEY_HEADER, rule="is required, so that a repeated request has one effect")
    if len(key) > KEY_LIMIT:
        raise invalid(field=KEY_HEADER, rule=f"must have at most {KEY_LIMIT} characters")
    return key


def _status(transfer: Transfer) -> dict[str, Any]:
    """The body of every answer about a transfer; it repeats what it is about, so that a caller can check."""
    body: dict[str, Any] = {
        "status": transfer.status,
        "idempotency_key": transfer.idempotency_key,
        "uetr": transfer.order.uetr,
        "end_to_end_id": transfer.order.end_to_end_id,
        "amount": transfer.order.amount,
        "currency": transfer.order.currency,
    }
    if transfer.status == "ACSC":
        body |= {"rail_reference": transfer.rail_reference, "accepted_at": transfer.accepted_at}
    if transfer.status == "RJCT":
        body |= {"reason": transfer.reason, "reason_text": faults.REASONS.get(transfer.reason, "")}
    return body


def _before_effect(fault: Fault) -> Answer:
    if fault.kind is Kind.DROP:
        return Answer(status=500, body=b"", delivery=Delivery.DROPPED)
    throttled = fault.kind is Kind.THROTTLE
    return Problem(
        status=429 if throttled else 503,
        type="urn:instant-rail:too-many-requests" if throttled else "urn:instant-rail:unavailable",
        title="Too many requests" if throttled else "The rail is not available",
        detail="Nothing was done. Ask again with the same key.",
    ).answer(headers={"Retry-After": "1"} if throttled else {})


def _spoilt(answer: Answer, fault: Fault) -> Answer:
    match fault.kind:
        case Kind.LOSE_ANSWER:
            return Answer(status=answer.status, body=b"", delivery=Delivery.DROPPED)
        case Kind.PARTIAL:
            return Answer(status=answer.status, body=answer.body, delivery=Delivery.PARTIAL)
        case Kind.GARBAGE:
            return Answer(status=200, body=b"<html><body>Welcome to nginx!</body></html>")
    return answer

"""Which fault a request asks for: the one table that tests, the sample file and the README rely on.

A transfer asks by the cents of its amount, or any request by the header `X-Simulate`, which wins
(`X-Simulate: none` switches the cents off).

| Cents | Header           | What the rail does                                                      | When          |
|-------|------------------|-------------------------------------------------------------------------|---------------|
| .90   | reject=AC04      | rejects: the creditor's account is closed                               | always        |
| .91   | reject=AC06      | rejects: the creditor's account is blocked                              | always        |
| .92   | lose-answer      | books the transfer, then closes the connection without an answer        | first request |
| .93   | unavailable      | 503, nothing booked                                                     | first request |
| .94   | throttle         | 429 with `Retry-After: 1`, nothing booked                               | first request |
| .95   | garbage          | books the transfer, then answers 200 with something that is not JSON    | first request |
| .96   | delay (=seconds) | works for 3 s (`--delay-seconds`) before it books; inquiries say PDNG   | until booked  |
| .97   | partial          | books the transfer, then sends half of the answer and closes            | first request |
| .98   | drop             | closes the connection, nothing booked                                   | first request |
| .99   | pending (=n)     | answers PDNG; the transfer is booked at the inquiry after n (default 2) | until booked  |

"First request" counts the requests that carried the idempotency key. `reject=` takes any code of `REASONS`. On an
inquiry the header's lose-answer, unavailable, throttle, garbage, delay, partial and drop work every time.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from simulators.answers import Problem

HEADER = "X-Simulate"

#: ISO 20022 ExternalStatusReason1Code: the refusals this rail knows.
REASONS = {
    "AC01": "The account number is not valid at this bank.",
    "AC04": "The creditor's account is closed.",
    "AC06": "The creditor's account is blocked for postings.",
    "AG01": "Credit transfers to this type of account are forbidden.",
    "AM02": "The amount is above the highest that this rail carries.",
    "AM03": "This rail does not carry this currency.",
    "AM04": "The debtor's funds at the rail do not cover the amount.",
    "MD07": "The creditor has died.",
    "MS03": "The creditor's bank gives no reason.",
    "RR04": "A regulation forbids it.",
}


class Kind(StrEnum):
    """The faults, by the names the header uses."""

    NONE = "none"
    REJECT = "reject"
    LOSE_ANSWER = "lose-answer"
    UNAVAILABLE = "unavailable"
    THROTTLE = "throttle"
    GARBAGE = "garbage"
    DELAY = "delay"
    PARTIAL = "partial"
    DROP = "drop"
    PENDING = "pending"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault with its argument."""

    kind: Kind = Kind.NONE
    reason: str = ""
    seconds: float | None = None
    inquiries: int = 2


BY_CENTS = {
    90: Fault(kind=Kind.REJECT, reason="AC04"),
    91: Fault(kind=Kind.REJECT, reason="AC06"),
    92: Fault(kind=Kind.LOSE_ANSWER),
    93: Fault(kind=Kind.UNAVAILABLE),
    94: Fault(kind=Kind.THROTTLE),
    95: Fault(kind=Kind.GARBAGE),
    96: Fault(kind=Kind.DELAY),
    97: Fault(kind=Kind.PARTIAL),
    98: Fault(kind=Kind.DROP),
    99: Fault(kind=Kind.PENDING),
}

#: Faults that come before anything is booked.
BEFORE_EFFECT = frozenset({Kind.UNAVAILABLE, Kind.THROTTLE, Kind.DROP})
#: Faults that spoil the answer to something that was booked.
AFTER_EFFECT = frozenset({Kind.LOSE_ANSWER, Kind.GARBAGE, Kind.PARTIAL})

_SECONDS = re.compile(r"\d{1,3}(\.\d{1,6})?")
_COUNT = re.compile(r"\d{1,3}")


def wanted(*, header: str | None, amount: Decimal | None) -> Fault:
    """The fault this request asks for; `Problem` 400 if the header is not in the table."""
    if header is not None:
        return _parsed(header.strip())
    if amount is None:
        return Fault()
    return BY_CENTS.get(int(amount * 100 % 100), Fault())


def _parsed(header: str) -> Fault:
    name, _, argument = header.partition("=")
    match name:
        case Kind.REJECT if (argument or "AC04") in REASONS:
            return Fault(kind=Kind.REJECT, reason=argument or "AC04")
        case Kind.DELAY if not argument or _SECONDS.fullmatch(argument):
            return Fault(kind=Kind.DELAY, seconds=float(argument) if argument else None)
        case Kind.PENDING if not argument or _COUNT.fullmatch(argument):
            return Fault(kind=Kind.PENDING, inquiries=int(argument or "2"))
        case _ if not argument and name in set(Kind) - {Kind.REJECT, Kind.DELAY, Kind.PENDING}:
            return Fault(kind=Kind(name))
    raise Problem(
        status=400,
        type="urn:simulators:unknown-fault",
        title="Unknown fault",
        detail=f"{HEADER} asks for a fault that is not in the table; known are {', '.join(sorted(Kind))}.",
        field=HEADER,
    )

"""What a simulator wants said over HTTP, and how badly it wants the saying to go wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Delivery(Enum):
    """How an answer reaches the caller; everything but `WHOLE` is a fault that somebody asked for."""

    WHOLE = "whole"
    #: The headers promise the full length, half of the body is sent, then the connection is closed.
    PARTIAL = "partial"
    #: Not a byte is sent; the connection is closed.
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request, read completely."""

    method: str
    #: Still percent-encoded, without the query and without the simulator's prefix.
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE


class Problem(Exception):
    """A request that is answered with problem details (RFC 9457); nothing was done for it."""

    def __init__(self, *, status: int, type: str, title: str, detail: str, **extensions: Any) -> None:  # noqa: A002 - RFC 9457's name
        super().__init__(detail)
        self.status = status
        self.members = {"type": type, "title": title, "status": status, "detail": detail, **extensions}

    def answer(self, *, headers: Mapping[str, str] | None = None) -> Answer:
        return Answer(
            status=self.status,
            body=encoded(self.members),
            content_type="application/problem+json",
            headers=headers or {},
        )


def ok(body: Any, *, delivery: Delivery = Delivery.WHOLE) -> Answer:
    """200 with a JSON body."""
    return Answer(status=200, body=encoded(body), delivery=delivery)


def encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

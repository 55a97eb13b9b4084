"""One HTTP exchange with a provider, and what its failure means for a remote step (R24).

| What happened                                                | Raised                                           |
|--------------------------------------------------------------|--------------------------------------------------|
| no connection: refused, unreachable, timed out, pool is full | `Retryable`: not a byte of the request was sent  |
| 429                                                          | `Retryable(after=Retry-After)`                   |
| sent, then a timeout, a broken connection or answer          | `OutcomeUnknown`                                 |
| 5xx, 408                                                     | `OutcomeUnknown`                                 |
| any other status                                             | nothing: a `Reply`, its meaning is the adapter's |

It knows HTTP and no provider. Nothing that a provider sent is repeated in a message: messages become ledger entries,
and a body may hold personal data.
"""

import os
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from sagas.errors import OutcomeUnknown, Retryable
from sagas.guard import refuse_outside_call

Model = TypeVar("Model", bound=BaseModel)

#: The longest delay a provider can ask for with Retry-After; a wrong header must not put a payment to sleep for a week.
RETRY_AFTER_CAP = timedelta(minutes=15)
#: The longest answer that is read; more is nonsense, not an answer.
ANSWER_LIMIT_BYTES = 1024 * 1024

# Not here, on purpose: WriteError and ReadError on a kept-alive connection that the provider closed just before. httpx
# looks whether an idle connection was closed before it uses it, but the provider can close it in the moment after. The
# request is then written into nothing, or into a process that reads it and dies: both look the same from here.
_CERTAINLY_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A complete answer of a provider, neither 429 nor 5xx."""

    provider: str
    status: int
    content_type: str
    body: bytes

    def decoded(self, model: type[Model]) -> Model:
        """The body as the model. A body that is not one is a nonsensical answer: `OutcomeUnknown`."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise self.unexpected(f"{where} is not as agreed ({first['type']})") from None

    def unexpected(self, problem: str) -> OutcomeUnknown:
        """The error to raise for an answer that the adapter cannot take as one."""
        return OutcomeUnknown(
            f"{self.provider} answered {self.status} with {len(self.body)} bytes of {self.content_type or 'no type'}: "
            f"{problem}. Whether the request was applied is unknown; it is settled by inquiry"
        )


class Exchange:
    """Sends requests to one provider. Thread-safe, as `httpx.Client` is; never follows a redirect, never repeats."""

    def __init__(self, *, client: httpx.Client, provider: str) -> None:
        self._client = client
        self._provider = provider

    def send(
        self, *, method: str, path: str, timeout: timedelta, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """Send one request and return its complete answer, or raise what the failure means (see the table above).

        `timeout` is given to connecting, to sending and to the answer, each: an answer is complete, or given up, within
        three times `timeout`, and within one where the connection stands and the provider takes what it is sent.
        """
        # A connection that is kept alive opens no socket that the guard would see.
        refuse_outside_call(f"a request was sent to {self._provider}")
        seconds = timeout.total_seconds()
        request = self._client.build_request(method, path, headers=headers, content=body, timeout=seconds)
        try:
            response = self._client.send(request, stream=True, follow_redirects=False)
            try:
                content = self._read(response, deadline=time.monotonic() + seconds)
            finally:
                response.close()
        except _CERTAINLY_UNSENT as error:
            raise Retryable(f"No connection to {self._provider} ({_name(error)}): nothing was sent") from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown(
                f"The answer of {self._provider} was lost after sending ({_name(error)}). Whether the request was "
                f"applied is unknown; it is settled by inquiry"
            ) from error
        return self._meaning(response, content)

    def _read(self, response: httpx.Response, *, deadline: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            # The read timeout starts again with every chunk; a provider that drips would hold the step for ever.
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer did not end in time")
            if len(content) > ANSWER_LIMIT_BYTES:
                raise httpx.RemoteProtocolError(f"the answer is longer than {ANSWER_LIMIT_BYTES} bytes")
        return bytes(content)

    def _meaning(self, response: httpx.Response, content: bytes) -> Reply:
        reply = Reply(
            provider=self._provider,
            status=response.status_code,
            content_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:64],
            body=content,
        )
        if reply.status == httpx.codes.TOO_MANY_REQUESTS:
            # A rate limiter answers before anything is done (RFC 6585). A provider that counts only afterwards must
            # not be reached through this mapping.
            raise Retryable(
                f"{self._provider} asks to send less (429): nothing was applied", after=retry_after(response.headers)
            )
        if reply.status >= 500 or reply.status == httpx.codes.REQUEST_TIMEOUT:
            # 503 and 408 may well come from a proxy, after the provider has got the request.
            raise reply.unexpected("the provider or something before it failed")
        return reply


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """The delay of a Retry-After header (seconds or an HTTP date), from zero to `RETRY_AFTER_CAP`; None without one.

    A date is compared with the provider's own clock where the answer has a Date, so that ours may be wrong.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+", value):
        # Compared as a number first: a timedelta of twenty digits overflows.
        return timedelta(seconds=min(int(value[:9]), RETRY_AFTER_CAP.total_seconds()))
    at = _http_date(value)
    if at is None:
        return None
    now = _http_date(headers.get("Date", "")) or datetime.now(UTC)
    return min(max(at - now, timedelta(0)), RETRY_AFTER_CAP)


def _http_date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _name(error: Exception) -> str:
    return type(error).__name__


_clients: dict[str, httpx.Client] = {}
_clients_lock = threading.Lock()


def pooled_client(*, base_url: str) -> httpx.Client:
    """This process's client for one provider: one pool of connections for all its threads, made on first use.

    Environment variables such as HTTPS_PROXY do not apply: where a payment goes is a setting, not an accident.
    """
    url = httpx.URL(base_url)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{base_url!r} is no address of a provider: give http(s)://host[:port]/path")
    with _clients_lock:
        if base_url not in _clients:
            _clients[base_url] = httpx.Client(
                base_url=url,
                headers={"User-Agent": "recourse", "Accept-Encoding": "identity"},
                # Idle connections are closed by us before providers close them (commonly after 15 s and more): each
                # one they close in the moment of use costs an inquiry.
                limits=httpx.Limits(max_connections=128, max_keepalive_connections=128, keepalive_expiry=5),
                follow_redirects=False,
                trust_env=False,
            )
        return _clients[base_url]


def _forget_clients() -> None:
    # Two processes on one socket would read each other's answers: a forked child (gunicorn, Celery's prefork) opens
    # connections of its own. The lock may be held by a thread that does not exist here, so it is made anew.
    global _clients_lock  # noqa: PLW0603 - replaced in the only thread of a new process
    _clients_lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_forget_clients)

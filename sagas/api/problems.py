"""What the API refuses, as problems (RFC 9457). The docstring of a class is what its documentation page says."""

from typing import ClassVar

from rest_framework.exceptions import APIException


class Problem(APIException):
    """A refusal with a type of its own. `code` ends the type's URI; `title` is the same for every occurrence."""

    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail, self.code)
        self.headers = headers or {}


class IdempotencyKeyMissing(Problem):
    """This request starts something that must happen once, so it needs an `Idempotency-Key` header.

    Nothing was stored. Make up a key for each new order (a UUID, say), send it with the request, and send the same key
    when you repeat the request because its answer was lost: `Idempotency-Key: "8e03978e-40d5-43e8-bc93-6894a57f9324"`.
    Keys belong to the client that uses them and are kept for ever.
    """

    status_code = 400
    code = "idempotency-key-missing"
    title = "The Idempotency-Key header is missing"


class IdempotencyKeyMalformed(Problem):
    """The `Idempotency-Key` header is not one key. Nothing was stored.

    A key is 1 to 255 printable ASCII characters in double quotes (a String of RFC 9651, without parameters). Keys of
    letters, digits and the signs of a Token may also be sent without quotes; `"abc"` and `abc` are the same key.
    """

    status_code = 400
    code = "idempotency-key-malformed"
    title = "The Idempotency-Key header is not one key"


class IdempotencyKeyReused(Problem):
    """The key was used before, with another request. That one stands; this one stored and moved nothing.

    Use a new key for a new order. If you meant to repeat the first request, send exactly what you sent then: the order
    of a JSON object's fields does not matter, everything else does.
    """

    status_code = 422
    code = "idempotency-key-reused"
    title = "The idempotency key was used for another request"

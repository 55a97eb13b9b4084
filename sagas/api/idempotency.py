"""Reads the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): a quoted String, or a bare token."""

import re
from typing import Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from sagas.api.problems import IdempotencyKeyMalformed, IdempotencyKeyMissing
from sagas.starting import LONGEST_KEY

#: RFC 9651, 3.3.3: printable ASCII, with backslashes before quotes and backslashes.
_STRING: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPED: Final = re.compile(r'\\(["\\])')
#: The characters of a Token, wherever they stand: a UUID may begin with a digit.
_BARE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~:/=]+")

IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY + 2},
    OpenApiParameter.HEADER,
    required=True,
    description=(
        "A key of your own for this order, 1 to 255 printable ASCII characters in double quotes (bare tokens are "
        "accepted). Repeating the request with the same key and body answers the same, and nothing happens twice. "
        "Keys belong to your client and are kept for ever."
    ),
)


def idempotency_key(request: Request) -> str:
    """The request's key, unquoted. Raises IdempotencyKeyMissing or IdempotencyKeyMalformed: nothing is stored then."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        raise IdempotencyKeyMissing(
            "Send an Idempotency-Key header, so that the request can be repeated safely if its answer is lost. "
            "Nothing was stored. The type of this problem links to the documentation."
        )
    text = header.strip(" ")
    if quoted := _STRING.fullmatch(text):
        key = _ESCAPED.sub(r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        raise IdempotencyKeyMalformed(
            'The header must hold one key in double quotes, of printable ASCII characters: "…". Nothing was stored.'
        )
    if not 1 <= len(key) <= LONGEST_KEY:
        raise IdempotencyKeyMalformed(
            f"The key has {len(key)} characters; allowed are 1 to {LONGEST_KEY}. Nothing was stored."
        )
    return key

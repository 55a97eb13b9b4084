"""JSON bodies, strictly (RFC 8259, I-JSON): what two readers could understand differently is refused."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

_LONGEST_NUMBER = 64


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body-too-large"


class StrictJSONParser(BaseParser):
    """UTF-8 JSON no longer than DATA_UPLOAD_MAX_MEMORY_SIZE, without duplicate names, NaN or giant numbers."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(f"The body is larger than {limit:,} bytes. Nothing was stored.")
        try:
            return _parsed(body)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply. Nothing was stored.") from error
        except ValueError as error:
            raise ParseError(f"The body is not acceptable JSON: {_why(error)}. Nothing was stored.") from error


def _parsed(body: bytes) -> Any:
    value = json.loads(
        body.decode(),
        object_pairs_hook=_object,
        parse_constant=_constant,
        parse_int=lambda text: int(_short(text)),
        parse_float=lambda text: Decimal(_short(text)),
    )
    # A lone surrogate is JSON, but no text: it would fail only when it is stored or answered.
    json.dumps(value, ensure_ascii=False, default=str).encode()
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name[:50]!r} appears twice in one object")
        found[name] = value
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _short(text: str) -> str:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number has {len(text)} characters, the limit is {_LONGEST_NUMBER}")
    return text


def _why(error: ValueError) -> str:
    match error:
        case json.JSONDecodeError():
            return f"{error.msg} at line {error.lineno}, column {error.colno}"
        case UnicodeError():
            return "it is not valid UTF-8"
    return str(error)

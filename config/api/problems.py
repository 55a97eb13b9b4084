"""Every error below /api/ as application/problem+json (RFC 9457)."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError
from django.urls import reverse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from config.api.catalogue import type_of

logger = logging.getLogger("config.api")

MEDIA_TYPE = "application/problem+json"


#: Lost connections, time limits, deadlocks: by Django's names and, from the engine's own cursors, by psycopg's.
_NO_ANSWER = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


class ServiceUnavailable(exceptions.APIException):
    status_code = 503
    default_code = "service-unavailable"
    default_detail = (
        "The database did not answer. Whether the request was accepted is not known: repeat it with the same "
        "Idempotency-Key, nothing happens twice."
    )
    wait = 1  # Django REST framework makes it a Retry-After header


def problem(*, status: int, code: str, detail: str, instance: str, **extensions: Any) -> dict[str, Any]:
    """The members of a problem, in the order of RFC 9457."""
    kind = type_of(code)
    return {
        "type": reverse("problem-type", args=[kind.code]),
        "title": kind.title,
        "status": status,
        "detail": detail,
        "instance": instance,
        **extensions,
    }


def nothing_stored(method: str | None) -> str:
    """A sentence for who wanted something stored; who only asked would wonder what could have been."""
    return "" if method in {"GET", "HEAD", "OPTIONS"} else " Nothing was stored."


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer what a view raised. None for what nobody foresaw: Django logs it and answers 500, as a problem too."""
    if isinstance(error, _NO_ANSWER):
        logger.error("the database did not answer", exc_info=error)
        error = ServiceUnavailable()
    response = drf_exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        errors = list(_fields(error.detail))
        extensions: dict[str, Any] = {"errors": errors}
        fields = ", ".join(each["field"] for each in errors)
        detail = f"{fields}: not accepted.{nothing_stored(context['request'].method)}"
    else:
        extensions = {}
        detail = _detail(error, response)
    code = getattr(error, "code", None) or _CODES.get(response.status_code) or _code(error)
    if response.status_code == 403:
        extensions["required_scopes"] = scopes = _scopes(context)
        detail = f"The access token lacks a scope; this needs: {scopes}. Ask for a token with it."
        response["WWW-Authenticate"] = f'Bearer realm="api",error="insufficient_scope",scope="{scopes}"'
    for name, value in getattr(error, "headers", {}).items():
        response[name] = value
    response.data = problem(
        status=response.status_code, code=code, detail=detail, instance=context["request"].path, **extensions
    )
    response.content_type = MEDIA_TYPE
    return response


#: Django REST framework's own errors by status, where the status says it all.
_CODES = {
    401: "not-authenticated",
    403: "insufficient-scope",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    415: "unsupported-media-type",
}


def _code(error: Exception) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "validation-failed"
    if isinstance(error, exceptions.ParseError):
        return "malformed-request"
    return str(getattr(error, "default_code", "malformed-request"))


def _detail(error: Exception, response: Response) -> str:
    match response.status_code:
        case 401:
            return "Send a valid access token: Authorization: Bearer <token>. Tokens expire after five minutes."
        case 404:
            return "There is nothing here for you: it does not exist, or it belongs to another client."
    return str(error.detail) if isinstance(error, exceptions.APIException) else str(error)


def _scopes(context: Mapping[str, Any]) -> str:
    method = "GET" if context["request"].method == "HEAD" else context["request"].method
    alternatives = getattr(context["view"], "required_alternate_scopes", {}).get(method, [[]])
    return " ".join(alternatives[0])


def _fields(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """A validation error's tree as a flat list of fields, `amount.currency` for instance, each with its problem."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
            yield from _fields(inner, own)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _fields(inner, path)
    else:
        yield {"field": path or "body", "problem": str(detail)}

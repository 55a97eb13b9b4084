"""What Django answers when no view could: below /api/ as a problem, elsewhere as Django does."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from config.api.problems import MEDIA_TYPE, nothing_stored, problem


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    detail = f"The request is malformed.{nothing_stored(request.method)}"
    return _problem(request, 400, "malformed-request", detail) or defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 404, "not-found", "There is nothing here.") or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    detail = (
        "An error of ours; it was logged. Whether the request was accepted is not known: repeat it with the same "
        "Idempotency-Key, nothing happens twice."
    )
    return _problem(request, 500, "internal-error", detail) or defaults.server_error(request)


def _problem(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse | None:
    if not request.path.startswith("/api/"):
        return None
    body: dict[str, Any] = problem(status=status, code=code, detail=detail, instance=request.path)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)

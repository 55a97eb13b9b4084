"""Pages of a list by keyset: a cursor says where the next page begins, so pages neither skip nor repeat rows."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView


class KeysetPagination(CursorPagination):
    """Orders by the view's `ordering`, a unique column. `limit` is at most 200; anything else is refused by name."""

    page_size = 50
    page_size_query_param = "limit"
    page_size_query_description = "How many to return: 1 to 200, by default 50."
    cursor_query_description = "Where the page begins: taken from `next` or `previous`."
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, DjangoValidationError, ValueError) as error:
            raise ValidationError({"cursor": ["is not a cursor of this list"]}) from error

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and cursor.position is None:
            raise NotFound  # base64 of nothing: it would silently be the first page
        return cursor

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.page_size))
        if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= self.max_page_size):
            raise ValidationError({"limit": [f"must be a number from 1 to {self.max_page_size}"]})
        return int(text)

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        return (view.ordering,)

"""Counts for lists over tables of any size: exact up to a limit, "more than" beyond it."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import EmptyResultSet
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator  # at run time Django's is not generic

#: Where a count stops. Nobody turns 10,000 rows page by page: a filter or a search leads further.
LIMIT = 10_000


class CappedPaginator(_Paginator):
    """Pages through the first LIMIT rows; it never counts a whole table."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, LIMIT)

    @property
    def is_capped(self) -> bool:
        return self._counted > LIMIT

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)  # noqa: S101 - the change list gives one
        return rows.order_by()[: LIMIT + 1].count()


def capped_counts(rows: Mapping[str, QuerySet[Any]]) -> dict[str, str]:
    """How many rows each of these has, for people, in one statement."""
    counted: dict[str, str] = {}
    selects: list[tuple[str, str]] = []
    values: list[Any] = []
    for name, queryset in rows.items():
        try:
            sql, parameters = queryset.order_by().values("pk")[: LIMIT + 1].query.sql_with_params()
        except EmptyResultSet:
            counted[name] = "0"
        else:
            selects.append((name, f"(SELECT count(*) FROM ({sql}) AS counted)"))
            values += parameters
    if selects:
        with connection.cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(select for _, select in selects), values)
            numbers = cursor.fetchone() or ()
        counted |= {name: in_words(number) for (name, _), number in zip(selects, numbers, strict=True)}
    return counted


def in_words(number: int) -> str:
    return f"{number:,}" if number <= LIMIT else f"over {LIMIT:,}"


class CappedFieldFacets:
    """For a filter on a field: facet counts that stop at LIMIT."""

    request: HttpRequest

    def get_facet_queryset(self, changelist: ChangeList) -> dict[str, Any]:
        filtered = changelist.get_queryset(self.request, exclude_parameters=self.expected_parameters())  # type: ignore[attr-defined]
        facets = self.get_facet_counts(changelist.pk_attname, filtered)  # type: ignore[attr-defined]
        return capped_counts({name: filtered.filter(count.filter) for name, count in facets.items()})


class CappedLookupFacets:
    """For a filter with lookups of its own: facet counts that stop at LIMIT."""

    request: HttpRequest
    used_parameters: dict[str, Any]
    parameter_name: str
    lookup_choices: Any

    def get_facet_queryset(self, changelist: ChangeList) -> dict[str, Any]:
        filtered = changelist.get_queryset(self.request, exclude_parameters=[self.parameter_name])
        chosen, rows = dict(self.used_parameters), {}
        for number, (value, _) in enumerate(self.lookup_choices):
            self.used_parameters[self.parameter_name] = value
            rows[f"{number}__c"] = self.queryset(self.request, filtered)  # type: ignore[attr-defined]
        self.used_parameters = chosen
        return capped_counts(rows)

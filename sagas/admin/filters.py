"""The filters of the list of sagas."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from sagas.admin.counting import CappedFieldFacets, CappedLookupFacets
from sagas.definition import definitions
from sagas.models import SagaStatus, Status

_MOVING = Q(status__in=[Status.RUNNING, Status.UNDOING])
#: A saga that is due for longer than this has no worker, or too few.
_LATE = timedelta(minutes=1)


class ChoiceFilter(CappedFieldFacets, admin.ChoicesFieldListFilter):
    """Every choice of a field with its count."""


class StartedFilter(CappedFieldFacets, admin.DateFieldListFilter):
    """Started today, in the past week, and so on."""


class AttentionFilter(CappedLookupFacets, admin.SimpleListFilter):
    """What may need somebody's attention."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [
            ("overdue", "parked and overdue"),
            ("waiting", "waits for its next try"),
            ("late", "due for over a minute, no worker"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SagaStatus]) -> QuerySet[SagaStatus]:
        now = timezone.now()
        match self.value():
            case "overdue":
                return queryset.filter(status=Status.PARKED, parked_due_at__lt=now)
            case "waiting":
                return queryset.filter(_MOVING, saga__wake_at__gt=now, saga__lease_token=None)
            case "late":
                return queryset.filter(_MOVING, saga__wake_at__lt=now - _LATE)
        return queryset


class DefinitionFilter(admin.SimpleListFilter):
    """The registered definitions, without asking the table which there are; without counts, which have no index."""

    title = "definition"
    parameter_name = "definition"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({definition.name for definition in definitions()})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SagaStatus]) -> QuerySet[SagaStatus]:
        name = self.value()
        return queryset if name is None else queryset.filter(definition=name)

    def get_facet_queryset(self, changelist: ChangeList) -> dict[str, int]:
        return {}

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": str(choice["display"]).removesuffix(" (-)")}

"""The list of sagas, and the page of one."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sagas.admin.filters import AttentionFilter, ChoiceFilter, DefinitionFilter, StartedFilter
from sagas.admin.page import saga_context
from sagas.admin.readonly import ReadOnlyAdmin
from sagas.console.durations import in_words
from sagas.console.situation import age, is_overdue, next_wake
from sagas.models import SagaStatus, Status


@admin.register(SagaStatus)
class SagaAdmin(ReadOnlyAdmin):
    """Newest first. Every filter and search is in the address, so a view can be shared as a link."""

    list_display = ("state", "definition", "business_key", "channel", "started", "age", "waits_for")
    list_display_links = ("definition", "business_key")
    list_filter = (
        ("status", ChoiceFilter),
        AttentionFilter,
        DefinitionFilter,
        ("started_at", StartedFilter),
    )
    ordering = ("-started_at",)
    sortable_by = ("started",)
    search_fields = ("business_key",)
    search_help_text = "A saga's id or its business key (a payment's UETR), in full"
    page_template = "sagas/admin/saga.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SagaStatus]:
        return super().get_queryset(request).select_related("saga")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, so that both indexes serve it."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(business_key=term)
        with suppress(ValueError):
            # A business key that is a UUID (a UETR) is stored in its usual form, however it is typed here.
            wanted |= Q(saga_id=UUID(term)) | Q(business_key=str(UUID(term)))
        return queryset.filter(wanted), False

    def page_title(self, row: SagaStatus) -> str:
        return f"{row.definition} v{row.version}"

    def page_context(self, request: HttpRequest, row: SagaStatus) -> dict[str, Any]:
        return saga_context(request, row)

    @admin.display(description="Status")
    def state(self, row: SagaStatus) -> SafeString:
        return format_html(
            '<span class="state state-{}" title="{}">{}</span>', row.status, row.reason[:300], Status(row.status).value
        )

    @admin.display(description="Started (UTC)", ordering="started_at")
    def started(self, row: SagaStatus) -> str:
        return f"{row.started_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="Age")
    def age(self, row: SagaStatus) -> str:
        return in_words(age(row, now=timezone.now()))

    @admin.display(description="Waits for", empty_value="")
    def waits_for(self, row: SagaStatus) -> SafeString | str:
        """The next wake-up; for a parked saga who has to look at it, and by when."""
        now = timezone.now()
        if row.status != Status.PARKED or row.parked_due_at is None:
            return next_wake(row, now=now)
        if is_overdue(row, now=now):
            late = in_words(now - row.parked_due_at)
            return format_html('{} <strong class="overdue">overdue by {}</strong>', row.parked_owner, late)
        return format_html("{}, due in {}", row.parked_owner, in_words(row.parked_due_at - now))

"""The list of journals, and the page of one with its legs."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from payments.admin.links import link_to
from payments.admin.payments import shown_legs
from payments.models import Journal, Payment, Posting
from sagas.admin.filters import ChoiceFilter
from sagas.admin.readonly import ReadOnlyAdmin
from sagas.models import SagaStatus


@admin.register(Journal)
class JournalAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = ("id", "kind", "booked", "value_on", "payment_id", "step_key")
    list_filter = (("kind", ChoiceFilter),)
    ordering = ("-id",)
    search_fields = ("step_key",)
    search_help_text = "The key of the step that booked it, in full"
    page_template = "payments/admin/journal.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(step_key=term) if term else queryset), False

    def page_title(self, row: Journal) -> str:
        return f"{row.get_kind_display()} of {row.value_on}"

    def page_context(self, request: HttpRequest, row: Journal) -> dict[str, Any]:
        legs = Prefetch("postings", Posting.objects.select_related("account").order_by("leg_no"))
        journal = Journal.objects.prefetch_related(legs).get(pk=row.pk)
        return {
            "payment": link_to(request, Payment, row.payment_id),
            "saga": link_to(request, SagaStatus, row.saga_id),
            "legs": shown_legs(request, journal),
        }

    @admin.display(description="Booked (UTC)")
    def booked(self, row: Journal) -> str:
        return f"{row.booked_at:%Y-%m-%d %H:%M:%S}"

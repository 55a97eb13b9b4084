"""The list of payments, and the page of one."""

import re
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString

from payments.admin import books, cells
from payments.admin.links import account_link, link_to, may_view, page_url
from payments.models import Account, Hold, Journal, Payment, Posting
from sagas.admin.filters import ChoiceFilter
from sagas.admin.page import newest_entries, shown_timeline
from sagas.admin.readonly import ReadOnlyAdmin
from sagas.models import SagaStatus

_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Newest first. Every filter and search is in the address, so a view can be shared as a link."""

    list_display = ("end_to_end_id", "state_shown", "amount_shown", "debtor", "creditor", "reason", "created")
    list_display_links = ("end_to_end_id",)
    list_filter = (("state", ChoiceFilter),)
    list_select_related = ("debtor_account",)
    ordering = ("-id",)  # UUIDv7: by time, on the primary key
    search_fields = ("end_to_end_id",)
    search_help_text = "A payment's UETR, end-to-end id, id or saga, or an IBAN of either side; each in full"
    page_template = "payments/admin/payment.html"

    def get_urls(self) -> list[URLPattern]:
        """The books have no record of their own; they stand beside the payments."""
        view = self.admin_site.admin_view(books.page)
        return [path("books/", view, {"site": self.admin_site}, name="payments_books"), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, and only by what the term can be, so that an index serves it."""
        term = search_term.strip()
        compact = re.sub(r"[\s-]", "", term).upper()
        if not term:
            return queryset, False
        try:
            key = UUID(term)
        except ValueError:
            pass
        else:
            return queryset.filter(Q(id=key) | Q(uetr=key) | Q(saga_id=key)), False
        if _IBAN.fullmatch(compact):
            debtors = list(Account.objects.filter(iban=compact).values_list("id", flat=True))
            by_iban = queryset.filter(Q(debtor_account__in=debtors) | Q(creditor_iban=compact))
            if by_iban.exists():
                return by_iban, False
        return queryset.filter(end_to_end_id=term), False

    def page_title(self, row: Payment) -> str:
        return f"Payment {row.end_to_end_id}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        return super().get_queryset(request).select_related("debtor_account")

    def page_context(self, request: HttpRequest, row: Payment) -> dict[str, Any]:
        context: dict[str, Any] = {
            "state": cells.state(row),
            "amount": cells.amount(row.money),
            "debtor": account_link(request, row.debtor_account),
            "saga": link_to(request, SagaStatus, row.saga_id),
            "holds": _holds(request, row),
            "journals": _journals(request, row),
        }
        if may_view(request, SagaStatus):
            entries = newest_entries(row.saga_id)
            context["shown"] = shown_timeline(entries, now=timezone.now()) if entries else None
            context["entries_at"] = page_url(SagaStatus, row.saga_id)
        return context

    @admin.display(description="State")
    def state_shown(self, row: Payment) -> SafeString:
        return cells.state(row)

    @admin.display(description="Amount")
    def amount_shown(self, row: Payment) -> str:
        return cells.amount(row.money)

    @admin.display(description="Debtor")
    def debtor(self, row: Payment) -> str:
        return row.debtor_name

    @admin.display(description="Creditor")
    def creditor(self, row: Payment) -> str:
        return row.creditor_name

    @admin.display(description="Reason", empty_value="")
    def reason(self, row: Payment) -> str:
        text = row.reason_text if len(row.reason_text) <= 60 else f"{row.reason_text[:59]}…"
        return f"{row.reason_code} {text}".strip()

    @admin.display(description="Created (UTC)")
    def created(self, row: Payment) -> str:
        return f"{row.created_at:%Y-%m-%d %H:%M:%S}"


def _holds(request: HttpRequest, payment: Payment) -> list[dict[str, Any]]:
    """The payment's holds and what became of them, for those who may see holds."""
    if not may_view(request, Hold):
        return []
    holds = Hold.objects.filter(payment=payment).select_related("resolution").order_by("id")
    return [{"hold": hold, "amount": cells.amount(hold.money), "became": hold_fate(hold)} for hold in holds]


def hold_fate(hold: Hold) -> str:
    """`open`, or how and when the hold was resolved."""
    resolution = getattr(hold, "resolution", None)
    if resolution is None:
        return "open"
    return f"{resolution.get_kind_display().lower()} at {resolution.resolved_at:%Y-%m-%d %H:%M:%S} UTC"


def _journals(request: HttpRequest, payment: Payment) -> list[dict[str, Any]]:
    """The payment's journals with their legs, for those who may see journals."""
    if not may_view(request, Journal):
        return []
    legs = Prefetch("postings", Posting.objects.select_related("account").order_by("leg_no"))
    journals = Journal.objects.filter(payment=payment).order_by("id").prefetch_related(legs)
    return [
        {
            "link": link_to(request, Journal, journal.pk, journal.get_kind_display()),
            "journal": journal,
            "legs": shown_legs(request, journal),
        }
        for journal in journals
    ]


def shown_legs(request: HttpRequest, journal: Journal) -> list[dict[str, Any]]:
    """A journal's legs; the side that an amount stands on says its sign."""
    return [
        {
            "account": account_link(request, leg.account),
            "debit": cells.amount(leg.money) if leg.amount > 0 else "",
            "credit": cells.amount(-leg.money) if leg.amount < 0 else "",
        }
        for leg in journal.postings.all()
    ]

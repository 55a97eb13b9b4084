"""The list of accounts, and the page of one with its postings and open holds."""

import re
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from payments.admin import cells
from payments.admin.links import link_to, may_view
from payments.models import Account, Hold, Journal, Payment, Posting
from payments.selectors import open_holds
from sagas.admin.filters import ChoiceFilter
from sagas.admin.readonly import ReadOnlyAdmin

POSTINGS_PER_PAGE = 50
MOST_HOLDS = 50


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Balances are shown on the account's own side: a customer's is the money we owe them."""

    list_display = (
        "label",
        "name",
        "kind",
        "balance_shown",
        "held_shown",
        "available_shown",
        "floor_shown",
        "is_open",
    )
    list_filter = (("kind", ChoiceFilter),)
    ordering = ("-id",)
    search_fields = ("iban",)
    search_help_text = "An account's IBAN, code or id, in full"
    page_template = "payments/admin/account.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(code=term) | Q(iban=re.sub(r"[\s-]", "", term).upper())
        if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", term):
            wanted |= Q(id=term)
        return queryset.filter(wanted), False

    def page_title(self, row: Account) -> str:
        return f"Account {row.iban or row.code}"

    def page_context(self, request: HttpRequest, row: Account) -> dict[str, Any]:
        holds = (
            list(open_holds().filter(account=row).order_by("-id")[: MOST_HOLDS + 1]) if may_view(request, Hold) else []
        )
        return {
            "amounts": [
                ("Balance", cells.amount(row.balance)),
                ("Pending (held)", cells.amount(row.held)),
                ("Available", cells.amount(row.available)),
                ("Floor", "none" if row.floor is None else cells.amount_of(row.floor, row.currency)),
            ],
            "holds": [
                {
                    "hold": hold,
                    "amount": cells.amount(hold.money),
                    "payment": link_to(request, Payment, hold.payment_id),
                }
                for hold in holds[:MOST_HOLDS]
            ],
            "more_holds": len(holds) > MOST_HOLDS,
            **_postings(request, row),
        }

    @admin.display(description="IBAN or code")
    def label(self, row: Account) -> str:
        return row.iban or row.code or str(row.pk)

    @admin.display(description="Balance")
    def balance_shown(self, row: Account) -> str:
        return cells.amount(row.balance)

    @admin.display(description="Pending")
    def held_shown(self, row: Account) -> str:
        return cells.amount(row.held)

    @admin.display(description="Available")
    def available_shown(self, row: Account) -> str:
        return cells.amount(row.available)

    @admin.display(description="Floor")
    def floor_shown(self, row: Account) -> str:
        return "none" if row.floor is None else cells.amount_of(row.floor, row.currency)

    @admin.display(description="Open")
    def is_open(self, row: Account) -> str:
        return "open" if row.closed_at is None else f"closed {row.closed_at:%Y-%m-%d}"


def _postings(request: HttpRequest, account: Account) -> dict[str, Any]:
    """A page of postings, newest first, from the one that `?before=` names: account versions have no gaps."""
    if not may_view(request, Posting):
        return {"postings": [], "may_see_postings": False}
    before = request.GET.get("before", "")
    postings = Posting.objects.filter(account=account).select_related("journal").order_by("-account_version")
    if before.isascii() and before.isdigit() and len(before) < 19:
        postings = postings.filter(account_version__lt=int(before))
    page = list(postings[:POSTINGS_PER_PAGE])
    return {
        "may_see_postings": True,
        "postings": [_posting(request, account, posting) for posting in page],
        "older": page[-1].account_version if page and page[-1].account_version > 1 else None,
        "is_first_page": not before,
    }


def _posting(request: HttpRequest, account: Account, posting: Posting) -> dict[str, Any]:
    on_own_side = account.normal_side == "debit"
    balance = posting.balance_after if on_own_side else -posting.balance_after
    return {
        "version": posting.account_version,
        "journal": posting.journal,
        "link": link_to(request, Journal, posting.journal_id, posting.journal.get_kind_display()),
        "debit": cells.amount(posting.money) if posting.amount > 0 else "",
        "credit": cells.amount(-posting.money) if posting.amount < 0 else "",
        "balance": cells.amount_of(balance, posting.currency),
    }

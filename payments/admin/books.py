"""The page that says whether the books are right."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from payments.admin import cells
from payments.admin.links import may_view
from payments.books import Books, read_books
from payments.models import Account, Hold, Payment, Posting


def may_view_books(request: HttpRequest) -> bool:
    """The page sums over all of these, so it takes the view permission for each."""
    return all(may_view(request, model) for model in (Account, Hold, Payment, Posting))


def page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Read the whole ledger and say what is wrong with it, if anything is."""
    if not may_view_books(request):
        raise PermissionDenied
    books = read_books()
    context = {
        **site.each_context(request),
        "title": "Books",
        "opts": Payment._meta,
        "media": Media(css={"all": ["sagas/console.css"]}),
        "read_at": timezone.now(),
        **_shown(books),
    }
    return TemplateResponse(request, "payments/admin/books.html", context)


def _shown(books: Books) -> dict[str, Any]:
    return {
        "problems": books.problems,
        "verdict": books.verdict,
        "balance": [
            {"currency": currency, "amount": cells.amount(money), "is_zero": not money.amount}
            for currency, money in books.balance.items()
        ],
        "discrepancies": len(books.discrepancies),
        "open_holds": books.open_holds,
        "orphaned_holds": len(books.orphaned_holds),
        "payments": [{"state": state.value, "label": state.label, "count": n} for state, n in books.payments.items()],
    }

"""Links between payments, accounts, journals and sagas, each for those who may see where it leads."""

from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from payments.models import Account, Payment
from sagas.admin.links import Link
from sagas.models import SagaStatus


def may_view(request: HttpRequest, model: type[Model]) -> bool:
    """Whether the request's user has Django's view permission for the model."""
    options = model._meta
    return request.user.has_perm(f"{options.app_label}.view_{options.model_name}")


def page_url(model: type[Model], key: object) -> str:
    """The address of a record's page in the console."""
    options = model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[key])


def link_to(request: HttpRequest, model: type[Model], key: UUID | None, text: str = "") -> str:
    """A link to the record, or its plain name for those who may not follow it; empty without a key."""
    if key is None:
        return ""
    name = text or str(key)
    return format_html('<a href="{}">{}</a>', page_url(model, key), name) if may_view(request, model) else name


def account_link(request: HttpRequest, account: Account) -> str:
    """A customer's IBAN and name, or our account's code; those who may not see accounts get the id alone."""
    if not may_view(request, Account):
        return str(account.pk)
    name = f"{account.iban} {account.name}" if account.iban else str(account.code)
    return link_to(request, Account, account.pk, name)


def payment_of_saga(request: HttpRequest, status: SagaStatus) -> list[Link]:
    """The payment that a saga runs. Names and IBANs stay on the payment's own page."""
    if not may_view(request, Payment):
        return []
    payments = Payment.objects.filter(saga_id=status.saga_id).only("id", "end_to_end_id")
    return [Link("Payment", payment.end_to_end_id, page_url(Payment, payment.pk)) for payment in payments]

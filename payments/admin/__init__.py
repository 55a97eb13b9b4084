"""The console for payments: payments, accounts, journals, and whether the books are right. It changes nothing."""

from payments.admin import accounts, journals, payments
from payments.admin.links import payment_of_saga
from payments.intake import CREDIT_TRANSFER
from sagas.admin.links import register

__all__ = ["accounts", "journals", "payments"]

register(CREDIT_TRANSFER, payment_of_saga)

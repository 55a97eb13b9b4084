"""What is checked before money is reserved, with the reason a payment is rejected for when it fails.

Shape and charset were refused at intake, without a payment. What needs a register or a look at the account is checked
here, so that the customer gets a rejected payment with an ISO 20022 reason, as from any bank.
"""

import re

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from payments.errors import AccountClosed, CurrencyNotOfAccount, InvalidCreditor
from payments.models import Payment


def require_payable(*, payment: Payment) -> None:
    """Return if the payment can be sent; otherwise raise the `Refusal` that says why not.

    AC01 creditor's IBAN, RC01 creditor's BIC, AC04 debtor's account closed, AM03 not the account's currency. Reads the
    debtor's account; changes nothing.
    """
    _require_creditor_iban(payment.creditor_iban)
    if payment.creditor_bic:
        _require_creditor_bic(payment.creditor_bic)
    account = payment.debtor_account
    if account.closed_at is not None:
        raise AccountClosed(account_id=account.pk)
    if account.currency != payment.currency:
        raise CurrencyNotOfAccount(message=f"the payment is in {payment.currency}, account {account.pk} is not")


def _require_creditor_iban(iban: str) -> None:
    """Country, length, structure and check digits (ISO 13616); not whether the account exists: only its bank knows."""
    try:
        IBAN(iban)
    except SchwiftyException as error:
        raise InvalidCreditor(
            reason_code="AC01", message=f"the creditor's IBAN is not valid: {_words(error)}"
        ) from None


def _require_creditor_bic(bic: str) -> None:
    """Structure and country (ISO 9362). That a register lacks a BIC proves nothing: the rail has the last word."""
    try:
        BIC(bic)
    except SchwiftyException as error:
        raise InvalidCreditor(reason_code="RC01", message=f"the creditor's BIC is not valid: {_words(error)}") from None


def _words(error: SchwiftyException) -> str:
    """`InvalidChecksumDigits` as `invalid checksum digits`: which check failed, without what was checked."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()

"""What the payments app refuses, and what each refusal means for the money.

A `Refusal` is the business saying no: it carries the ISO 20022 external status reason that a payment is rejected with.
Every other error is a mistake of the caller or a lost race. No message holds personal data (names, IBANs): messages
travel into saga ledgers and logs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from uuid import UUID

from sagas.errors import Rejected


class PaymentsError(Exception):
    """Something in payments was refused; unless the class says otherwise, no money moved."""


class FieldRefused(PaymentsError, ValueError):
    """A field of an instruction is not acceptable, so nothing was recorded: correct the named field."""

    def __init__(self, *, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class AmountRefused(FieldRefused):
    """The amount is not exact money of its currency, so nothing was recorded: correct the named field."""


class UnknownDebtorAccount(FieldRefused):
    """No account here has the debtor's IBAN, so no payment was made: correct `debtor_iban`."""

    def __init__(self) -> None:
        super().__init__(field="debtor_iban", problem="no account of this bank has this IBAN")


class DuplicateUetr(FieldRefused):
    """Another payment has this UETR, so none was made: a UETR identifies one payment for ever. Send a new one."""

    def __init__(self) -> None:
        super().__init__(field="uetr", problem="another payment has this UETR; it identifies one payment for ever")


class Refusal(PaymentsError):
    """The business says no, for good; no money moved. `reason_code` is an ISO 20022 external status reason."""

    def __init__(self, *, reason_code: str, message: str) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.message = message


class InsufficientFunds(Refusal):
    """AM04: the account's available balance, above its floor, is less than what is asked; nothing was reserved."""

    def __init__(self, *, account_id: UUID, needed: Decimal, headroom: Decimal, currency: str) -> None:
        super().__init__(
            reason_code="AM04",
            # Goes to the channel: what is available is between the customer and the bank.
            message="the account's available balance does not cover the amount; nothing was reserved or posted",
        )
        self.account_id = account_id
        self.needed = needed
        self.headroom = headroom
        self.currency = currency


class AccountClosed(Refusal):
    """AC04: the account is closed, so nothing can be posted or held on it."""

    def __init__(self, *, account_id: UUID) -> None:
        super().__init__(reason_code="AC04", message=f"account {account_id} is closed; nothing was posted or held")
        self.account_id = account_id


class CurrencyNotOfAccount(Refusal):
    """AM03: an account has one currency, and this money is in another; nothing was posted or held."""

    def __init__(self, *, message: str = "the account is unknown or in another currency; nothing was booked") -> None:
        super().__init__(reason_code="AM03", message=message)


class InvalidCreditor(Refusal):
    """AC01 or RC01: the creditor's IBAN or BIC cannot be right, so the payment is not sent."""


class LedgerError(PaymentsError):
    """The ledger refused a booking that contradicts its rules; nothing was booked. A mistake in the calling code."""


class UnbalancedJournal(LedgerError):
    """The postings do not sum to zero in every currency, or there are none."""


class StepAlreadyBooked(LedgerError):
    """This step key has booked before; the first booking stands and this one left nothing."""


class HoldAlreadyResolved(LedgerError):
    """The hold was posted or voided before; that stands. A hold is resolved exactly once."""


class UnknownHold(LedgerError):
    """There is no such hold; nothing was booked."""

    def __init__(self, *, hold_id: UUID) -> None:
        super().__init__(f"there is no hold {hold_id}; nothing was booked")
        self.hold_id = hold_id


class UnknownAccount(LedgerError):
    """A leg names an account that does not exist; nothing was booked."""


class AccountNotEmpty(LedgerError):
    """An account with a balance or with pending amounts cannot be closed; it stays open."""


class FloorTooHigh(LedgerError):
    """A floor above the available balance cannot be set; the account keeps the one it has."""


class IbanTaken(LedgerError):
    """Another account has this IBAN or code; none was opened."""


class UnableToMovePayment(PaymentsError):
    """The payment cannot go from its state to the one asked for; it stays where it is."""

    def __init__(self, *, payment_id: UUID, state: str, target: str) -> None:
        super().__init__(f"payment {payment_id} is {state} and cannot become {target}; it was left as it is")
        self.payment_id = payment_id
        self.state = state
        self.target = target


@contextmanager
def refusals_reject() -> Iterator[None]:
    """Inside a saga step: a `Refusal` becomes the engine's `Rejected` with the same reason, which starts undoing."""
    try:
        yield
    except Refusal as refusal:
        raise Rejected(refusal.reason_code, refusal.message) from refusal

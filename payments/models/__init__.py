"""The tables of payments: accounts, the double-entry ledger, payments, imported messages."""

from payments.models.accounts import Account, AccountKind, Side
from payments.models.imports import ImportedMessage
from payments.models.ledger import Hold, HoldResolution, Journal, JournalKind, Posting, ResolutionKind
from payments.models.payment import Payment, PaymentState

__all__ = [
    "Account",
    "AccountKind",
    "Hold",
    "HoldResolution",
    "ImportedMessage",
    "Journal",
    "JournalKind",
    "Payment",
    "PaymentState",
    "Posting",
    "ResolutionKind",
    "Side",
]

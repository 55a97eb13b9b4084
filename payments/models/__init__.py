"""The tables of payments: accounts, the double-entry ledger, payments."""

from payments.models.accounts import Account, AccountKind, Side
from payments.models.ledger import Hold, HoldResolution, Journal, JournalKind, Posting, ResolutionKind
from payments.models.payment import Payment, PaymentState

__all__ = [
    "Account",
    "AccountKind",
    "Hold",
    "HoldResolution",
    "Journal",
    "JournalKind",
    "Payment",
    "PaymentState",
    "Posting",
    "ResolutionKind",
    "Side",
]

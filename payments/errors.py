"""What the payments app refuses, and what each refusal means for the money.

A `Refusal` carries, where ISO 20022 has one, the external status reason that a payment is rejected with. No message
holds personal data (names, IBANs): messages travel into saga ledgers and logs.
"""


class PaymentsError(Exception):
    """Something in payments was refused; unless the class says otherwise, no money moved."""


class AmountRefused(PaymentsError, ValueError):
    """The amount is not exact money of its currency, so nothing was recorded: correct the named field."""

    def __init__(self, *, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem

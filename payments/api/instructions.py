"""An instruction as a channel sends it: what it left out has a default that does not make a repeat another request."""

from dataclasses import dataclass
from datetime import date
from typing import Self
from uuid import UUID

from moneyed import Money

from payments.errors import FieldRefused
from payments.intake import CreditTransferInstruction
from sagas.clock import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInstruction(CreditTransferInstruction):
    """A credit transfer to be executed at once."""

    execution_day_given: bool

    @classmethod
    def of(
        cls,
        *,
        debtor_iban: str,
        creditor_iban: str,
        creditor_bic: str | None,
        creditor_name: str,
        amount: Money,
        end_to_end_id: str,
        remittance_information: str,
        requested_execution_on: date | None,
        uetr: UUID | None,
    ) -> Self:
        """Check every field; raises `FieldRefused`. Days are UTC."""
        today = clock.now().date()
        # No saga waits for a day yet, and early money is as wrong as late money. A day that was accepted once is
        # accepted at every repeat, because it only ever lies further back.
        if requested_execution_on is not None and requested_execution_on > today:
            raise FieldRefused(
                field="requested_execution_on",
                problem=f"is after today ({today}, UTC); payments are executed at once, later days are not offered",
            )
        return cls(
            debtor_iban=debtor_iban,
            creditor_iban=creditor_iban,
            creditor_bic=creditor_bic,
            creditor_name=creditor_name,
            amount=amount,
            end_to_end_id=end_to_end_id,
            remittance_information=remittance_information,
            requested_execution_on=requested_execution_on or today,
            execution_day_given=requested_execution_on is not None,
            uetr=uetr,
        )

    def request(self) -> dict[str, str | None]:
        """What the idempotency key stands for: a day left out stays out, or a repeat after midnight would conflict."""
        # Not super(): a dataclass with slots is another class than the one that super() remembers.
        asked = CreditTransferInstruction.request(self)
        return asked if self.execution_day_given else {**asked, "requested_execution_on": None}

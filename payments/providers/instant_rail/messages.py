"""What is said to the instant rail and what it answers: JSON with the terms and codes of ISO 20022.

The counterparts of pacs.008 (order), pacs.002 (status) and pacs.028 (inquiry) in SCT Inst.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, RootModel

from sagas import Payload

Iban = Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")]
#: Visible text that ISO 20022 limits to so many characters.
Max35Text = Annotated[str, Field(min_length=1, max_length=35, pattern=r"\S")]
Max140Text = Annotated[str, Field(min_length=1, max_length=140, pattern=r"\S")]


def _of_our_time(at: datetime) -> datetime:
    # PostgreSQL stores years that Python cannot read back: one such payment would make every list with it unreadable.
    if not 2000 <= at.year <= 2999:
        raise ValueError("is not a time of our time")
    return at


class RailReceipt(Payload):
    """The rail's word that the transfer is settled on the creditor's account (ACSC). No personal data."""

    rail_reference: Annotated[str, Field(min_length=1, max_length=64)]
    #: When the rail accepted it, by the rail's clock.
    accepted_at: AwareDatetime


class CreditTransferOrder(BaseModel):
    """The order. It is made from stored values only, so every attempt under one key sends the same bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: ISO 20022 UUIDv4Identifier: any other version of UUID is refused by the rails.
    uetr: Annotated[str, Field(pattern=r"^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$")]
    end_to_end_id: Max35Text
    amount: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,4})?$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    debtor_iban: Iban
    creditor_iban: Iban
    creditor_name: Max140Text
    remittance_information: Max140Text | None = None


class _Status(BaseModel):
    # Strict about what we read; a field that the rail adds next year is ignored: refusing it would turn every payment
    # of that day into an unknown outcome.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    idempotency_key: str
    uetr: str
    amount: str
    currency: str


class Accepted(_Status):
    """Settled, finally."""

    status: Literal["ACSC"]
    rail_reference: Annotated[str, Field(min_length=1, max_length=64)]
    accepted_at: Annotated[AwareDatetime, AfterValidator(_of_our_time)]

    @property
    def receipt(self) -> RailReceipt:
        return RailReceipt(rail_reference=self.rail_reference, accepted_at=self.accepted_at)


class Refusal(_Status):
    """Refused, finally, for a reason of ISO 20022 ExternalStatusReason1Code."""

    status: Literal["RJCT"]
    reason: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,4}$")]

    @property
    def explanation(self) -> str:
        """Our words for the code. Not the rail's own text: it is free text, may name people, and this is recorded."""
        return _EXPLANATIONS.get(self.reason, "The instant rail refused the transfer for the reason of this code.")


class Pending(_Status):
    """Taken in, not decided."""

    status: Literal["PDNG"]


class TransferStatus(RootModel[Annotated[Accepted | Refusal | Pending, Field(discriminator="status")]]):
    """The answer to an order and to an inquiry."""


class RailProblem(BaseModel):
    """Problem details (RFC 9457), as far as we act on them."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    type: str
    #: The field of the order that the rail does not accept.
    field: Annotated[str, Field(pattern=r"^[A-Za-z_-]{1,64}$")] | None = None


_EXPLANATIONS = {
    "AB05": "The creditor's bank did not answer the rail in time; the transfer was stopped.",
    "AB06": "A bank on the way did not answer the rail in time; the transfer was stopped.",
    "AC01": "The creditor's account number does not exist.",
    "AC03": "The creditor's account number is not valid.",
    "AC04": "The creditor's account is closed.",
    "AC06": "The creditor's account is blocked for postings.",
    "AG01": "The creditor's account does not take credit transfers.",
    "AM02": "The amount is above the highest that the rail carries.",
    "AM03": "The rail does not carry this currency.",
    "AM04": "Our funds at the rail do not cover the amount.",
    "MD07": "The creditor has died.",
    "MS03": "The creditor's bank gives no reason.",
    "RR04": "A regulation forbids the transfer.",
}

"""Turns a checked transaction of a file into what `payments.intake` accepts."""

import hashlib
from collections.abc import Iterator
from urllib.parse import quote
from uuid import UUID

from payments.errors import FieldRefused
from payments.intake import CreditTransferInstruction
from payments.money import positive_money
from payments.pain001.checks import InitiatingParty
from payments.pain001.problems import Problem
from payments.pain001.transactions import Transaction

KEY_LIMIT = 255

# Where the file says what `CreditTransferInstruction` calls by these names.
_ELEMENTS = {
    "creditor_iban": "CdtrAcct/Id/IBAN",
    "creditor_bic": "CdtrAgt/FinInstnId/BICFI",
    "creditor_name": "Cdtr/Nm",
    "end_to_end_id": "PmtId/EndToEndId",
    "remittance_information": "RmtInf",
    "uetr": "PmtId/UETR",
}


def instruction_of(transaction: Transaction) -> CreditTransferInstruction:
    """The payment that the transaction orders. The file must have passed `content_problems`."""
    content = transaction.content
    debtor_iban = transaction.payment_information.content.dbtr_acct.id.iban
    requested = transaction.payment_information.content.reqd_exctn_dt.dt
    amount = content.amt.instd_amt
    creditor, account = content.cdtr, content.cdtr_acct
    if not (debtor_iban and requested and amount and creditor and creditor.nm and account and account.id.iban):
        raise ValueError(f"{transaction.place.path}: not checked; run content_problems first and refuse the file")
    agent = content.cdtr_agt
    return CreditTransferInstruction(
        debtor_iban=debtor_iban,
        creditor_iban=account.id.iban,
        creditor_bic=agent.fin_instn_id.bicfi if agent else None,
        creditor_name=creditor.nm,
        amount=positive_money(amount=amount.value, currency=amount.ccy, field=f"{transaction.place.path}/Amt/InstdAmt"),
        end_to_end_id=content.pmt_id.end_to_end_id,
        remittance_information=_remittance(transaction),
        requested_execution_on=requested.to_date(),
        uetr=UUID(content.pmt_id.uetr) if content.pmt_id.uetr else None,
    )


def field_problems(transaction: Transaction) -> Iterator[Problem]:
    """What intake would refuse about the transaction, said before anything of the file is stored."""
    try:
        instruction_of(transaction)
    except FieldRefused as error:
        if error.field in _ELEMENTS:  # the others belong to the PmtInf or the amount, which `checks` has named
            yield transaction.place.problem(error.problem, at=_ELEMENTS[error.field])
    except ValueError:
        return  # `checks` has named it


def idempotency_key(transaction: Transaction, *, party: InitiatingParty, message_id: str) -> str:
    """The same key for the same transaction of the same message, for ever; at most 255 characters of ASCII.

    It is kept in the saga's ledger for ever, so a party that may be a person appears as a digest only.
    It reads `pain.001/party/MsgId/PmtInfId/InstrId or EndToEndId/position`, each part percent-encoded so that no two
    transactions can share one. A longer key keeps its beginning and ends with "#" and the SHA-256 of the whole, which
    no short key can contain.
    """
    identifiers = transaction.content.pmt_id
    parts = [
        "pain.001",
        _digest(party.identifier)[:32] if party.is_personal else party.identifier,
        message_id,
        transaction.payment_information.content.pmt_inf_id,
        identifiers.instr_id or identifiers.end_to_end_id,
        str(transaction.position),
    ]
    key = "/".join(quote(part, safe="") for part in parts)
    if len(key) <= KEY_LIMIT:
        return key
    digest = _digest(key)
    return f"{key[: KEY_LIMIT - len(digest) - 1]}#{digest}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _remittance(transaction: Transaction) -> str:
    remittance = transaction.content.rmt_inf
    if remittance is None:
        return ""
    if remittance.ustrd:
        text: str = remittance.ustrd[0]
        return text
    reference = remittance.strd[0].cdtr_ref_inf if remittance.strd else None
    number: str | None = reference.ref if reference else None
    return number or ""

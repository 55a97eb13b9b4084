"""Whether the content of a valid pain.001 holds together, and whether we can carry out all of it.

What a channel instructs and we would silently leave undone is refused too: a payment with an exchange rate agreed,
a cheque or a routing of its own is another payment than the one we would send.

The check digits of creditor IBANs are *not* looked at here: a wrong one concerns one payment, whose saga rejects it
with AC01 before money moves; the other payments of the file go on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pyiso20022.pain.pain_001_001_09 import ChargeBearerType1Code, GroupHeader85, PaymentMethod3Code

from payments.errors import AmountRefused
from payments.money import positive_money
from payments.pain001.document import PaymentFile
from payments.pain001.problems import Problem
from payments.pain001.transactions import (
    PaymentInformation,
    Place,
    Transaction,
    group_header,
    payment_informations,
)

NOT_PROVIDED = "NOTPROVIDED"  # ISO 20022's word for "the debtor gave no end-to-end reference"

# Instructions that change what happens to the money and that this bank does not carry out.
_UNSUPPORTED = {
    "xchg_rate_inf": "XchgRateInf",
    "chq_instr": "ChqInstr",
    "intrmy_agt1": "IntrmyAgt1",
    "intrmy_agt2": "IntrmyAgt2",
    "intrmy_agt3": "IntrmyAgt3",
    "instr_for_cdtr_agt": "InstrForCdtrAgt",
    "instr_for_dbtr_agt": "InstrForDbtrAgt",
}


@dataclass(frozen=True, slots=True)
class DebtorAccount:
    """What the checks need to know about an account of ours."""

    currency: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class InitiatingParty:
    """Who sent the message. `is_personal` when it may be the name or number of a natural person."""

    identifier: str
    is_personal: bool


def initiating_party(header: GroupHeader85) -> InitiatingParty | None:
    """The initiating party by its identifier (BIC, LEI, other identification), else by its name, else None."""
    party = header.initg_pty
    if party.id and (organisation := party.id.org_id):
        identifiers = [organisation.any_bic, organisation.lei, *(other.id for other in organisation.othr)]
        for identifier in filter(None, identifiers):
            return InitiatingParty(identifier=identifier, is_personal=False)
    if party.id and (person := party.id.prvt_id) and person.othr:
        return InitiatingParty(identifier=person.othr[0].id, is_personal=True)
    return InitiatingParty(identifier=party.nm, is_personal=True) if party.nm else None


def content_problems(
    file: PaymentFile, *, debtor_accounts: Mapping[str, DebtorAccount], today: date
) -> Iterator[Problem]:
    """Every reason not to start the file's payments.

    `debtor_accounts` are the accounts of ours among the file's debtor IBANs; `today` is the date at the bank.
    """
    header = group_header(file)
    if initiating_party(file.message.grp_hdr) is None:
        yield header.problem(
            "neither an identification nor a name; without one a repeated message cannot be recognised", at="InitgPty"
        )
    seen: set[str] = set()
    uetrs: set[str] = set()
    transactions = 0
    total = Decimal(0)
    for information in payment_informations(file):
        identifier = information.content.pmt_inf_id
        if identifier in seen:
            yield information.place.problem(f"{identifier!r} is used by an earlier PmtInf", at="PmtInfId")
        seen.add(identifier)
        yield from _information_problems(information, debtor_accounts=debtor_accounts, today=today)
        yield from _duplicate_uetrs(information, seen=uetrs)
        transactions += len(information.content.cdt_trf_tx_inf)
        total += _total(information)
    # The group's control sum adds amounts irrespective of currency (ISO 20022 message definition report, CtrlSum).
    grp_hdr = file.message.grp_hdr
    yield from _control_problems(header, grp_hdr.nb_of_txs, grp_hdr.ctrl_sum, transactions, total)


def _total(information: PaymentInformation) -> Decimal:
    amounts = (transaction.amt.instd_amt for transaction in information.content.cdt_trf_tx_inf)
    return sum((amount.value for amount in amounts if amount), Decimal(0))


def _control_problems(
    place: Place, stated_count: str | None, stated_sum: Decimal | None, count: int, total: Decimal
) -> Iterator[Problem]:
    if stated_count is not None and int(stated_count) != count:
        yield place.problem(f"states {stated_count} transactions, the content has {count}", at="NbOfTxs")
    if stated_sum is not None and stated_sum != total:
        yield place.problem(f"states {stated_sum}, the amounts add up to {total}", at="CtrlSum")


def _information_problems(
    information: PaymentInformation, *, debtor_accounts: Mapping[str, DebtorAccount], today: date
) -> Iterator[Problem]:
    content, place = information.content, information.place
    if content.pmt_mtd is not PaymentMethod3Code.TRF:
        yield place.problem(f"{content.pmt_mtd.value} is not supported, only TRF (credit transfer)", at="PmtMtd")
    yield from _charge_bearer_problems(place, content.chrg_br)
    if content.instr_for_dbtr_agt:
        yield place.problem("cannot be carried out; remove it or have the payments made by hand", at="InstrForDbtrAgt")
    yield from _date_problems(information, today=today)
    yield from _control_problems(
        place, content.nb_of_txs, content.ctrl_sum, len(content.cdt_trf_tx_inf), _total(information)
    )
    iban = content.dbtr_acct.id.iban
    account = debtor_accounts.get(iban) if iban else None
    if account is None:
        yield place.problem(
            f"{iban or 'an account without IBAN'} is not an account at this bank", at="DbtrAcct/Id/IBAN"
        )
    elif not account.is_open:
        yield place.problem(f"the account {iban} is closed", at="DbtrAcct/Id/IBAN")
    yield from _duplicate_references(information)
    for transaction in information.transactions():
        yield from _transaction_problems(transaction, account=account)


def _date_problems(information: PaymentInformation, *, today: date) -> Iterator[Problem]:
    requested = information.content.reqd_exctn_dt.dt
    if requested is None:
        yield information.place.problem(
            "asks for a time of day; payments are executed by date: give Dt", at="ReqdExctnDt/DtTm"
        )
    elif not 1 <= requested.year <= 9999:
        yield information.place.problem(f"{requested} is not a date of our time", at="ReqdExctnDt/Dt")
    elif requested.to_date() > today:
        yield information.place.problem(
            f"{requested} is in the future (today is {today}); payments of a later day are not accepted yet: "
            "send the file on that day",
            at="ReqdExctnDt/Dt",
        )


def _charge_bearer_problems(place: Place, bearer: ChargeBearerType1Code | None) -> Iterator[Problem]:
    if bearer in {ChargeBearerType1Code.DEBT, ChargeBearerType1Code.CRED}:
        yield place.problem(f"{bearer.value} is not supported; charges are shared (SLEV or SHAR)", at="ChrgBr")


def _duplicate_references(information: PaymentInformation) -> Iterator[Problem]:
    """Within a PmtInf an InstrId or an EndToEndId names one payment; only NOTPROVIDED may repeat."""
    seen: dict[tuple[str, str], int] = {}
    for transaction in information.transactions():
        identifiers = transaction.content.pmt_id
        for name, value in (("InstrId", identifiers.instr_id), ("EndToEndId", identifiers.end_to_end_id)):
            if value is None or value == NOT_PROVIDED:
                continue
            first = seen.setdefault((name, value), transaction.position)
            if first != transaction.position:
                yield transaction.place.problem(
                    f"{value!r} is used by transaction {first} of the same PmtInf; the payment may be there twice",
                    at=f"PmtId/{name}",
                )


def _duplicate_uetrs(information: PaymentInformation, *, seen: set[str]) -> Iterator[Problem]:
    for transaction in information.transactions():
        uetr = transaction.content.pmt_id.uetr
        if uetr is not None and uetr in seen:
            yield transaction.place.problem(f"{uetr} is used by an earlier transaction", at="PmtId/UETR")
        elif uetr is not None:
            seen.add(uetr)


def _transaction_problems(transaction: Transaction, *, account: DebtorAccount | None) -> Iterator[Problem]:
    content, place = transaction.content, transaction.place
    yield from _amount_problems(transaction, account=account)
    yield from _charge_bearer_problems(place, content.chrg_br)
    for attribute, name in _UNSUPPORTED.items():
        if getattr(content, attribute):
            yield place.problem("cannot be carried out; remove it or have the payment made by hand", at=name)
    if content.cdtr is None or not (content.cdtr.nm or "").strip():
        yield place.problem("the creditor's name is missing", at="Cdtr/Nm")
    if content.cdtr_acct is None or content.cdtr_acct.id.iban is None:
        yield place.problem("the creditor's account must be an IBAN", at="CdtrAcct/Id/IBAN")
    yield from _remittance_problems(transaction)


def _amount_problems(transaction: Transaction, *, account: DebtorAccount | None) -> Iterator[Problem]:
    amount = transaction.content.amt.instd_amt
    if amount is None:
        yield transaction.place.problem("an equivalent amount needs an exchange, give InstdAmt", at="Amt/EqvtAmt")
        return
    try:
        positive_money(amount=amount.value, currency=amount.ccy, field="InstdAmt")
    except AmountRefused as error:
        yield transaction.place.problem(error.problem, at="Amt/InstdAmt")
    if account is not None and amount.ccy != account.currency:
        yield transaction.place.problem(
            f"is in {amount.ccy}, the debtor's account in {account.currency}; no exchange is made", at="Amt/InstdAmt"
        )


def _remittance_problems(transaction: Transaction) -> Iterator[Problem]:
    """The rail carries one text of 140 characters or one creditor reference, as SEPA credit transfers do."""
    remittance = transaction.content.rmt_inf
    if remittance is None:
        return
    place = transaction.place
    if len(remittance.ustrd) + len(remittance.strd) > 1:
        yield place.problem("more than one occurrence of Ustrd or Strd; the rail carries one", at="RmtInf")
    for structured in remittance.strd:
        if structured.cdtr_ref_inf is None or not structured.cdtr_ref_inf.ref:
            yield place.problem("structured remittance without a creditor reference", at="RmtInf/Strd/CdtrRefInf/Ref")
        elif _says_more(structured, but={"cdtr_ref_inf"}):
            yield place.problem("the rail carries the creditor reference and nothing beside it", at="RmtInf/Strd")


def _says_more(structured: object, *, but: Iterable[str]) -> bool:
    return any(value for name, value in vars(structured).items() if name not in but)

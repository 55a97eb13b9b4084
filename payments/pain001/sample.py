"""A made-up pain.001 file of the demo bank's corporate customers: mostly ordinary, with some trouble on purpose.

Every 200 transactions hold 170 ordinary ones and 30 whose fate is decided here: cents that make the rail simulator
misbehave (the table is in `simulators/faults.py`), and two creditor IBANs with wrong check digits. Seeded: the same
arguments give the same document.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from random import Random
from uuid import UUID

from pyiso20022.pain import pain_001_001_09 as pain
from xsdata.models.datatype import XmlDate, XmlDateTime

from payments.pain001.sample_names import Creditor, creditors, reference_number
from payments.services.seed import BANK_BIC, DEMO_ACCOUNTS, DemoAccount

SAMPLE_MESSAGE_ID = "SAMPLE-2026-01-15-0001"
SAMPLE_SEED = 20260115
SAMPLE_DATE = date(2026, 1, 15)
SAMPLE_SIZE = 200

WRONG_IBAN = "wrong check digits"
# How many of each per 200 transactions. An int is the cents that ask the rail for a fault.
TROUBLE: dict[int | str, int] = {90: 5, 91: 5, 92: 10, 93: 2, 94: 2, 95: 2, 97: 2, WRONG_IBAN: 2}
ORDINARY_CENTS = 90  # ordinary amounts end in .00 to .89, which ask for nothing

# Those with enough on their accounts that no ordinary payment fails for want of funds.
_DEBTORS = tuple(account for account in DEMO_ACCOUNTS if account.opening_balance.amount >= 40_000)[:8]


@dataclass(frozen=True, slots=True)
class _Order:
    creditor: Creditor
    amount: Decimal
    number: int


def sample_document(
    *, transactions: int = SAMPLE_SIZE, message_id: str = SAMPLE_MESSAGE_ID, requested_on: date = SAMPLE_DATE
) -> pain.Document:
    """A document with that many transactions, spread over eight payment informations, each from its own account."""
    if transactions < len(_DEBTORS):
        raise ValueError(f"transactions: {transactions} is too few, a sample has at least {len(_DEBTORS)}")
    if not 1 <= len(message_id) <= 32:
        raise ValueError(f"message_id: has {len(message_id)} characters; 1 to 32 leave room for /01 in PmtInfId")
    # The MsgId is part of the seed, so that another message brings other UETRs.
    random = Random(f"{SAMPLE_SEED}/{message_id}")  # noqa: S311 - made-up payments, no secret
    plan = _plan(transactions, random)
    share, rest = divmod(transactions, len(_DEBTORS))
    informations = []
    first = 0
    for number, debtor in enumerate(_DEBTORS, start=1):
        size = share + (1 if number <= rest else 0)
        orders = list(_orders(debtor, plan[first : first + size], first_number=first + 1, random=random))
        informations.append(_information(number, debtor, orders, requested_on, message_id=message_id, random=random))
        first += size
    header = pain.GroupHeader85(
        msg_id=message_id,
        cre_dt_tm=XmlDateTime.from_datetime(datetime(requested_on.year, requested_on.month, requested_on.day, 7, 30)),  # noqa: DTZ001 - ISO 20022 allows local time
        nb_of_txs=str(transactions),
        ctrl_sum=sum((information.ctrl_sum or Decimal(0) for information in informations), Decimal(0)),
        initg_pty=pain.PartyIdentification135(
            nm="Voorbeeld Betaalservice",
            id=pain.Party38Choice(
                org_id=pain.OrganisationIdentification29(
                    othr=[pain.GenericOrganisationIdentification1(id="DEMO-CHANNEL-1")]
                )
            ),
        ),
    )
    return pain.Document(
        cstmr_cdt_trf_initn=pain.CustomerCreditTransferInitiationV09(grp_hdr=header, pmt_inf=informations)
    )


def _plan(transactions: int, random: Random) -> list[int | str | None]:
    """What shall happen to each transaction: None is nothing special."""
    block: list[int | str | None] = [trouble for trouble, count in TROUBLE.items() for _ in range(count)]
    block += [None] * (SAMPLE_SIZE - len(block))
    plan: list[int | str | None] = []
    while len(plan) < transactions:
        random.shuffle(block)
        plan += block
    return plan[:transactions]


def _orders(
    debtor: DemoAccount, plan: list[int | str | None], *, first_number: int, random: Random
) -> Iterator[_Order]:
    # Small against the balance, so that the demo can run many times before an account is empty.
    highest_euros = max(40, min(1500, int(debtor.opening_balance.amount) // 1000))
    for number, trouble in enumerate(plan, start=first_number):
        cents = trouble if isinstance(trouble, int) else random.randrange(ORDINARY_CENTS)
        creditor = random.choice(creditors())
        yield _Order(
            creditor=creditor.with_wrong_check_digits() if trouble == WRONG_IBAN else creditor,
            amount=Decimal(random.randint(5, highest_euros) * 100 + cents).scaleb(-2),
            number=number,
        )


def _information(
    number: int, debtor: DemoAccount, orders: list[_Order], requested_on: date, *, message_id: str, random: Random
) -> pain.PaymentInstruction30:
    return pain.PaymentInstruction30(
        pmt_inf_id=f"{message_id}/{number:02d}",
        pmt_mtd=pain.PaymentMethod3Code.TRF,
        nb_of_txs=str(len(orders)),
        ctrl_sum=sum((order.amount for order in orders), Decimal(0)),
        pmt_tp_inf=pain.PaymentTypeInformation26(
            svc_lvl=[pain.ServiceLevel8Choice(cd="SEPA")], lcl_instrm=pain.LocalInstrument2Choice(cd="INST")
        ),
        reqd_exctn_dt=pain.DateAndDateTime2Choice(dt=XmlDate.from_date(requested_on)),
        dbtr=pain.PartyIdentification135(nm=debtor.holder_name),
        dbtr_acct=pain.CashAccount38(id=pain.AccountIdentification4Choice(iban=debtor.iban), ccy="EUR"),
        dbtr_agt=_agent(BANK_BIC),
        chrg_br=pain.ChargeBearerType1Code.SLEV,
        # Half of the payers give their payments a UETR themselves, the others leave it to the bank.
        cdt_trf_tx_inf=[_transaction(order, with_uetr=number % 2 == 0, random=random) for order in orders],
    )


def _transaction(order: _Order, *, with_uetr: bool, random: Random) -> pain.CreditTransferTransaction34:
    creditor = order.creditor
    return pain.CreditTransferTransaction34(
        pmt_id=pain.PaymentIdentification6(
            instr_id=f"P{order.number:06d}",
            end_to_end_id=f"INV-2026-{order.number:06d}",
            uetr=str(UUID(int=random.getrandbits(128), version=4)) if with_uetr else None,
        ),
        amt=pain.AmountType4Choice(instd_amt=pain.ActiveOrHistoricCurrencyAndAmount(value=order.amount, ccy="EUR")),
        cdtr_agt=_agent(creditor.bic) if creditor.bic else None,
        cdtr=pain.PartyIdentification135(nm=creditor.name),
        cdtr_acct=pain.CashAccount38(id=pain.AccountIdentification4Choice(iban=creditor.iban)),
        rmt_inf=_remittance(order, random),
    )


def _agent(bic: str) -> pain.BranchAndFinancialInstitutionIdentification6:
    return pain.BranchAndFinancialInstitutionIdentification6(
        fin_instn_id=pain.FinancialInstitutionIdentification18(bicfi=bic)
    )


def _remittance(order: _Order, random: Random) -> pain.RemittanceInformation16:
    if random.random() < 0.3:
        reference = pain.CreditorReferenceInformation2(
            tp=pain.CreditorReferenceType2(
                cd_or_prtry=pain.CreditorReferenceType1Choice(cd=pain.DocumentType3Code.SCOR), issr="ISO"
            ),
            ref=reference_number(f"2026{order.number:06d}"),
        )
        return pain.RemittanceInformation16(strd=[pain.StructuredRemittanceInformation16(cdtr_ref_inf=reference)])
    text = random.choice(["Invoice 2026-{0:06d}", "Factuur 2026{0:06d}, met dank", "Rechnung Nr. {0:06d}/2026"])
    return pain.RemittanceInformation16(ustrd=[text.format(order.number)])

"""Whether the content of a valid file holds together."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pyiso20022.pain import pain_001_001_09 as pain
from xsdata.models.datatype import XmlDateTime

from payments.pain001 import Problem, parse_payment_file
from payments.pain001.checks import DebtorAccount, content_problems
from payments.pain001.sample import SAMPLE_DATE, sample_document
from payments.pain001.writer import to_xml
from payments.services.seed import DEMO_ACCOUNTS

ACCOUNTS = {account.iban: DebtorAccount(currency="EUR", is_open=True) for account in DEMO_ACCOUNTS}
Change = Callable[[pain.CustomerCreditTransferInitiationV09], None]


def _problems(change: Change, **others: object) -> list[Problem]:
    document = sample_document(transactions=16)
    change(document.cstmr_cdt_trf_initn)
    file = parse_payment_file(to_xml(document))
    accounts = others.get("accounts", ACCOUNTS)
    assert isinstance(accounts, dict)
    return list(content_problems(file, debtor_accounts=accounts, today=SAMPLE_DATE))


def _no_change(message: pain.CustomerCreditTransferInitiationV09) -> None:
    pass


def _first(message: pain.CustomerCreditTransferInitiationV09) -> pain.CreditTransferTransaction34:
    return message.pmt_inf[0].cdt_trf_tx_inf[0]


def test_the_sample_has_no_problem() -> None:
    assert _problems(_no_change) == []


def _control_sum_off(message: pain.CustomerCreditTransferInitiationV09) -> None:
    assert message.grp_hdr.ctrl_sum
    message.grp_hdr.ctrl_sum += Decimal("0.01")


def _information_sum_off(message: pain.CustomerCreditTransferInitiationV09) -> None:
    total = message.pmt_inf[3].ctrl_sum
    assert total
    message.pmt_inf[3].ctrl_sum = total - Decimal("0.01")


def _count_off(message: pain.CustomerCreditTransferInitiationV09) -> None:
    message.grp_hdr.nb_of_txs = "17"


def _information_count_off(message: pain.CustomerCreditTransferInitiationV09) -> None:
    message.pmt_inf[0].nb_of_txs = "1"


def _cheque(message: pain.CustomerCreditTransferInitiationV09) -> None:
    message.pmt_inf[0].pmt_mtd = pain.PaymentMethod3Code.CHK


def _same_information_twice(message: pain.CustomerCreditTransferInitiationV09) -> None:
    message.pmt_inf[1].pmt_inf_id = message.pmt_inf[0].pmt_inf_id


def _same_end_to_end_id(message: pain.CustomerCreditTransferInitiationV09) -> None:
    message.pmt_inf[0].cdt_trf_tx_inf[1].pmt_id.end_to_end_id = _first(message).pmt_id.end_to_end_id


def _same_instruction_id(message: pain.CustomerCreditTransferInitiationV09) -> None:
    message.pmt_inf[0].cdt_trf_tx_inf[1].pmt_id.instr_id = _first(message).pmt_id.instr_id


def _same_uetr(message: pain.CustomerCreditTransferInitiationV09) -> None:
    for information in message.pmt_inf[:2]:
        information.cdt_trf_tx_inf[0].pmt_id.uetr = "8a562c67-ca16-48ba-b074-65581be6f011"


def _time_of_day(message: pain.CustomerCreditTransferInitiationV09) -> None:
    message.pmt_inf[0].reqd_exctn_dt = pain.DateAndDateTime2Choice(dt_tm=XmlDateTime(2026, 1, 15, 9, 0, 0))


def _no_creditor_name(message: pain.CustomerCreditTransferInitiationV09) -> None:
    _first(message).cdtr = pain.PartyIdentification135()


def _no_creditor_account(message: pain.CustomerCreditTransferInitiationV09) -> None:
    _first(message).cdtr_acct = None


def _two_remittances(message: pain.CustomerCreditTransferInitiationV09) -> None:
    _first(message).rmt_inf = pain.RemittanceInformation16(ustrd=["one", "two"])


def _equivalent_amount(message: pain.CustomerCreditTransferInitiationV09) -> None:
    amount = _first(message).amt.instd_amt
    assert amount
    _first(message).amt = pain.AmountType4Choice(eqvt_amt=pain.EquivalentAmount2(amt=amount, ccy_of_trf="USD"))


def _exchange_rate(message: pain.CustomerCreditTransferInitiationV09) -> None:
    _first(message).xchg_rate_inf = pain.ExchangeRate1(xchg_rate=Decimal("1.1"))


def _debtor_bears_charges(message: pain.CustomerCreditTransferInitiationV09) -> None:
    _first(message).chrg_br = pain.ChargeBearerType1Code.DEBT


def _nameless_party(message: pain.CustomerCreditTransferInitiationV09) -> None:
    message.grp_hdr.initg_pty = pain.PartyIdentification135()


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        (_control_sum_off, "/GrpHdr/CtrlSum", "the amounts add up to"),
        (_information_sum_off, "/PmtInf[4]/CtrlSum", "the amounts add up to"),
        (_count_off, "/GrpHdr/NbOfTxs", "states 17 transactions, the content has 16"),
        (_information_count_off, "/PmtInf[1]/NbOfTxs", "states 1 transactions, the content has 2"),
        (_cheque, "/PmtInf[1]/PmtMtd", "CHK is not supported"),
        (_same_information_twice, "/PmtInf[2]/PmtInfId", "is used by an earlier PmtInf"),
        (_same_end_to_end_id, "/PmtInf[1]/CdtTrfTxInf[2]/PmtId/EndToEndId", "is used by transaction 1"),
        (_same_instruction_id, "/PmtInf[1]/CdtTrfTxInf[2]/PmtId/InstrId", "is used by transaction 1"),
        (_same_uetr, "/PmtInf[2]/CdtTrfTxInf[1]/PmtId/UETR", "is used by an earlier transaction"),
        (_time_of_day, "/PmtInf[1]/ReqdExctnDt/DtTm", "time of day"),
        (_no_creditor_name, "/CdtTrfTxInf[1]/Cdtr/Nm", "name is missing"),
        (_no_creditor_account, "/CdtTrfTxInf[1]/CdtrAcct/Id/IBAN", "must be an IBAN"),
        (_two_remittances, "/CdtTrfTxInf[1]/RmtInf", "more than one occurrence"),
        (_exchange_rate, "/CdtTrfTxInf[1]/XchgRateInf", "cannot be carried out"),
        (_debtor_bears_charges, "/CdtTrfTxInf[1]/ChrgBr", "DEBT is not supported"),
        (_nameless_party, "/GrpHdr/InitgPty", "cannot be recognised"),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused_at_the_line(change: Change, path: str, reason: str) -> None:
    (problem,) = _problems(change)

    assert problem.path.endswith(path)
    assert reason in problem.reason
    assert problem.line > 2


def test_an_equivalent_amount_is_refused() -> None:
    assert any("give InstdAmt" in problem.reason for problem in _problems(_equivalent_amount))


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("0", "EUR", "is not greater than zero"),
        ("10.001", "EUR", "has more than 2 fraction digits"),
        ("10.5", "JPY", "has more than 0 fraction digits"),
        ("10.00", "XAU", "is not an active ISO 4217 currency"),
        ("10.00", "USD", "is in USD, the debtor's account in EUR"),
    ],
)
def test_an_amount_that_is_not_money_of_the_account_is_refused(amount: str, currency: str, reason: str) -> None:
    def change(message: pain.CustomerCreditTransferInitiationV09) -> None:
        value = _first(message).amt.instd_amt
        assert value
        _first(message).amt.instd_amt = replace(value, value=Decimal(amount), ccy=currency)

    problems = [problem for problem in _problems(change) if problem.path.endswith("/CdtTrfTxInf[1]/Amt/InstdAmt")]

    assert any(reason in problem.reason for problem in problems)


def test_end_to_end_ids_that_were_not_provided_may_repeat() -> None:
    def change(message: pain.CustomerCreditTransferInitiationV09) -> None:
        for transaction in message.pmt_inf[0].cdt_trf_tx_inf:
            transaction.pmt_id.end_to_end_id = "NOTPROVIDED"

    assert _problems(change) == []


def test_the_same_reference_in_two_payment_informations_is_allowed() -> None:
    def change(message: pain.CustomerCreditTransferInitiationV09) -> None:
        message.pmt_inf[1].cdt_trf_tx_inf[0].pmt_id.end_to_end_id = _first(message).pmt_id.end_to_end_id

    assert _problems(change) == []


def test_control_sums_compare_exactly_however_they_are_written() -> None:
    def change(message: pain.CustomerCreditTransferInitiationV09) -> None:
        assert message.grp_hdr.ctrl_sum
        message.grp_hdr.ctrl_sum = message.grp_hdr.ctrl_sum.quantize(Decimal("0.00000"))

    assert _problems(change) == []


def test_a_debtor_account_that_is_unknown_or_closed_is_refused() -> None:
    closed = {iban: replace(account, is_open=False) for iban, account in ACCOUNTS.items()}

    assert {problem.reason.split(" is ")[1] for problem in _problems(_no_change, accounts={})} == {
        "not an account at this bank"
    }
    assert len([p for p in _problems(_no_change, accounts=closed) if p.reason.endswith("is closed")]) == 8


def test_a_date_in_the_future_is_refused_and_a_past_one_is_executed_now() -> None:
    file = parse_payment_file(to_xml(sample_document(transactions=8)))
    the_day_before = date(2026, 1, 14)

    problems = list(content_problems(file, debtor_accounts=ACCOUNTS, today=the_day_before))

    assert len(problems) == 8
    assert "2026-01-15 is in the future" in problems[0].reason
    assert list(content_problems(file, debtor_accounts=ACCOUNTS, today=date(2030, 1, 1))) == []


def test_a_wrong_creditor_iban_is_left_to_the_payment_that_carries_it() -> None:
    def change(message: pain.CustomerCreditTransferInitiationV09) -> None:
        account = _first(message).cdtr_acct
        assert account
        account.id.iban = "NL00RCRS0004100001"

    assert _problems(change) == []

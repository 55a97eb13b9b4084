"""The sample file: the same every time, valid, ordinary except where it asks for trouble."""

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree
from pyiso20022.pain import pain_001_001_09 as pain
from schwifty import IBAN

from payments.pain001 import parse_payment_file
from payments.pain001.sample import SAMPLE_SIZE, TROUBLE, WRONG_IBAN, sample_document
from payments.pain001.sample_names import reference_number
from payments.pain001.writer import to_xml
from payments.services.seed import DEMO_ACCOUNTS

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "payments" / "samples" / "pain001_200.xml"
XSD = ROOT.parent / "shared" / "data" / "iso20022" / "xsd" / "pain.001.001.09.xsd"


def _transactions(content: bytes) -> list[pain.CreditTransferTransaction34]:
    informations = parse_payment_file(content).message.pmt_inf
    return [transaction for information in informations for transaction in information.cdt_trf_tx_inf]


def _amount(transaction: pain.CreditTransferTransaction34) -> Decimal:
    assert transaction.amt.instd_amt
    value: Decimal = transaction.amt.instd_amt.value
    return value


def _creditor_iban(transaction: pain.CreditTransferTransaction34) -> str:
    assert transaction.cdtr_acct
    iban: str = transaction.cdtr_acct.id.iban
    return iban


def test_the_committed_sample_is_what_the_writer_writes_again() -> None:
    assert SAMPLE.read_bytes() == to_xml(sample_document())


def test_the_sample_is_valid_to_the_xsd() -> None:
    if not XSD.exists():
        pytest.skip(f"the ISO 20022 XSD is not part of this repository and not at {XSD}")

    etree.XMLSchema(etree.parse(str(XSD))).assertValid(etree.parse(str(SAMPLE)))


def test_the_sample_asks_for_as_much_trouble_as_its_table_says_and_no_more() -> None:
    transactions = _transactions(SAMPLE.read_bytes())
    cents = Counter(int(_amount(transaction) * 100) % 100 for transaction in transactions)
    asked = {kind: count for kind, count in TROUBLE.items() if isinstance(kind, int)}

    assert len(transactions) == SAMPLE_SIZE
    assert {cent: count for cent, count in cents.items() if cent >= 90} == asked
    wrong = [iban for iban in map(_creditor_iban, transactions) if not IBAN(iban, allow_invalid=True).is_valid]
    assert len(wrong) == TROUBLE[WRONG_IBAN]


def test_no_ordinary_payment_of_the_sample_can_fail_for_want_of_funds() -> None:
    balances = {account.iban: account.opening_balance.amount for account in DEMO_ACCOUNTS}

    for information in parse_payment_file(SAMPLE.read_bytes()).message.pmt_inf:
        assert information.ctrl_sum < balances[information.dbtr_acct.id.iban] / 10


def test_no_creditor_of_the_sample_is_at_a_bank_that_exists() -> None:
    ibans = [IBAN(_creditor_iban(t), allow_invalid=True) for t in _transactions(SAMPLE.read_bytes())]

    assert IBAN("DE89370400440532013000").bank is not None, "the registry knows banks that exist"
    assert [iban for iban in ibans if iban.bank is not None] == []


def test_another_message_id_brings_other_uetrs() -> None:
    first, second = sample_document(), sample_document(message_id="ANOTHER")
    uetrs = [re.findall(rb"<UETR>(.*)</UETR>", to_xml(document)) for document in (first, second)]

    assert len(uetrs[0]) == len(uetrs[1]) == 100
    assert not set(uetrs[0]) & set(uetrs[1])


def test_creditor_references_have_the_check_digits_of_iso_11649() -> None:
    assert reference_number("539007547034") == "RF18539007547034"  # the standard's own example


@pytest.mark.parametrize(("transactions", "message_id"), [(7, "X"), (200, ""), (200, "X" * 33)])
def test_a_sample_that_cannot_be_is_refused(transactions: int, message_id: str) -> None:
    with pytest.raises(ValueError, match=r"^(transactions|message_id): "):
        sample_document(transactions=transactions, message_id=message_id)

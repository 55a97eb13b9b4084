"""Importing pain.001 files: whole or not at all, once, and onwards from an interruption."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from payments.intake import AcceptedPayment, accept_payment
from payments.models import Account, ImportedMessage, Payment
from payments.pain001 import FileRefused, importer, parse_payment_file
from payments.pain001.checks import InitiatingParty
from payments.pain001.importer import ImportInterrupted, ImportReport, check_file, import_file
from payments.pain001.instructions import KEY_LIMIT, idempotency_key
from payments.pain001.sample import sample_document
from payments.pain001.transactions import Transaction, payment_informations
from payments.pain001.writer import to_xml
from payments.services.accounts import open_customer_account
from payments.services.seed import DEMO_ACCOUNTS
from tests.integration.bank import at_once

SAMPLE = Path(__file__).parents[2] / "payments" / "samples" / "pain001_200.xml"


@pytest.fixture(autouse=True)
def _accounts(database: object) -> None:
    for account in DEMO_ACCOUNTS:
        open_customer_account(iban=account.iban, name=account.holder_name, currency="EUR")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.xml"
    path.write_bytes(to_xml(sample_document(transactions=60, message_id="SMALL")))
    return path


def _sagas() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sagas_saga")
        (count,) = cursor.fetchone()
    return int(count)


def _transactions(path: Path) -> list[Transaction]:
    file = parse_payment_file(path.read_bytes())
    return [transaction for information in payment_informations(file) for transaction in information.transactions()]


def _nothing_was_stored() -> bool:
    return not (Payment.objects.exists() or ImportedMessage.objects.exists() or _sagas())


def test_every_transaction_of_the_sample_becomes_one_payment_with_one_saga() -> None:
    seen: list[tuple[int, int]] = []

    report = import_file(SAMPLE, progress=lambda done, total: seen.append((done, total)))

    assert (report.started, report.existing, report.first_imported_at) == (200, 0, None)
    assert Payment.objects.count() == Payment.objects.values("saga_id").distinct().count() == _sagas() == 200
    assert seen[-1] == (200, 200)
    assert report.summary.totals["EUR"].amount == sum(payment.amount for payment in Payment.objects.all())
    assert ImportedMessage.objects.get().completed_at is not None


def test_a_payment_carries_what_the_file_says(small: Path) -> None:
    import_file(small)
    ordered = next(t for t in _transactions(small) if t.content.pmt_id.uetr and t.content.rmt_inf.ustrd)

    payment = Payment.objects.get(uetr=ordered.content.pmt_id.uetr)

    assert payment.amount == ordered.content.amt.instd_amt.value
    assert payment.end_to_end_id == ordered.content.pmt_id.end_to_end_id
    assert payment.creditor_name == ordered.content.cdtr.nm
    assert payment.creditor_iban == ordered.content.cdtr_acct.id.iban
    assert payment.remittance_information == ordered.content.rmt_inf.ustrd[0]
    assert payment.debtor_account.iban == ordered.payment_information.content.dbtr_acct.id.iban
    assert payment.requested_execution_on.isoformat() == "2026-01-15"
    assert payment.channel == "file:pain.001"


def test_the_same_file_again_starts_nothing_and_says_since_when_it_is_known(small: Path) -> None:
    import_file(small)

    again = import_file(small)

    assert (again.started, again.existing) == (0, 60)
    assert again.first_imported_at == ImportedMessage.objects.get().imported_at
    assert Payment.objects.count() == _sagas() == 60


def test_an_interrupted_import_continues_where_it_stopped(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "accept_payment", _dies_after(40))
    with pytest.raises(ImportInterrupted, match="25 of 60 payments exist and run on, 35 were not started"):
        import_file(small)
    assert Payment.objects.count() == _sagas() == 25, "the batch that died is rolled back, the one before is not"
    assert ImportedMessage.objects.get().completed_at is None
    monkeypatch.undo()

    report = import_file(small)

    assert (report.started, report.existing) == (35, 25)
    assert Payment.objects.count() == _sagas() == 60
    assert ImportedMessage.objects.get().completed_at is not None


def test_two_imports_of_one_file_at_once_share_its_payments(small: Path) -> None:
    reports = at_once(lambda: import_file(small), lambda: import_file(small), lambda: import_file(small))

    assert all(isinstance(report, ImportReport) for report in reports), reports
    assert sum(report.started for report in reports if isinstance(report, ImportReport)) == 60
    assert Payment.objects.count() == _sagas() == 60
    assert ImportedMessage.objects.count() == 1


def _dies_after(calls: int) -> Callable[..., AcceptedPayment]:
    left = iter(range(calls))

    def accept(**instruction: object) -> AcceptedPayment:
        if next(left, None) is None:
            raise ConnectionError("the server closed the connection")
        return accept_payment(**instruction)  # type: ignore[arg-type]

    return accept


def test_the_same_message_with_another_content_is_refused_whole(small: Path) -> None:
    import_file(small)
    small.write_bytes(small.read_bytes().replace(b"Invoice", b"Receipt", 1))

    with pytest.raises(FileRefused, match=r"'SMALL' was imported on .* with another content") as refused:
        import_file(small)

    assert refused.value.problems[0].line == 5
    assert Payment.objects.count() == 60


def test_the_same_message_through_another_channel_is_refused(small: Path) -> None:
    import_file(small)

    with pytest.raises(FileRefused, match=r"another channel would pay it twice"):
        import_file(small, channel="file:other")

    assert Payment.objects.count() == 60


def test_a_new_message_with_a_known_uetr_is_refused_whole(small: Path) -> None:
    import_file(small)
    small.write_bytes(small.read_bytes().replace(b"<MsgId>SMALL<", b"<MsgId>OTHER<"))

    with pytest.raises(FileRefused, match="belongs to a payment that exists already"):
        import_file(small)

    assert ImportedMessage.objects.count() == 1
    assert Payment.objects.count() == 60


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"</Document>", b"", id="truncated"),
        pytest.param(b"<CtrlSum>", b"<CtrlSum>1", id="control sum"),
        pytest.param(b"RCRS0004100002", b"RCRS0004900002", id="debtor unknown"),
        pytest.param(b"<EndToEndId>INV-2026-000033<", b"<EndToEndId>INV_2026_000033<", id="reference not SEPA"),
        pytest.param(b"pain.001.001.09", b"pain.001.001.03", id="version"),
    ],
)
def test_a_file_with_one_mistake_is_refused_whole(small: Path, old: bytes, new: bytes) -> None:
    content = small.read_bytes()
    assert old in content
    small.write_bytes(content.replace(old, new, 1))

    with pytest.raises(FileRefused):
        import_file(small)

    assert _nothing_was_stored()


def test_a_field_that_intake_would_refuse_is_named_with_its_line(small: Path) -> None:
    content = small.read_bytes().replace(b"<EndToEndId>INV-2026-000033<", b"<EndToEndId>INV_2026_000033<")
    small.write_bytes(content)

    with pytest.raises(FileRefused) as refused:
        check_file(small)

    (problem,) = refused.value.problems
    assert problem.line == content[: content.index(b"INV_2026")].count(b"\n") + 1
    assert problem.path.endswith("/PmtId/EndToEndId")


def test_a_file_from_a_closed_account_is_refused_whole(small: Path) -> None:
    Account.objects.filter(iban=DEMO_ACCOUNTS[0].iban).update(closed_at="2026-01-01T00:00:00Z")

    with pytest.raises(FileRefused, match="is closed"):
        import_file(small)

    assert _nothing_was_stored()


def test_checking_a_file_stores_nothing(small: Path) -> None:
    assert check_file(small).transactions == 60
    assert _nothing_was_stored()


def test_two_transactions_never_share_a_key_and_no_key_is_too_long(small: Path) -> None:
    party = InitiatingParty(identifier="é/" * 70, is_personal=False)
    transactions = _transactions(small)

    for message_id in ("A", "Ü" * 35):
        keys = [idempotency_key(each, party=party, message_id=message_id) for each in transactions]
        assert len(set(keys)) == len(transactions)
        assert max(map(len, keys)) <= KEY_LIMIT
        assert all(key.startswith("pain.001/%C3%A9%2F") and key.isascii() for key in keys)


def test_transactions_without_references_are_told_apart_by_their_position(small: Path) -> None:
    transactions = _transactions(small)[:2]
    for transaction in transactions:
        transaction.content.pmt_id.instr_id = None
        transaction.content.pmt_id.end_to_end_id = "NOTPROVIDED"
    party = InitiatingParty(identifier="A", is_personal=False)

    first, second = (idempotency_key(transaction, party=party, message_id="C") for transaction in transactions)

    assert first == "pain.001/A/C/SMALL%2F01/NOTPROVIDED/1"
    assert second == "pain.001/A/C/SMALL%2F01/NOTPROVIDED/2"


def test_a_key_does_not_depend_on_where_its_parts_are_divided(small: Path) -> None:
    transaction = _transactions(small)[0]
    first = idempotency_key(transaction, party=InitiatingParty(identifier="A/B", is_personal=False), message_id="C")
    second = idempotency_key(transaction, party=InitiatingParty(identifier="A", is_personal=False), message_id="B/C")

    assert first != second


def test_a_key_does_not_name_a_person(small: Path) -> None:
    party = InitiatingParty(identifier="Ada Verhoeven", is_personal=True)

    assert "Ada" not in idempotency_key(_transactions(small)[0], party=party, message_id="C")


def test_the_command_reports_what_it_started_and_what_was_there(small: Path) -> None:
    first, second = StringIO(), StringIO()

    call_command("import_pain001", str(small), stdout=first)
    call_command("import_pain001", str(small), stdout=second)

    assert "60 transactions" in first.getvalue()
    assert "started 60, already there 0" in first.getvalue()
    assert "Already imported on " in second.getvalue()
    assert "60 of 60 payments existed" in second.getvalue()
    assert "started 0, already there 60" in second.getvalue()


def test_the_command_only_checks_when_asked_to(small: Path) -> None:
    out = StringIO()

    call_command("import_pain001", str(small), "--check", stdout=out)

    assert "The file is valid. Nothing was started" in out.getvalue()
    assert _nothing_was_stored()


def test_the_command_fails_with_line_and_reason(small: Path, tmp_path: Path) -> None:
    small.write_bytes(small.read_bytes().replace(b'Ccy="EUR"', b'Ccy="EURO"', 1))

    with pytest.raises(CommandError, match=r"refused whole, nothing was started: 1 problem\.\n  line \d+: /Document"):
        call_command("import_pain001", str(small))
    with pytest.raises(CommandError, match=r"missing\.xml cannot be read: No such file"):
        call_command("import_pain001", str(tmp_path / "missing.xml"))


def test_the_command_writes_the_committed_sample(tmp_path: Path) -> None:
    call_command("write_sample_pain001", str(tmp_path / "again.xml"), stdout=StringIO())

    assert (tmp_path / "again.xml").read_bytes() == SAMPLE.read_bytes()

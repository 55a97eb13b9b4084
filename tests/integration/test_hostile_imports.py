"""Files that meet another file, an interruption, or an instruction that we do not carry out."""

import re
from pathlib import Path

import pytest

from payments.models import Account, Payment
from payments.pain001 import FileRefused
from payments.pain001.importer import import_file
from payments.pain001.sample import sample_document
from payments.pain001.writer import to_xml
from payments.services.accounts import close_account, open_customer_account
from payments.services.seed import DEMO_ACCOUNTS


@pytest.fixture(autouse=True)
def _accounts(database: object) -> None:
    for account in DEMO_ACCOUNTS:
        open_customer_account(iban=account.iban, name=account.holder_name, currency="EUR")


def _file(path: Path, message_id: str) -> Path:
    path.write_bytes(to_xml(sample_document(transactions=60, message_id=message_id)))
    return path


def _found(path: Path, element: str) -> list[str]:
    return re.findall(rf"<(?:\w+:)?{element}>([^<]+)<", path.read_text())


def _with(path: Path, *, after: str, element: str) -> Path:
    """The file with one more element behind the first end tag `after`; `~` stands for the file's prefix."""
    text = path.read_text()
    end = re.search(rf"</(\w+:)?{after}>", text)
    assert end is not None
    path.write_text(text[: end.end()] + element.replace("~", end[1] or "") + text[end.end() :])
    return path


def test_of_two_files_at_once_with_one_uetr_each_ends_and_the_payment_exists_once(tmp_path: Path) -> None:
    first, second = _file(tmp_path / "a.xml", "MSG-A"), _file(tmp_path / "b.xml", "MSG-B")
    uetr, late = _found(first, "UETR")[0], _found(second, "UETR")[-1]
    second.write_text(second.read_text().replace(late, uetr))
    between: list[int] = []

    def the_first_comes_in_between(_done: int, _total: int) -> None:
        if not between:  # the second file was checked and recorded, its first batch runs
            between.append(import_file(first).started)

    report = import_file(second, progress=the_first_comes_in_between)

    assert (between, report.started, len(report.refused)) == ([60], 59, 1)
    assert "another payment has this UETR" in str(report.refused[0])
    assert Payment.objects.count() == 119
    again = import_file(second)
    assert (again.started, again.existing, len(again.refused)) == (0, 59, 1)


def test_an_interrupted_import_is_continued_although_an_account_was_closed_meanwhile(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.xml", "MSG-A")

    def die(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(path, progress=die)
    assert Payment.objects.count() == 25
    debtors = re.findall(r"DbtrAcct>\s*<(?:\w+:)?Id>\s*<(?:\w+:)?IBAN>([^<]+)<", path.read_text())
    close_account(account_id=Account.objects.get(iban=debtors[-1]).pk)

    report = import_file(path)  # not: "The file is refused whole, nothing was started"

    assert (report.started, report.existing) == (35, 25)


@pytest.mark.parametrize(
    ("after", "element"),
    [
        ("DbtrAgt", "<~InstrForDbtrAgt>Do not pay before we have phoned</~InstrForDbtrAgt>"),
        ("CdtrAcct", "<~InstrForCdtrAgt><~Cd>HOLD</~Cd></~InstrForCdtrAgt>"),
    ],
)
def test_an_instruction_that_would_be_left_undone_is_refused(tmp_path: Path, after: str, element: str) -> None:
    path = _with(_file(tmp_path / "a.xml", "MSG-A"), after=after, element=element)
    with pytest.raises(FileRefused, match="cannot be carried out"):
        import_file(path)
    assert not Payment.objects.exists()

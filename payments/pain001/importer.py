"""Imports a pain.001.001.09 file: all of it or nothing, once, and onwards from where an interrupted import stopped.

The file is read and checked completely before anything is stored. Then the message is recorded, and each transaction
is accepted under an idempotency key made of its place in the message. If the process dies, the batches committed so
far are started payments; the same file imported again finds them by their keys and starts only the rest.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from django.db import transaction as database
from django.utils import timezone
from moneyed import Money

from payments.errors import DuplicateUetr
from payments.intake import accept_payment
from payments.models import Account, AccountKind, ImportedMessage, Payment
from payments.pain001.checks import DebtorAccount, InitiatingParty, content_problems, initiating_party
from payments.pain001.document import PaymentFile, read_payment_file
from payments.pain001.instructions import field_problems, idempotency_key, instruction_of
from payments.pain001.problems import FileRefused, Problem
from payments.pain001.transactions import Transaction, group_header, payment_informations

MESSAGE_TYPE = "pain.001.001.09"
DEFAULT_CHANNEL = "file:pain.001"
BATCH = 25  # payments per commit: enough to save round trips, few enough that workers start at once

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    """What a valid file orders."""

    message_id: str
    initiating_party: InitiatingParty
    sha256: str
    transactions: int
    totals: Mapping[str, Money]  # by currency


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did. `first_imported_at` is set when the message was already known.

    `refused` names the transactions that became no payment because another payment got their UETR first, after the
    file was checked: another file or the API was faster.
    """

    summary: FileSummary
    started: int
    existing: int
    refused: tuple[Problem, ...]
    first_imported_at: datetime | None


class ImportInterrupted(Exception):
    """The import stopped after some payments were started; those run on and none is repeated.

    Remove the cause and import the same, unchanged file again: only the missing payments are started.
    """

    def __init__(self, *, done: int, total: int) -> None:
        super().__init__(
            f"The import stopped: {done} of {total} payments exist and run on, {total - done} were not started and "
            "moved no money. Remove the cause, then import the same file again; nothing is started twice."
        )
        self.done = done
        self.total = total


def check_file(path: Path, *, channel: str = DEFAULT_CHANNEL) -> FileSummary:
    """Find out whether `import_file` would accept the file; stores nothing. Raises `FileRefused`."""
    file = read_payment_file(path)
    if not _was_accepted(file):
        _refuse_bad_content(file)
    summary = _summary(file)
    known = ImportedMessage.objects.filter(
        initiating_party=summary.initiating_party.identifier, message_id=summary.message_id
    ).first()
    if known is not None:
        _refuse_another_message(file, known, channel=channel)
    else:
        _refuse_known_uetrs(file)
    return summary


def import_file(path: Path, *, channel: str = DEFAULT_CHANNEL, progress: Progress | None = None) -> ImportReport:
    """Start one payment per transaction of the file.

    When it returns, every payment of the file is durable. Raises `FileRefused` (nothing stored), `ImportInterrupted`
    (some payments started; import again), OSError. `progress(done, total)` is called after each commit.
    """
    file = read_payment_file(path)
    if not _was_accepted(file):
        _refuse_bad_content(file)
    summary = _summary(file)
    message, is_new = _record(file, summary, path=path, channel=channel)
    started, refused = _accept_all(file, summary, channel=channel, progress=progress)
    # Only the first to finish writes the time; a crash before this line leaves the record open, which is the truth.
    ImportedMessage.objects.filter(pk=message.pk, completed_at=None).update(completed_at=timezone.now())
    return ImportReport(
        summary=summary,
        started=started,
        existing=summary.transactions - started - len(refused),
        refused=tuple(refused),
        first_imported_at=None if is_new else message.imported_at,
    )


def _was_accepted(file: PaymentFile) -> bool:
    """Whether this very message was checked and recorded before: some of its payments run, so it is continued,
    whatever was closed meanwhile. Its payments say no for themselves, with a reason."""
    party = initiating_party(file.message.grp_hdr)
    return (
        party is not None
        and ImportedMessage.objects.filter(
            initiating_party=party.identifier, message_id=file.message.grp_hdr.msg_id, sha256=file.sha256
        ).exists()
    )


def _refuse_bad_content(file: PaymentFile) -> None:
    problems = list(content_problems(file, debtor_accounts=_debtor_accounts(file), today=_today()))
    for transaction in _transactions(file):
        problems += field_problems(transaction)
    if problems:
        raise FileRefused(problems=problems)


def _today() -> date:
    return timezone.localdate()


def _debtor_accounts(file: PaymentFile) -> dict[str, DebtorAccount]:
    ibans = {information.content.dbtr_acct.id.iban for information in payment_informations(file)}
    accounts = Account.objects.filter(iban__in=ibans - {None}, kind=AccountKind.CUSTOMER)
    return {
        iban: DebtorAccount(currency=currency, is_open=closed_at is None)
        for iban, currency, closed_at in accounts.values_list("iban", "currency", "closed_at")
        if iban is not None
    }


def _summary(file: PaymentFile) -> FileSummary:
    totals: dict[str, list[Money]] = defaultdict(list)
    count = 0
    for transaction in _transactions(file):
        amount = instruction_of(transaction).amount
        totals[amount.currency.code].append(amount)
        count += 1
    header = file.message.grp_hdr
    party = initiating_party(header)
    if party is None:
        raise ValueError("not checked: the file has no initiating party")
    return FileSummary(
        message_id=header.msg_id,
        initiating_party=party,
        sha256=file.sha256,
        transactions=count,
        totals={code: sum(amounts[1:], amounts[0]) for code, amounts in sorted(totals.items())},
    )


def _transactions(file: PaymentFile) -> Iterator[Transaction]:
    for information in payment_informations(file):
        yield from information.transactions()


@database.atomic
def _record(file: PaymentFile, summary: FileSummary, *, path: Path, channel: str) -> tuple[ImportedMessage, bool]:
    """The message's row, written before its first payment. A refusal takes it back.

    Of two imports at once the second waits here for the first one's commit, and reads its row.
    """
    message, is_new = ImportedMessage.objects.get_or_create(
        initiating_party=summary.initiating_party.identifier,
        message_id=summary.message_id,
        defaults={
            "message_type": MESSAGE_TYPE,
            "sha256": summary.sha256,
            "file_name": path.name[:255],
            "channel": channel,
            "transactions": summary.transactions,
        },
    )
    if is_new:
        _refuse_known_uetrs(file)
    else:
        _refuse_another_message(file, message, channel=channel)
    return message, is_new


def _refuse_another_message(file: PaymentFile, known: ImportedMessage, *, channel: str) -> None:
    header = group_header(file)
    if known.sha256 != file.sha256:
        reason = (
            f"{known.message_id!r} was imported on {known.imported_at:%Y-%m-%d %H:%M %Z} from this party with another "
            f"content (SHA-256 {known.sha256[:16]}…, this file {file.sha256[:16]}…). A new message needs a new MsgId; "
            "to repeat the old one, send the unchanged file."
        )
        raise FileRefused(problems=[header.problem(reason, at="MsgId")])
    if known.channel != channel:
        reason = (
            f"{known.message_id!r} was imported through the channel {known.channel!r}, not {channel!r}. "
            f"Import it with --channel {known.channel} to continue it; another channel would pay it twice."
        )
        raise FileRefused(problems=[header.problem(reason, at="MsgId")])


def _refuse_known_uetrs(file: PaymentFile) -> None:
    """A UETR names one payment in the world: a new message must not bring one that we have."""
    places = {
        transaction.content.pmt_id.uetr: transaction.place
        for transaction in _transactions(file)
        if transaction.content.pmt_id.uetr
    }
    known = Payment.objects.filter(uetr__in=list(places)).values_list("uetr", flat=True) if places else []
    problems: list[Problem] = [
        places[str(uetr)].problem(f"{uetr} belongs to a payment that exists already", at="PmtId/UETR") for uetr in known
    ]
    if problems:
        raise FileRefused(problems=problems)


def _accept_all(
    file: PaymentFile, summary: FileSummary, *, channel: str, progress: Progress | None
) -> tuple[int, list[Problem]]:
    """How many payments were started, and the transactions whose UETR was taken since the file was checked."""
    refused: list[Problem] = []
    started = done = 0
    transactions = _transactions(file)
    while batch := list(islice(transactions, BATCH)):
        try:
            created, taken = _accept_batch(batch, summary, channel=channel)
        except Exception as error:
            # The batch is rolled back; the ones before it are committed and their sagas run.
            raise ImportInterrupted(done=done, total=summary.transactions) from error
        started += created
        refused += taken
        done += len(batch)
        if progress is not None:
            progress(done, summary.transactions)
    return started, refused


def _accept_batch(batch: list[Transaction], summary: FileSummary, *, channel: str) -> tuple[int, list[Problem]]:
    created = 0
    taken: list[Problem] = []
    with database.atomic():
        for transaction in batch:
            key = idempotency_key(transaction, party=summary.initiating_party, message_id=summary.message_id)
            try:
                accepted = accept_payment(instruction=instruction_of(transaction), channel=channel, idempotency_key=key)
            except DuplicateUetr as error:
                # It will be taken for ever: stopping here would leave the rest of the file undone for ever.
                taken.append(transaction.place.problem(error.problem, at="PmtId/UETR"))
            else:
                created += accepted.created
    return created, taken

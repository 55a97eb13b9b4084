"""manage.py sagas list | show ID | verify [ID ...] | resume ID: what operators look up, prove and set going again."""

import getpass
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from sagas import operating
from sagas.console.durations import in_words
from sagas.console.situation import age, headline, is_overdue, next_wake, waits_for
from sagas.console.terminal import clipped, console, instant, plain
from sagas.models import LedgerEntry, Saga, SagaStatus, Status
from sagas.proof import BrokenChain, broken_chains

_BATCH = 200


class Command(BaseCommand):
    help = "Look sagas up, prove their chains, set parked ones going again: list, show, verify, resume."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True)

        listing = self._subcommand(commands, "list", self._list, "the newest sagas, newest first")
        listing.add_argument("--status", choices=Status.values)
        listing.add_argument("--definition", help="such as payments.credit_transfer")
        listing.add_argument("--business-key", help="such as a payment's UETR")
        listing.add_argument("--overdue", action="store_true", help="parked, and nobody has looked in time")
        listing.add_argument("--limit", type=int, default=50, help="rows at most (default: %(default)s)")

        showing = self._subcommand(commands, "show", self._show, "one saga: where it stands, and its ledger")
        showing.add_argument("saga", type=UUID, metavar="ID")

        verifying = self._subcommand(
            commands,
            "verify",
            self._verify,
            "recompute the chains of all sagas, or of these; exit code 1 if one breaks",
        )
        verifying.add_argument("sagas", type=UUID, metavar="ID", nargs="*")

        resuming = self._subcommand(
            commands, "resume", self._resume, "let a parked saga go on from where it stands, with fresh attempts"
        )
        resuming.add_argument("saga", type=UUID, metavar="ID")
        resuming.add_argument("--reason", required=True, help="why it may go on; it becomes part of the ledger")

    def _subcommand(self, commands: Any, name: str, run: Callable[..., None], text: str) -> CommandParser:
        parser: CommandParser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        parser.set_defaults(run=run)
        return parser

    def handle(self, *args: Any, run: Callable[..., None], **options: Any) -> None:
        run(options)

    # --- list ---

    def _list(self, options: dict[str, Any]) -> None:
        if options["limit"] < 1:
            raise CommandError(f"--limit is {options['limit']}; the least is 1.")
        now = timezone.now()
        wanted = {
            "status": options["status"],
            "definition": options["definition"],
            "business_key": options["business_key"],
        }
        rows = SagaStatus.objects.select_related("saga").order_by("-started_at", "-saga_id")
        rows = rows.filter(**{field: value for field, value in wanted.items() if value is not None})
        if options["overdue"]:
            rows = rows.filter(status=Status.PARKED, parked_due_at__lt=now)
        out = console()
        # In a narrow window what matters least is left out, so that ids are whole: `show` has all of it.
        columns = [column for column in _LIST if out.width >= column.least_width]
        table = Table(*(Column(column.title, no_wrap=column.is_whole, overflow="fold") for column in columns))
        for row in rows[: options["limit"]]:
            table.add_row(*(plain(column.text(row, now)) for column in columns))
        out.print(table if table.row_count else "No saga is like that.")

    # --- show ---

    def _show(self, options: dict[str, Any]) -> None:
        saga_id: UUID = options["saga"]
        status = SagaStatus.objects.select_related("saga").filter(saga_id=saga_id).first()
        if status is None:
            raise CommandError(f"There is no saga {saga_id}.")
        entries = list(LedgerEntry.objects.filter(saga_id=saga_id).order_by("seq"))
        broken = broken_chains([saga_id])
        facts = Table.grid(padding=(0, 2))
        for label, text in _facts(status, entries, broken):
            facts.add_row(label, plain(text))
        out = console()
        out.print(facts)
        if out.width >= _WIDE_LEDGER:
            table = Table("No.", "Time (UTC)", "Type", "Step", "Attempt", "Idempotency key", "Written by", "Body")
            for column in table.columns[:-1]:
                column.no_wrap = True
            for entry in entries:
                table.add_row(*_cells(entry), _body(entry))
            out.print(table)
            return
        for entry in entries:
            number, at, kind, step, attempt, key, actor = _cells(entry)
            out.print(Text(" ").join([number, at, kind]), soft_wrap=True)
            parts = [step, Text.assemble("attempt ", attempt) if attempt else attempt, actor]
            for line in (Text(", ").join(part for part in parts if part), key, _body(entry)):
                if line:
                    out.print(Text.assemble("    ", line), soft_wrap=True)

    # --- verify ---

    def _verify(self, options: dict[str, Any]) -> None:
        ids: list[UUID] = options["sagas"]
        if ids:
            known = set(Saga.objects.filter(id__in=ids).values_list("id", flat=True))
            missing = [str(saga_id) for saga_id in ids if saga_id not in known]
            if missing:
                raise CommandError(f"There is no saga {', '.join(missing)}. Nothing was verified.")
        total = len(ids) if ids else Saga.objects.count()
        sagas = iter(ids) if ids else Saga.objects.order_by("id").values_list("id", flat=True).iterator()
        broken: list[BrokenChain] = []
        verified = 0
        # The bar goes to standard error, so that the verdict can be piped.
        columns = (TextColumn("Verifying chains"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("verify", total=total)
            for batch in _batches(sagas):
                broken += broken_chains(batch)
                verified += len(batch)
                bar.update(task, completed=verified)
        for chain in broken:
            self.stdout.write(f"saga {chain.saga_id}: {chain.problem}")
        if broken:
            raise CommandError(
                f"{len(broken)} of {verified} chains are not as the engine wrote them. Change nothing, keep these "
                "rows, and call whoever answers for the audit trail."
            )
        self.stdout.write(f"{verified} chains verified: every entry is as it was written.")

    # --- resume ---

    def _resume(self, options: dict[str, Any]) -> None:
        try:
            operating.resume(options["saga"], sender=f"shell:{getpass.getuser()}", reason=options["reason"])
        except (LookupError, ValueError) as problem:
            raise CommandError(f"{problem}. Nothing was changed.") from problem
        self.stdout.write("It goes on with the next sweep of a running worker. `manage.py sagas show` tells how.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column of `list`, shown in windows of at least this width."""

    title: str
    text: Callable[[SagaStatus, datetime], str]
    least_width: int = 0
    is_whole: bool = True


def _definition(row: SagaStatus) -> str:
    return f"{row.definition} v{row.version}"


def _waits(row: SagaStatus, now: datetime) -> str:
    return _parked(row) if row.status == Status.PARKED else next_wake(row, now=now)


_LIST: Final = (
    _Column(title="Saga", text=lambda row, _: str(row.saga_id)),
    _Column(title="Status", text=lambda row, _: row.status),
    _Column(
        title="Definition", text=lambda row, _: f"{row.definition} v{row.version}", least_width=120, is_whole=False
    ),
    _Column(title="Business key", text=lambda row, _: row.business_key, least_width=200, is_whole=False),
    _Column(title="Started (UTC)", text=lambda row, _: instant(row.started_at), least_width=160),
    _Column(title="Age", text=lambda row, now: in_words(age(row, now=now)), least_width=100),
    _Column(title="Waits for", text=_waits, is_whole=False),
)

#: From this width on, the ledger's ids and keys fit beside a column for the body.
_WIDE_LEDGER: Final = 200


def _cells(entry: LedgerEntry) -> list[Text]:
    texts = (
        str(entry.seq),
        f"{entry.at:%Y-%m-%d %H:%M:%S.%f}",
        entry.type,
        f"undo: {entry.step}" if entry.step and entry.direction == "undo" else entry.step,
        str(entry.attempt or ""),
        entry.idempotency_key,
        entry.actor,
    )
    return [plain(text) for text in texts]


def _body(entry: LedgerEntry) -> Text:
    return plain("(purged)") if entry.body is None else clipped(entry.body, limit=2000)


def _batches(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    left = iter(ids)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _parked(status: SagaStatus) -> str:
    due = status.parked_due_at
    if due is None:
        return status.parked_owner
    late = ", OVERDUE" if is_overdue(status, now=timezone.now()) else ""
    return f"{status.parked_owner}, due {instant(due)}{late}"


def _facts(status: SagaStatus, entries: list[LedgerEntry], broken: list[BrokenChain]) -> Iterator[tuple[str, str]]:
    now = timezone.now()
    yield "Saga", f"{status.saga_id} {status.definition} v{status.version}"
    yield "Status", f"{status.status}: {headline(status)}"
    if status.reason:
        yield "Reason", status.reason
    if entries and not status.saga.ended:
        yield "Waits for", waits_for(status, entries[-1], now=now)
    if wake := next_wake(status, now=now):
        yield "Next wake-up", wake
    if status.parked_owner:
        yield "Parked with", _parked(status)
    yield "Business key", status.business_key
    yield "Channel", status.channel
    yield "Started", f"{instant(status.started_at)} UTC, age {in_words(age(status, now=now))}"
    yield "Chain", f"BROKEN: {broken[0].problem}" if broken else f"verified, {status.saga.head_seq} entries"
    yield "Head", bytes(status.saga.head_hash).hex()

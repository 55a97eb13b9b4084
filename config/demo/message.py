"""The payments of one run: the first time the file that the project ships, then a new message of the same make."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.utils import timezone

import payments
from config.demo.errors import DemoFailed
from payments.intake import CREDIT_TRANSFER
from payments.models import ImportedMessage
from payments.pain001.checks import initiating_party
from payments.pain001.document import read_payment_file
from payments.pain001.importer import DEFAULT_CHANNEL, import_file
from payments.pain001.instructions import idempotency_key
from payments.pain001.sample import SAMPLE_MESSAGE_ID, sample_document
from payments.pain001.transactions import group_header, payment_informations
from payments.pain001.writer import to_xml
from sagas.models import IdempotencyKey

SHIPPED = Path(payments.__path__[0]) / "samples" / "pain001_200.xml"


@dataclass(frozen=True, slots=True)
class Message:
    """A pain.001 file that nobody has imported yet."""

    path: Path
    is_shipped: bool

    @classmethod
    def for_a_new_run(cls, *, directory: Path) -> "Message":
        """The shipped file, or, once that was imported, a new message in the directory."""
        if not ImportedMessage.objects.filter(message_id=SAMPLE_MESSAGE_ID).exists():
            return cls(path=SHIPPED, is_shipped=True)
        now = timezone.now()
        message_id = f"DEMO-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        path = directory / f"{message_id}.xml"
        document = sample_document(message_id=message_id, requested_on=now.date())
        directory.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_xml(document))
        return cls(path=path, is_shipped=False)

    def import_all(self, *, progress: Callable[[int, int], None]) -> str:
        """Start a saga per payment; says in a sentence what that was."""
        report = import_file(self.path, progress=progress)
        totals = ", ".join(f"{money.amount:,} {code}" for code, money in report.summary.totals.items())
        return f"{report.started} payments imported, {totals}"

    def saga_ids(self) -> list[UUID]:
        """The sagas that the import has started."""
        file = read_payment_file(self.path)
        header = group_header(file)
        party = initiating_party(file.message.grp_hdr)
        if party is None:
            raise ValueError(f"{header.path}: no initiating party; import the file before asking for its sagas")
        keys = [
            idempotency_key(transaction, party=party, message_id=file.message.grp_hdr.msg_id)
            for information in payment_informations(file)
            for transaction in information.transactions()
        ]
        started = IdempotencyKey.objects.filter(channel=DEFAULT_CHANNEL, definition=CREDIT_TRANSFER, key__in=keys)
        found = list(started.values_list("saga_id", flat=True))
        if len(found) != len(keys):
            raise DemoFailed(
                f"Of the {len(keys)} transactions of {self.path.name} only {len(found)} became payments. Those run on, "
                "the others moved no money."
            )
        return found

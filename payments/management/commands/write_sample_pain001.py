"""manage.py write_sample_pain001 FILE: write a made-up pain.001.001.09 file of the demo bank's customers."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments.pain001.sample import SAMPLE_DATE, SAMPLE_MESSAGE_ID, SAMPLE_SIZE, sample_document
from payments.pain001.writer import to_xml


class Command(BaseCommand):
    help = (
        "Write a made-up pain.001.001.09 file whose debtors are the demo bank's customers; some payments ask for "
        "trouble. Without options it is payments/samples/pain001_200.xml, byte for byte."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--transactions", type=int, default=SAMPLE_SIZE)
        parser.add_argument("--message-id", default=SAMPLE_MESSAGE_ID, help="another MsgId gives another message")
        parser.add_argument("--date", type=date.fromisoformat, default=SAMPLE_DATE, help="requested execution date")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            document = sample_document(
                transactions=options["transactions"], message_id=options["message_id"], requested_on=options["date"]
            )
            path.write_bytes(to_xml(document))
        except ValueError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{path}: {options['transactions']} transactions, message {options['message_id']}")

"""manage.py import_pain001 FILE: start one payment per transaction of an ISO 20022 pain.001.001.09 file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from payments.pain001.importer import (
    DEFAULT_CHANNEL,
    FileSummary,
    ImportInterrupted,
    ImportReport,
    check_file,
    import_file,
)
from payments.pain001.problems import FileRefused


class Command(BaseCommand):
    help = (
        "Start one payment per transaction of a pain.001.001.09 file. The file is checked completely first and refused "
        "whole, with line and reason, if anything is wrong. Importing the same file again starts nothing twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--check", action="store_true", help="only validate the file; store and start nothing")
        parser.add_argument(
            "--channel",
            default=DEFAULT_CHANNEL,
            help="the channel that the payments are recorded under (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        channel: str = options["channel"]
        if len(channel) > 100:
            raise CommandError(f"--channel has {len(channel)} characters, the limit is 100.")
        try:
            if options["check"]:
                self._tell_checked(path, check_file(path, channel=channel))
            else:
                self._tell_imported(path, self._import(path, channel=channel))
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}. Nothing was started.") from error
        except FileRefused as error:
            raise CommandError(f"{path}: {error}") from error
        except ImportInterrupted as error:
            raise CommandError(f"{path}: {error}\nThe cause: {error.__cause__!r}") from error

    def _import(self, path: Path, *, channel: str) -> ImportReport:
        # The bar goes to standard error, so that the report can be piped; off a terminal rich shows only its end.
        columns = (TextColumn("Starting payments"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("import", total=None, visible=False)  # a refused file never gets a bar
            return import_file(
                path,
                channel=channel,
                progress=lambda done, total: bar.update(task, completed=done, total=total, visible=True),
            )

    def _tell_checked(self, path: Path, summary: FileSummary) -> None:
        self.stdout.write(self._headline(path, summary))
        self.stdout.write("The file is valid. Nothing was started (--check).")

    def _tell_imported(self, path: Path, report: ImportReport) -> None:
        summary = report.summary
        self.stdout.write(self._headline(path, summary))
        if report.first_imported_at is not None:
            self.stdout.write(
                f"Already imported on {report.first_imported_at:%Y-%m-%d %H:%M:%S %Z}: "
                f"{report.existing} of {summary.transactions} payments existed."
            )
        refused = len(report.refused)
        self.stdout.write(f"started {report.started}, already there {report.existing}, refused {refused}")
        for problem in report.refused:
            self.stdout.write(f"  not started: {problem}")

    def _headline(self, path: Path, summary: FileSummary) -> str:
        totals = ", ".join(f"{money.amount:,} {code}" for code, money in summary.totals.items())
        return f"{path.name}: message {summary.message_id}, {summary.transactions} transactions, {totals}"

"""manage.py demo: payments through a killed worker, then the books and the ledger proved."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo.errors import DemoFailed
from config.demo.ports import SIMULATORS_DEFAULT, WEB_DEFAULT
from config.demo.screen import Screen
from config.demo.show import Options, show
from config.env import env


class Command(BaseCommand):
    help = (
        "Run 200 payments of a bank file through real workers, kill one of them in the middle, and prove the books. "
        "Then the web process and the workers keep running until Ctrl-C."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end afterwards; exit status 0 if every check held")
        parser.add_argument(
            "--port",
            type=int,
            default=env.int("RECOURSE_PORT", default=WEB_DEFAULT),
            help="of the web process (RECOURSE_PORT, %(default)s)",
        )
        parser.add_argument(
            "--simulators-port",
            type=int,
            default=env.int("RECOURSE_SIMULATORS_PORT", default=SIMULATORS_DEFAULT),
            help="of the simulated outside world (RECOURSE_SIMULATORS_PORT, %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            status = show(
                Screen(),
                Options(once=options["once"], port=options["port"], simulators_port=options["simulators_port"]),
            )
        except DemoFailed as error:
            raise CommandError(str(error)) from error
        sys.exit(status)

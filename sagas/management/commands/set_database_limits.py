from typing import Any

from django.core.management.base import BaseCommand

from sagas import limits


class Command(BaseCommand):
    help = "Give the connected database role the time limits that fit the lease (run it once per database and role)."

    def handle(self, *_args: Any, **_options: Any) -> None:
        limits.set_limits()
        for name, value in limits.wanted().items():
            self.stdout.write(f"{name} = {value}")
        self.stdout.write("New sessions of this role have these limits; restart web and workers.")

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.channels import ChannelRefused, create_channel


class Command(BaseCommand):
    help = "Register a channel: an OAuth2 client that may call the API. Prints its id and its secret, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what people call the channel")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=list(settings.OAUTH2_PROVIDER["SCOPES"]),
            help="what its tokens may do; repeat it for more",
        )
        parser.add_argument("--show-json", action="store_true", help="print one JSON object, for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        scopes = sorted(set(options["scope"]))
        try:
            channel = create_channel(name=options["name"], scopes=scopes)
        except ChannelRefused as refused:
            raise CommandError(str(refused)) from refused
        if options["show_json"]:
            plain = {"client_id": channel.client_id, "client_secret": channel.client_secret, "scopes": scopes}
            self.stdout.write(json.dumps(plain))
            return
        self.stdout.write(f"client id:     {channel.client_id}")
        self.stdout.write(f"client secret: {channel.client_secret}")
        self.stdout.write(f"scopes:        {' '.join(scopes)}")
        self.stdout.write("Only a hash of the secret is stored: keep it now, it cannot be shown again.")

"""Registers channels: programs of others that call the API with OAuth2 client credentials."""

from collections.abc import Collection
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from oauth2_provider.models import Application

from config.models import Channel


class ChannelRefused(ValueError):
    """The channel cannot be registered as asked; nothing was stored. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a channel authenticates with. Only a hash of the secret is stored: this is the one time it is known."""

    client_id: str
    client_secret: str = field(repr=False)


def create_channel(*, name: str, scopes: Collection[str]) -> Credentials:
    """Register a confidential client for the client-credentials grant; durable on return.

    Its tokens may have these scopes and no others. Raises `ChannelRefused` for an empty or taken name, no scope, and an
    unknown one.
    """
    if not name.strip() or len(name) > 255:
        raise ChannelRefused(f"the name has {len(name)} characters; it needs 1 to 255, not only blanks")
    unknown = sorted(set(scopes) - set(settings.OAUTH2_PROVIDER["SCOPES"]))
    if unknown or not scopes:
        known = ", ".join(settings.OAUTH2_PROVIDER["SCOPES"])
        raise ChannelRefused(f"{'unknown scope: ' + unknown[0] if unknown else 'no scope given'}; there are: {known}")
    with transaction.atomic():
        if Application.objects.filter(name=name).exists():
            raise ChannelRefused(f"there is a channel named {name!r} already; it was left as it is")
        application = Application(
            name=name,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        )
        secret = str(application.client_secret)  # saving replaces it by its hash
        application.save()
        Channel.objects.create(application=application, scopes=sorted(set(scopes)))
    return Credentials(client_id=str(application.client_id), client_secret=secret)

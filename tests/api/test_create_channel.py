"""Channels are registered by a command that shows their secret once."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from oauth2_provider.models import Application

from config.channels import ChannelRefused, Credentials, create_channel
from config.models import Channel
from tests.api.caller import ask_for_token


def _run(*arguments: str) -> str:
    said = StringIO()
    call_command("create_channel", *arguments, stdout=said)
    return said.getvalue()


def test_the_command_prints_credentials_that_get_a_token() -> None:
    said = json.loads(_run("shop", "--scope", "payments:write", "--scope", "payments:read", "--show-json"))
    assert said.pop("scopes") == ["payments:read", "payments:write"]
    assert ask_for_token(Credentials(**said), "payments:write").status_code == 200


def test_the_command_tells_people_to_keep_the_secret() -> None:
    said = _run("shop", "--scope", "payments:read")
    assert Application.objects.get().client_id in said
    assert "cannot be shown again" in said


def test_a_name_is_used_once_and_the_first_channel_stays() -> None:
    _run("shop", "--scope", "payments:read")
    with pytest.raises(CommandError, match="already"):
        _run("shop", "--scope", "payments:write")
    assert Channel.objects.get().scopes == ["payments:read"]


@pytest.mark.parametrize(
    ("name", "scopes"), [("", ["payments:read"]), (" ", ["payments:read"]), ("a", []), ("a", ["x"])]
)
def test_a_channel_without_name_or_known_scope_is_refused(name: str, scopes: list[str]) -> None:
    with pytest.raises(ChannelRefused):
        create_channel(name=name, scopes=scopes)
    assert not Application.objects.exists()


def test_a_secret_is_not_shown_by_accident() -> None:
    assert "sesame" not in repr(Credentials(client_id="shop", client_secret="sesame"))

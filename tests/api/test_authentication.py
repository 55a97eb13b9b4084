"""Who may call: channels with a token that has the scope, and nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from config.channels import create_channel
from tests.api.caller import PAYMENTS, Caller, ask_for_token, basic, client, is_problem, order, rows
from tests.integration.bank import customer

SOME_ID = "019a9f6e-1c40-7a51-8f6e-3b1f5f0d9a77"


def test_a_channel_gets_a_token_for_five_minutes_with_the_scopes_that_it_asks_for() -> None:
    channel = create_channel(name="shop", scopes=["payments:write", "payments:read"])
    token = ask_for_token(channel, "payments:read").json()
    assert (token["expires_in"], token["scope"], token["token_type"]) == (300, "payments:read", "Bearer")
    assert "refresh_token" not in token


def test_a_channel_gets_no_scope_that_it_was_not_given() -> None:
    channel = create_channel(name="shop", scopes=["payments:read"])
    answer = ask_for_token(channel, "payments:read payments:write")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_channel_must_say_which_scopes_it_wants() -> None:
    channel = create_channel(name="shop", scopes=["payments:read"])
    answer = ask_for_token(channel, "")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "implicit"])
def test_there_is_no_other_grant_than_client_credentials(grant: str) -> None:
    channel = create_channel(name="shop", scopes=["payments:read"])
    form = {"grant_type": grant, "username": "a", "password": "b", "code": "c", "refresh_token": "d"}
    answer = client().post("/oauth/token/", form, headers={"Authorization": basic(channel)})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_a_wrong_secret_gets_no_token() -> None:
    channel = create_channel(name="shop", scopes=["payments:read"])
    wrong = type(channel)(client_id=channel.client_id, client_secret="wrong")
    assert ask_for_token(wrong).status_code == 401


def test_neither_secrets_nor_tokens_are_stored() -> None:
    channel = create_channel(name="shop", scopes=["payments:read"])
    token = ask_for_token(channel, "payments:read").json()["access_token"]
    assert Application.objects.get().client_secret != channel.client_secret
    stored = AccessToken.objects.get()
    assert token not in {str(getattr(stored, field.attname)) for field in AccessToken._meta.concrete_fields}


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer a b", "nonsense"])
@pytest.mark.parametrize("path", [PAYMENTS, f"{PAYMENTS}/{SOME_ID}", f"/api/v1/sagas/{SOME_ID}"])
def test_without_a_valid_token_nothing_is_shown(path: str, authorization: str | None) -> None:
    answer: Any = client().get(path, headers={"Authorization": authorization} if authorization else {})
    assert is_problem(answer, 401, "not-authenticated")
    assert answer["WWW-Authenticate"].startswith('Bearer realm="api"')


def test_an_order_without_a_token_is_refused_before_its_body_is_read() -> None:
    answer = client().post(PAYMENTS, b"{not json", content_type="application/json")
    assert is_problem(answer, 401, "not-authenticated")


def test_an_expired_token_is_refused(shop: Caller) -> None:
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    answer = shop.get(PAYMENTS)
    assert is_problem(answer, 401, "not-authenticated")
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_token_in_the_address_is_refused_because_logs_would_keep_it(shop: Caller) -> None:
    assert is_problem(client().get(f"{PAYMENTS}?access_token={shop.token}"), 401, "not-authenticated")


def test_a_revoked_token_is_refused_at_once() -> None:
    channel = create_channel(name="shop", scopes=["payments:read"])
    caller = Caller(client_id=channel.client_id, token=ask_for_token(channel, "payments:read").json()["access_token"])
    assert caller.get(PAYMENTS).status_code == 200
    client().post("/oauth/revoke_token/", {"token": caller.token}, headers={"Authorization": basic(channel)})
    assert caller.get(PAYMENTS).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", PAYMENTS, "payments:write"),
        ("GET", PAYMENTS, "payments:read"),
        ("HEAD", PAYMENTS, "payments:read"),
        ("GET", f"{PAYMENTS}/{SOME_ID}", "payments:read"),
        ("GET", f"/api/v1/sagas/{SOME_ID}", "sagas:read"),
        ("GET", f"/api/v1/sagas/{SOME_ID}/entries", "sagas:read"),
    ],
)
@pytest.mark.usefixtures("database")
def test_each_endpoint_needs_its_own_scope(method: str, path: str, needed: str) -> None:
    others = [scope for scope in settings.OAUTH2_PROVIDER["SCOPES"] if scope != needed]
    caller = Caller.new(*others)
    body = order(customer("100.00"))
    headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": "k"}
    answer: Any = client().generic(method, path, str(body), "application/json", headers=headers)
    assert answer.status_code == 403
    assert f'error="insufficient_scope",scope="{needed}"' in answer["WWW-Authenticate"]
    if method != "HEAD":
        assert is_problem(answer, 403, "insufficient-scope")
        assert answer.json()["required_scopes"] == needed
    assert set(rows().values()) == {0}

"""What nobody may do in the console, superusers neither."""

import pytest
from oauth2_provider.models import Application

from payments.models import Account, Payment
from tests.api.caller import Caller, order
from tests.integration.bank import customer
from tests.integration.console import PAYMENTS, SAGAS, logged_in


def test_nobody_renames_a_channel_whose_repeats_would_then_pay_again() -> None:
    caller, debtor = Caller.new(), customer("100.00")
    first = caller.order(order(debtor)).json()
    application = Application.objects.get(client_id=caller.client_id)
    logged_in(superuser=True).post(
        f"/admin/oauth2_provider/application/{application.pk}/change/",
        {
            "name": "shop",
            "client_id": "renamed",
            "client_type": "confidential",
            "authorization_grant_type": "client-credentials",
            "client_secret": application.client_secret,
            "hash_client_secret": "on",
            "redirect_uris": "",
            "post_logout_redirect_uris": "",
            "allowed_origins": "",
            "algorithm": "",
            "user": "",
        },
    )
    repeated = caller.order(order(Account.objects.get(pk=debtor.pk)))
    assert (repeated.json()["id"], repeated.headers.get("Idempotent-Replayed")) == (first["id"], "true")
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    "address",
    [
        f"{PAYMENTS}?state__exact=%00",
        f"{SAGAS}?status__exact=%00",
        f"{SAGAS}?definition=%00",
    ],
)
def test_a_filter_that_nothing_could_match_shows_the_whole_list(address: str) -> None:
    answer = logged_in(role="operators").get(address, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain == [(address.partition("?")[0] + "?e=1", 302)]

"""What nobody may do in the console, superusers neither."""

from oauth2_provider.models import Application

from payments.models import Account, Payment
from tests.api.caller import Caller, order
from tests.integration.bank import customer
from tests.integration.console import logged_in


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

"""Who may see what in the console, and that nobody changes anything there."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from config.roles import ROLES, ensure_roles
from sagas.models import SagaStatus
from tests.integration.console import (
    ACCOUNTS,
    BOOKS,
    JOURNALS,
    PAYMENTS,
    SAGAS,
    booked,
    logged_in,
    ordered,
    page,
    page_of,
)

LISTS = (SAGAS, PAYMENTS, ACCOUNTS, JOURNALS)


def _who_may(*permissions: str) -> Client:
    user = User.objects.create(username="somebody", is_staff=True)
    for permission in permissions:
        app, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Client()
    client.force_login(user)
    return client


def _pages() -> list[str]:
    payment = ordered()
    journal_id = booked(payment)
    status = SagaStatus.objects.get(saga_id=payment.saga_id)
    records = [page_of(status), page_of(payment), page_of(payment.debtor_account), f"{JOURNALS}{journal_id}/change/"]
    return [*LISTS, *records, BOOKS]


def test_anonymous_people_are_asked_to_log_in() -> None:
    for url in _pages():
        answer = Client().get(url)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")


def test_the_bare_address_leads_to_the_console() -> None:
    assert Client().get("/").headers["Location"] == "/admin/"


def test_the_console_lists_no_actions_for_there_are_none() -> None:
    shown = page(logged_in(role="operators"), "/admin/")
    assert "Recent actions" not in shown
    assert "Books" in shown


def test_people_without_the_staff_flag_see_nothing() -> None:
    for url in _pages():
        assert logged_in(role="operators", staff=False).get(url).status_code == 302


def test_staff_without_permissions_see_nothing() -> None:
    client = logged_in()
    assert "You don’t have permission to view or edit anything." in page(client, "/admin/")
    for url in _pages():
        assert client.get(url).status_code == 403, url


@pytest.mark.parametrize("role", ROLES)
def test_operators_and_auditors_see_every_page(role: str) -> None:
    client = logged_in(role=role)
    for url in _pages():
        assert client.get(url).status_code == 200, url


@pytest.mark.parametrize("superuser", [False, True])
def test_there_is_nothing_to_add_change_or_delete_not_even_for_superusers(superuser: bool) -> None:
    client = logged_in(role="operators", superuser=superuser)
    for url in _pages():
        text = page(client, url)
        # The form around a list is Django's; it has nothing to send.
        assert set(re.findall(r'<form id="([^"]+)" method="post"', text)) <= {"logout-form", "changelist-form"}
        assert 'type="submit" name="_' not in text
        assert "addlink" not in re.sub(r'<div class="app-(?:auth|oauth2).*?</table>', "", text, flags=re.DOTALL)
        assert "/delete/" not in text
        assert 'name="action"' not in text


def test_a_record_cannot_be_posted_to_and_has_no_address_for_changing_it() -> None:
    client = logged_in(superuser=True)
    for url in _pages():
        if url.endswith("/change/"):
            assert client.post(url, {"state": "settled"}).status_code == 405
            assert client.get(url.replace("/change/", "/delete/")).status_code == 404
            assert client.get(url.replace("/change/", "/history/")).status_code == 404
    for url in LISTS:
        assert client.get(f"{url}add/").status_code == 404


def test_a_list_takes_no_action() -> None:
    payment = ordered()
    client = logged_in(superuser=True)
    posted = {"action": "delete_selected", "_selected_action": str(payment.pk), "post": "yes"}
    client.post(PAYMENTS, posted)
    assert page(client, page_of(payment))


def test_a_record_that_is_not_there_is_not_found() -> None:
    client = logged_in(role="operators")
    for url in LISTS:
        for key in ("00000000-0000-0000-0000-000000000000", "nonsense", "_5F"):
            assert client.get(f"{url}{key}/change/").status_code == 404


def test_who_may_see_sagas_only_learns_nobodys_name_and_gets_no_link_that_refuses() -> None:
    payment = ordered()
    status = SagaStatus.objects.get(saga_id=payment.saga_id)
    client = _who_may("sagas.view_sagastatus")
    text = page(client, page_of(status))
    assert "/admin/payments/" not in text
    for personal in (payment.debtor_name, payment.creditor_name, payment.creditor_iban, payment.end_to_end_id):
        assert personal not in text


def test_who_may_see_payments_only_sees_no_timeline_account_hold_or_journal() -> None:
    payment = ordered()
    booked(payment)
    text = page(_who_may("payments.view_payment"), page_of(payment))
    assert payment.debtor_name in text
    for hidden in ('class="tl"', "/admin/sagas/", ACCOUNTS, JOURNALS, "posted at", str(payment.debtor_account.iban)):
        assert hidden not in text


def test_who_may_see_journals_only_sees_accounts_without_names_and_ibans() -> None:
    payment = ordered()
    journal_id = booked(payment)
    text = page(_who_may("payments.view_journal"), f"{JOURNALS}{journal_id}/change/")
    assert str(payment.debtor_account_id) in text
    for personal in (payment.debtor_name, str(payment.debtor_account.iban)):
        assert personal not in text


def test_who_may_see_accounts_only_sees_no_postings_and_not_the_books() -> None:
    payment = ordered()
    booked(payment)
    client = _who_may("payments.view_account")
    text = page(client, page_of(payment.debtor_account))
    assert "Postings" not in text
    assert client.get(BOOKS).status_code == 403
    assert "Books" not in page(client, "/admin/")


def test_roles_can_be_ensured_again_and_again() -> None:
    first, second = ensure_roles(), ensure_roles()
    assert first == second
    for name, group in second.items():
        given = {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")}
        assert given == set(ROLES[name])
        assert all(".view_" in permission for permission in given)


def test_ensuring_roles_takes_back_what_was_added_by_hand() -> None:
    group = ensure_roles()["operators"]
    group.permissions.add(Permission.objects.get(codename="change_payment"))
    assert not ensure_roles()["operators"].permissions.filter(codename="change_payment").exists()


def test_roles_without_their_permissions_are_refused_by_name() -> None:
    Permission.objects.filter(codename="view_payment").delete()
    with pytest.raises(LookupError, match=r"payments\.view_payment: run `manage\.py migrate` first"):
        ensure_roles()

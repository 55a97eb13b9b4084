"""The console's pages of payments, accounts and journals."""

import re

from django.db import transaction

from payments.admin import accounts
from payments.models import Account, Journal, JournalKind, Payment
from payments.services import payments
from payments.services.ledger import credit, debit, post_journal
from sagas.models import SagaStatus
from tests.integration.bank import TODAY, again, customer, eur, key, settlement
from tests.integration.console import (
    ACCOUNTS,
    JOURNALS,
    PAYMENTS,
    SAGAS,
    booked,
    held,
    logged_in,
    ordered,
    page,
    page_of,
    statements,
)


def _rows(text: str) -> list[str]:
    """The text of each row of the page's lists and tables, their heads included."""
    rows = re.findall(r"<tr.*?</tr>", text.rpartition('id="content-main"')[2], re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in rows]


def test_the_list_shows_state_amount_parties_and_reference() -> None:
    payment = ordered(creditor_name="Ben Bakker", reference="INV-9")
    rows = _rows(page(logged_in(role="operators"), PAYMENTS))
    assert f"INV-9 received 12.50 EUR {payment.debtor_name} Ben Bakker" in rows[1]


def test_amounts_have_the_digits_of_their_currency() -> None:
    customer("5000", currency="JPY"), customer("1234567.5", currency="EUR"), customer("1.5", currency="BHD")
    text = page(logged_in(role="operators"), ACCOUNTS)
    for amount in ("5,000 JPY", "1,234,567.50 EUR", "1.500 BHD"):
        assert f">{amount}</td>" in text


def test_a_payment_is_found_by_every_reference_it_has_and_by_both_ibans() -> None:
    payment, other = ordered(reference="INV-1"), ordered(reference="INV-2")
    client = logged_in(role="operators")
    iban = str(payment.debtor_account.iban)
    spaced = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4)).lower()
    for term in ("INV-1", str(payment.uetr), str(payment.pk), str(payment.saga_id), iban, spaced):
        rows = _rows(page(client, f"{PAYMENTS}?q={term}"))
        assert [row.split()[0] for row in rows[1:]] == ["INV-1"], term
    both = _rows(page(client, f"{PAYMENTS}?q={payment.creditor_iban}"))
    assert {row.split()[0] for row in both[1:]} == {"INV-1", "INV-2"}
    assert "0 payments" in page(client, f"{PAYMENTS}?q={str(other.uetr)[:8]}")


def test_a_reference_that_looks_like_an_iban_is_found_too() -> None:
    ordered(reference="NL91INVOICE0000000123")
    assert "1 payment\n" in page(logged_in(role="operators"), f"{PAYMENTS}?q=NL91INVOICE0000000123")


def test_states_have_their_counts_and_filter() -> None:
    payments.mark_validated(payment=ordered(reference="INV-1"))
    ordered(reference="INV-2"), ordered(reference="INV-3")
    client = logged_in(role="operators")
    text = page(client, PAYMENTS)
    for facet in ("Received (2)", "Validated (1)", "Settled (0)"):
        assert facet in text
    assert "1 payment\n" in page(client, f"{PAYMENTS}?state__exact=validated")


def test_the_page_shows_parties_hold_journal_and_timeline_and_links_to_the_saga() -> None:
    payment = ordered()
    journal_id = booked(payment)
    text = page(logged_in(role="operators"), page_of(payment))
    for shown in (payment.debtor_name, payment.creditor_iban, "Invoice 1", str(payment.uetr), "12.50 EUR", "posted at"):
        assert shown in text
    for link in (f"{SAGAS}{payment.saga_id}/change/", f"{JOURNALS}{journal_id}/change/", "<svg"):
        assert link in text


def test_the_sagas_page_links_back_to_its_payment_without_naming_anybody() -> None:
    payment = ordered(reference="INV-4")
    status = SagaStatus.objects.get(saga_id=payment.saga_id)
    text = page(logged_in(role="operators"), page_of(status))
    assert f'<a href="{page_of(payment)}">INV-4</a>' in text
    for personal in (payment.debtor_name, payment.creditor_name, payment.creditor_iban):
        assert personal not in text


def test_names_are_text_and_never_markup() -> None:
    payment = ordered()
    Payment.objects.filter(pk=payment.pk).update(reason_text="<script>alert(1)</script>")
    Account.objects.filter(pk=payment.debtor_account_id).update(name="<b>Ada</b>")
    client = logged_in(role="operators")
    booked(payment)
    for url in (PAYMENTS, page_of(payment), ACCOUNTS, page_of(payment.debtor_account)):
        text = page(client, url)
        assert "<script>alert" not in text
        assert "<b>Ada" not in text


def test_lists_take_the_same_statements_for_one_row_and_for_many() -> None:
    client = logged_in(role="operators")
    booked(ordered())
    few = {url: statements(client, url) for url in (PAYMENTS, ACCOUNTS, JOURNALS)}
    for _ in range(6):
        booked(ordered())
    for url, number in few.items():
        assert statements(client, url) == number <= 8, url


def test_an_account_shows_its_balances_its_postings_and_its_open_holds() -> None:
    account = customer("100.00")
    held(ordered(account)), booked(ordered(account))
    text = page(logged_in(role="operators"), page_of(again(account)))
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text))
    assert (facts["Balance"], facts["Pending (held)"], facts["Available"], facts["Floor"]) == (
        "87.50 EUR",
        "12.50 EUR",
        "75.00 EUR",
        "0.00 EUR",
    )
    holds, postings = text.split('<h2 id="postings">')
    assert [row.split(" ", 2)[2] for row in _rows(holds)[1:]] == [
        f"{Payment.objects.get(holds__resolution=None).pk} 12.50 EUR"
    ]
    assert [row.split()[-2] for row in _rows(postings)[1:]] == ["87.50", "100.00"]


def test_postings_are_paged_by_their_number() -> None:
    account, other = customer(), settlement()
    legs = (debit(account_id=other.pk, amount=eur("1.00")), credit(account_id=account.pk, amount=eur("1.00")))
    for _ in range(accounts.POSTINGS_PER_PAGE + 5):
        with transaction.atomic():
            post_journal(kind=JournalKind.FUNDING, legs=legs, step_key=key(), value_on=TODAY)
    client = logged_in(role="operators")
    first = page(client, page_of(account))
    assert '<a href="?before=6" rel="next">Older</a>' in first
    second = page(client, f"{page_of(account)}?before=6")
    assert [int(row.split()[0]) for row in _rows(second)[1:]] == [5, 4, 3, 2, 1]
    assert "Older" not in second
    assert page(client, f"{page_of(account)}?before=nonsense").count("<tr>") == first.count("<tr>")


def test_a_journal_shows_both_of_its_legs() -> None:
    payment = ordered()
    journal = Journal.objects.get(pk=booked(payment))
    text = page(logged_in(role="operators"), f"{JOURNALS}{journal.pk}/change/")
    rows = _rows(text)
    assert rows[1].endswith("12.50 EUR")
    assert len(rows) == 3
    assert page_of(payment) in text

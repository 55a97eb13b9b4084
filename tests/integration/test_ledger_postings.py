"""Journals balance, or the database refuses them, whoever writes."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from moneyed import Money

from payments.errors import (
    AccountClosed,
    CurrencyNotOfAccount,
    InsufficientFunds,
    StepAlreadyBooked,
    UnbalancedJournal,
    UnknownAccount,
)
from payments.models import Account, Journal, JournalKind, Posting
from payments.selectors import ledger_discrepancies, trial_balance
from payments.services.accounts import close_account, fund_account
from payments.services.ledger import Leg, credit, debit, post_journal
from payments.services.refusals import typed_refusals
from sagas.ids import uuid7
from tests.integration.bank import (
    TODAY,
    again,
    at_once,
    check_constraints_now,
    customer,
    eur,
    key,
    refused_by,
    settlement,
)


def _book(*legs: Leg, step_key: str | None = None) -> None:
    post_journal(kind=JournalKind.CORRECTION, legs=legs, step_key=step_key or key(), value_on=TODAY)


def _bare_posting(journal: Journal, account: Account, amount: str, *, leg_no: int = 1, **columns: object) -> Posting:
    """A posting written past the services; it continues its account unless told otherwise."""
    now = again(account)
    net_debit = now.debits_posted - now.credits_posted
    return Posting(
        journal=journal,
        leg_no=leg_no,
        account=account,
        currency=account.currency,
        amount=eur(amount).amount,
        **{"account_version": now.version + 1, "balance_after": net_debit + eur(amount).amount, **columns},
    )


def _bare_journal() -> Journal:
    return Journal.objects.create(kind=JournalKind.CORRECTION, step_key=key(), value_on=TODAY)


def test_a_journal_moves_money_between_accounts_and_the_books_stay_balanced() -> None:
    ada, ben = customer("100.00"), customer()
    with transaction.atomic():
        _book(debit(account_id=ada.pk, amount=eur("30.25")), credit(account_id=ben.pk, amount=eur("30.25")))
    assert (again(ada).balance, again(ben).balance) == (eur("69.75"), eur("30.25"))
    assert trial_balance() == {"EUR": eur("0.00")}
    assert ledger_discrepancies() == []


def test_a_journal_that_does_not_sum_to_zero_fails_when_the_step_checks_its_constraints() -> None:
    ada, ben = customer("100.00"), customer()
    with transaction.atomic():
        _book(debit(account_id=ada.pk, amount=eur("30.01")), credit(account_id=ben.pk, amount=eur("30.00")))
        with pytest.raises(UnbalancedJournal, match=r"sum to 0\.0100 EUR, not to zero"), typed_refusals():
            check_constraints_now()
        transaction.set_rollback(True)
    assert again(ada).balance == eur("100.00")


def test_a_journal_that_does_not_sum_to_zero_fails_at_commit_at_the_latest() -> None:
    ada, ben = customer("100.00"), customer()
    with refused_by("journal_balances"):
        _book(debit(account_id=ada.pk, amount=eur("30.01")), credit(account_id=ben.pk, amount=eur("30.00")))
    assert again(ada).balance == eur("100.00")


def test_every_currency_balances_on_its_own() -> None:
    ada, yuki = customer("100.00"), customer(currency="JPY")
    with refused_by("journal_balances"):
        _book(debit(account_id=ada.pk, amount=eur("30")), credit(account_id=yuki.pk, amount=Money(30, "JPY")))


def test_a_journal_without_postings_is_refused() -> None:
    with refused_by("journal_balances"):
        _bare_journal()


def test_a_committed_journal_takes_no_more_postings() -> None:
    ada, ben = customer("100.00"), customer("100.00")
    journal = Journal.objects.latest("booked_at")
    with refused_by("journal_is_posted_at_once"):
        legs = [_bare_posting(journal, ada, "1.00", leg_no=3), _bare_posting(journal, ben, "-1.00", leg_no=4)]
        Posting.objects.bulk_create(legs)


def test_the_postings_of_a_journal_come_in_one_statement() -> None:
    ada, ben = customer("100.00"), customer("100.00")
    with refused_by("journal_is_posted_at_once"):
        journal = _bare_journal()
        _bare_posting(journal, ada, "1.00", leg_no=1).save()
        _bare_posting(journal, ben, "-1.00", leg_no=2).save()


def test_postings_written_past_the_services_pass_if_they_continue_their_accounts() -> None:
    ada, ben = customer("100.00"), customer("100.00")
    with transaction.atomic():
        journal = _bare_journal()
        Posting.objects.bulk_create(
            [_bare_posting(journal, ada, "1.00"), _bare_posting(journal, ben, "-1.00", leg_no=2)]
        )
    assert (again(ada).balance, again(ben).balance) == (eur("99.00"), eur("101.00"))
    assert ledger_discrepancies() == []


@pytest.mark.parametrize("wrong", [{"account_version": 3}, {"balance_after": 7}])
def test_a_posting_that_does_not_continue_its_account_is_refused(wrong: dict[str, int]) -> None:
    ada, ben = customer("100.00"), customer("100.00")
    with refused_by("posting_continues_its_account"):
        journal = _bare_journal()
        Posting.objects.bulk_create(
            [_bare_posting(journal, ada, "1.00", **wrong), _bare_posting(journal, ben, "-1.00", leg_no=2)]
        )


def test_several_legs_on_one_account_are_numbered_in_their_order() -> None:
    ada, ben = customer("100.00"), customer()
    with transaction.atomic():
        _book(
            debit(account_id=ada.pk, amount=eur("10")),
            credit(account_id=ben.pk, amount=eur("12")),
            debit(account_id=ada.pk, amount=eur("2")),
        )
    rows = ada.postings.order_by("account_version").values_list("account_version", "leg_no", "balance_after")
    assert list(rows)[1:] == [(2, 1, eur("-90").amount), (3, 3, eur("-88").amount)]
    assert ledger_discrepancies() == []


def test_a_posting_is_in_its_accounts_currency() -> None:
    ada, ben = customer("100.00"), customer(currency="USD")
    with pytest.raises(CurrencyNotOfAccount) as refused, transaction.atomic():
        _book(debit(account_id=ada.pk, amount=eur("1")), credit(account_id=ben.pk, amount=eur("1")))
    assert refused.value.reason_code == "AM03"


def test_a_leg_on_an_account_that_does_not_exist_books_nothing() -> None:
    ada = customer("100.00")
    with pytest.raises(UnknownAccount), transaction.atomic():
        _book(debit(account_id=ada.pk, amount=eur("1")), credit(account_id=uuid7(), amount=eur("1")))
    assert again(ada).balance == eur("100.00")


def test_nothing_is_posted_to_a_closed_account() -> None:
    ada, closed = customer("100.00"), customer()
    close_account(account_id=closed.pk)
    with pytest.raises(AccountClosed) as refused, transaction.atomic():
        _book(debit(account_id=ada.pk, amount=eur("1")), credit(account_id=closed.pk, amount=eur("1")))
    assert (refused.value.reason_code, refused.value.account_id) == ("AC04", closed.pk)


def test_money_that_is_not_there_is_not_moved_and_the_error_says_how_much_is() -> None:
    ada, ben = customer("100.00"), customer()
    with pytest.raises(InsufficientFunds) as refused, transaction.atomic():
        _book(debit(account_id=ada.pk, amount=eur("100.01")), credit(account_id=ben.pk, amount=eur("100.01")))
    error = refused.value
    assert (error.reason_code, error.account_id) == ("AM04", ada.pk)
    assert (error.needed, error.headroom) == (eur("100.01").amount, eur("100.00").amount)
    assert ada.name not in str(error)
    assert str(ada.iban) not in str(error)
    assert error.__cause__ is None  # the driver's error could show the row
    assert again(ada).balance == eur("100.00")


def test_a_credit_line_reaches_down_to_its_floor_and_no_further() -> None:
    ada, ben = customer("100.00", floor="-50"), customer()
    with transaction.atomic():
        _book(debit(account_id=ada.pk, amount=eur("150")), credit(account_id=ben.pk, amount=eur("150")))
    with pytest.raises(InsufficientFunds), transaction.atomic():
        _book(debit(account_id=ada.pk, amount=eur("0.01")), credit(account_id=ben.pk, amount=eur("0.01")))
    assert again(ada).available == eur("-50.00")


def test_the_same_step_key_books_once() -> None:
    ada, rail, step_key = customer(), settlement(), key()
    for _ in range(2):
        try:
            with transaction.atomic():
                fund_account(
                    account_id=ada.pk, from_account_id=rail.pk, amount=eur("5"), step_key=step_key, value_on=TODAY
                )
        except StepAlreadyBooked:
            assert again(ada).balance == eur("5.00")
            break
    else:
        pytest.fail("the second booking was not refused")
    assert Posting.objects.filter(account=ada).count() == 1


def test_booking_a_journal_takes_two_statements_whatever_the_number_of_legs() -> None:
    ada, others = customer("100.00"), [customer() for _ in range(5)]
    legs = [debit(account_id=ada.pk, amount=eur("5")), *(credit(account_id=o.pk, amount=eur("1")) for o in others)]
    with transaction.atomic(), CaptureQueriesContext(connection) as sent:
        _book(*legs)
    assert len(sent) == 2


def test_transfers_in_opposite_directions_at_once_neither_deadlock_nor_lose_money() -> None:
    ada, ben = customer("1000.00"), customer("1000.00")

    def transfers(source: Account, target: Account) -> None:
        for _ in range(40):
            with transaction.atomic():
                _book(debit(account_id=source.pk, amount=eur("1")), credit(account_id=target.pk, amount=eur("1")))

    directions = [(ada, ben), (ben, ada), (ada, ben), (ben, ada)]
    answers = at_once(*(lambda pair=pair: transfers(*pair) for pair in directions))
    assert answers == [None] * 4
    assert (again(ada).balance, again(ben).balance) == (eur("1000.00"), eur("1000.00"))
    assert again(ada).version == 1 + 160
    assert ledger_discrepancies() == []

"""A hold reserves money and is posted or voided exactly once."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from moneyed import Money

from payments.errors import (
    AccountClosed,
    AmountRefused,
    CurrencyNotOfAccount,
    HoldAlreadyResolved,
    InsufficientFunds,
    StepAlreadyBooked,
    UnknownHold,
)
from payments.models import Account, Hold, HoldResolution, Journal, JournalKind, ResolutionKind
from payments.selectors import ledger_discrepancies, open_holds, trial_balance
from payments.services.accounts import close_account
from payments.services.ledger import (
    credit,
    debit,
    place_hold,
    post_hold,
    post_journal,
    void_hold,
)
from sagas.ids import uuid7
from tests.integration.bank import (
    TODAY,
    again,
    at_once,
    customer,
    eur,
    key,
    refused_by,
    settlement,
)


def _held(balance: str = "100.00", amount: str = "60.00") -> Hold:
    return place_hold(account_id=customer(balance).pk, amount=eur(amount), step_key=key())


def _post(hold: Hold, *, to: UUID | None = None) -> UUID:
    target = to or settlement().pk
    with transaction.atomic():
        return post_hold(hold_id=hold.pk, credit_account_id=target, step_key=key(), value_on=TODAY)


def _void(hold: Hold) -> None:
    with transaction.atomic():
        void_hold(hold_id=hold.pk, step_key=key())


def test_a_hold_leaves_the_balance_and_lowers_what_is_available() -> None:
    account = again(_held("100.00", "60.00").account)
    assert (account.balance, account.held, account.available) == (eur("100.00"), eur("60.00"), eur("40.00"))
    assert ledger_discrepancies() == []


def test_a_voided_hold_gives_the_money_back() -> None:
    hold = _held()
    _void(hold)
    account = again(hold.account)
    assert (account.held, account.available) == (eur("0.00"), eur("100.00"))
    assert not open_holds().exists()


def test_a_posted_hold_debits_the_customer_and_credits_the_other_account() -> None:
    hold, rail = _held("60.00", "60.00"), settlement()
    journal = _post(hold, to=rail.pk)
    account = again(hold.account)
    assert (account.balance, account.held, again(rail).balance) == (eur("0.00"), eur("0.00"), eur("-60.00"))
    assert HoldResolution.objects.get(hold=hold).journal_id == journal
    assert trial_balance() == {"EUR": eur("0.00")}
    assert ledger_discrepancies() == []


@pytest.mark.parametrize("first", [_post, _void])
@pytest.mark.parametrize("second", [_post, _void])
def test_a_hold_is_posted_or_voided_exactly_once(
    first: Callable[[Hold], object], second: Callable[[Hold], object]
) -> None:
    hold = _held()
    first(hold)
    before = again(hold.account)
    with pytest.raises(HoldAlreadyResolved):
        second(hold)
    assert again(hold.account).available == before.available
    assert ledger_discrepancies() == []


def test_posting_and_voiding_at_once_has_one_winner() -> None:
    for _ in range(5):
        hold = _held()
        answers = at_once(partial(_post, hold), partial(_void, hold))
        assert [type(a) for a in answers].count(HoldAlreadyResolved) == 1
    assert ledger_discrepancies() == []


def test_of_holds_racing_for_the_last_money_only_as_many_win_as_there_is_money_for() -> None:
    account = customer("100.00")
    answers = at_once(
        *[lambda: place_hold(account_id=account.pk, amount=eur("30.00"), step_key=key()) for _ in range(6)]
    )
    assert sorted(type(a).__name__ for a in answers) == ["Hold"] * 3 + ["InsufficientFunds"] * 3
    assert again(account).available == eur("10.00")


def test_a_hold_takes_nothing_below_the_floor() -> None:
    account = customer("100.00")
    Account.objects.filter(pk=account.pk).update(floor=40)
    with pytest.raises(InsufficientFunds) as refused, transaction.atomic():
        place_hold(account_id=account.pk, amount=eur("60.01"), step_key=key())
    assert (refused.value.needed, refused.value.headroom) == (eur("60.01").amount, eur("60.00").amount)
    place_hold(account_id=account.pk, amount=eur("60.00"), step_key=key())
    assert again(account).available == eur("40.00")


def test_held_money_cannot_be_spent_by_another_booking() -> None:
    hold, rail = _held("100.00", "60.00"), settlement()
    legs = (debit(account_id=hold.account_id, amount=eur("40.01")), credit(account_id=rail.pk, amount=eur("40.01")))
    with pytest.raises(InsufficientFunds), transaction.atomic():
        post_journal(kind=JournalKind.CORRECTION, legs=legs, step_key=key(), value_on=TODAY)


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1.005"])
def test_a_hold_is_on_exact_money_greater_than_zero(amount: str) -> None:
    with pytest.raises(AmountRefused, match=r"^amount: "):
        place_hold(account_id=customer("10").pk, amount=eur(amount), step_key=key())
    with refused_by("hold_amount_is_exact"):
        Hold.objects.create(account=customer("10"), amount=amount, currency="EUR", step_key=key())


def test_a_hold_is_in_its_accounts_currency() -> None:
    with pytest.raises(CurrencyNotOfAccount), transaction.atomic():
        place_hold(account_id=customer("10").pk, amount=Money(1, "USD"), step_key=key())


@pytest.mark.parametrize("floor", ["0", "-50", None])
def test_nothing_is_held_on_a_closed_account(floor: str | None) -> None:
    account = customer(floor=floor)
    close_account(account_id=account.pk)
    with pytest.raises(AccountClosed), transaction.atomic():
        place_hold(account_id=account.pk, amount=eur("1"), step_key=key())


def test_money_that_the_bank_owns_is_not_held() -> None:
    with refused_by("hold_is_on_money_we_owe"):
        place_hold(account_id=settlement().pk, amount=eur("1"), step_key=key())


def test_a_repeated_step_holds_once() -> None:
    account, step_key = customer("100.00"), key()
    place_hold(account_id=account.pk, amount=eur("10"), step_key=step_key)
    with pytest.raises(StepAlreadyBooked), transaction.atomic():
        place_hold(account_id=account.pk, amount=eur("10"), step_key=step_key)
    assert again(account).held == eur("10.00")


def test_posting_a_hold_that_does_not_exist_books_nothing() -> None:
    with pytest.raises(UnknownHold), transaction.atomic():
        post_hold(hold_id=uuid7(), credit_account_id=settlement().pk, step_key=key(), value_on=TODAY)
    assert not Journal.objects.exists()


@pytest.mark.parametrize("wrong", ["59.99", "60.01"])
def test_the_journal_of_a_posted_hold_debits_its_account_with_its_amount(wrong: str) -> None:
    hold, rail = _held("100.00", "60.00"), settlement()
    with refused_by("journal_debits_the_hold"):
        journal = _resolved_by_hand(hold)
        _legs_by_hand(journal, hold, to=rail.pk, amount=wrong)
    assert again(hold.account).held == eur("60.00")


def test_the_hold_of_one_customer_is_not_posted_by_debiting_another() -> None:
    hold, other, rail = _held(), _held("200.00"), settlement()
    with refused_by("journal_debits_the_hold"):
        journal = _resolved_by_hand(hold)
        _legs_by_hand(journal, other, to=rail.pk, amount="60.00", balance="-200.00")


def test_a_hold_is_not_posted_with_a_journal_that_is_booked_already() -> None:
    hold, rail = _held(), settlement()
    legs = (debit(account_id=hold.account_id, amount=eur("1")), credit(account_id=rail.pk, amount=eur("1")))
    with transaction.atomic():
        journal = post_journal(kind=JournalKind.CORRECTION, legs=legs, step_key=key(), value_on=TODAY)
    with refused_by("resolution_precedes_its_postings"):
        HoldResolution.objects.create(hold=hold, kind=ResolutionKind.POSTED, journal_id=journal, step_key=key())


def test_a_posted_hold_has_a_journal() -> None:
    with refused_by("resolution_has_a_journal_when_posted"):
        HoldResolution.objects.create(hold=_held(), kind=ResolutionKind.POSTED, step_key=key())


def test_a_hold_expires_after_it_is_placed() -> None:
    with refused_by("hold_expires_after_it_is_placed"):
        place_hold(
            account_id=customer("10").pk,
            amount=eur("1"),
            step_key=key(),
            expires_at=datetime(2020, 1, 1, tzinfo=UTC),
        )


def test_placing_and_voiding_a_hold_take_one_statement_each_and_posting_it_two() -> None:
    account, rail = customer("100.00"), settlement()
    counts = []
    with transaction.atomic():
        with CaptureQueriesContext(connection) as sent:
            first = place_hold(account_id=account.pk, amount=eur("1"), step_key=key())
        counts.append(len(sent))
        with CaptureQueriesContext(connection) as sent:
            void_hold(hold_id=first.pk, step_key=key())
        counts.append(len(sent))
        second = place_hold(account_id=account.pk, amount=eur("1"), step_key=key())
        with CaptureQueriesContext(connection) as sent:
            post_hold(hold_id=second.pk, credit_account_id=rail.pk, step_key=key(), value_on=TODAY)
        counts.append(len(sent))
    assert counts == [1, 1, 2]


def _resolved_by_hand(hold: Hold) -> Journal:
    journal = Journal.objects.create(kind=JournalKind.SETTLEMENT, step_key=key(), value_on=TODAY)
    HoldResolution.objects.create(hold=hold, kind=ResolutionKind.POSTED, journal=journal, step_key=key())
    return journal


def _legs_by_hand(journal: Journal, hold: Hold, *, to: UUID, amount: str, balance: str = "-100.00") -> None:
    """Debit the hold's account and credit the other, past the services."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_posting"
            " (journal_id, leg_no, account_id, currency, amount, account_version, balance_after)"
            " VALUES (%(j)s, 1, %(a)s, 'EUR', %(x)s, 2, %(b)s + %(x)s), (%(j)s, 2, %(r)s, 'EUR', -%(x)s, 1, -%(x)s)",
            {"j": journal.pk, "a": hold.account_id, "r": to, "x": eur(amount).amount, "b": eur(balance).amount},
        )


def test_a_hold_is_not_posted_to_the_account_it_is_on() -> None:
    account = customer("100.00")
    with transaction.atomic():
        hold = place_hold(account_id=account.pk, amount=eur("60.00"), step_key=key())
    with pytest.raises(AmountRefused, match="no money would move"), transaction.atomic():
        post_hold(hold_id=hold.pk, credit_account_id=account.pk, step_key=key(), value_on=TODAY)
    assert not HoldResolution.objects.exists()

"""Whether the books are right: on the console's page and from the command line."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from payments.books import read_books
from payments.models import Payment, PaymentState
from payments.services import ledger
from tests.integration.bank import key
from tests.integration.console import BOOKS, booked, held, logged_in, ordered, page


def _break(sql: str, *, table: str) -> None:
    """As somebody with the database's own rights could: past its triggers."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql)


def _orphan() -> None:
    payment = ordered()
    held(payment)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sagas_saga SET ended = true, wake_at = NULL WHERE id = %s", [payment.saga_id])


def test_books_that_are_right_say_so_and_count_what_is_open() -> None:
    booked(ordered())
    held(ordered())
    text = page(logged_in(role="operators"), BOOKS)
    assert "The books are right" in text
    assert "<td>EUR</td>" in text
    assert ">0.00 EUR</td>" in text
    assert "<dt>Open holds</dt><dd>1</dd>" in text


def test_the_verdict_counts_the_payments_that_are_still_on_their_way(capsys: pytest.CaptureFixture[str]) -> None:
    right = "The books are right: everything balances, no hold outlives its saga."
    verdict = f"{right} 2 payments are still on their way."
    holds = [held(ordered()) for _ in range(2)]
    assert verdict in page(logged_in(role="operators"), BOOKS)
    call_command("trial_balance")
    assert verdict in capsys.readouterr().out
    with transaction.atomic():
        for hold in holds:
            ledger.void_hold(hold_id=hold, step_key=key())
        Payment.objects.update(state=PaymentState.REJECTED, reason_code="AM04")
    call_command("trial_balance")
    assert f"{right}\n" in capsys.readouterr().out


def test_empty_books_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing was booked yet." in page(logged_in(role="operators"), BOOKS)
    call_command("trial_balance")
    assert "Nothing was booked yet." in capsys.readouterr().out


def test_the_command_prints_the_balance_and_the_payments_by_state(capsys: pytest.CaptureFixture[str]) -> None:
    booked(ordered())
    call_command("trial_balance")
    printed = capsys.readouterr().out
    assert "EUR" in printed
    assert "0.00" in printed
    assert "Received" in printed
    assert "The books are right" in printed


def test_a_posting_that_was_tampered_with_breaks_the_balance(capsys: pytest.CaptureFixture[str]) -> None:
    booked(ordered())
    _break("UPDATE payments_posting SET amount = amount + 1 WHERE amount = 12.50", table="payments_posting")
    text = page(logged_in(role="operators"), BOOKS)
    assert "does not balance" in text
    assert "The postings in EUR sum to 1.00" in text
    with pytest.raises(CommandError, match="The books are not right"):
        call_command("trial_balance")
    assert "The postings in EUR sum to 1.00" in capsys.readouterr().out


def test_a_counter_that_differs_from_its_rows_is_named_with_its_account() -> None:
    payment = ordered()
    account = payment.debtor_account
    _break(
        f"UPDATE payments_account SET credits_posted = credits_posted + 5 WHERE id = '{account.pk}'",
        table="payments_account",
    )
    (problem,) = read_books().problems
    assert str(account.pk) in problem
    assert "credits_posted is stored as 105.0000, its rows add up to 100.0000" in problem


def test_a_hold_that_nothing_will_release_breaks_the_books(capsys: pytest.CaptureFixture[str]) -> None:
    _orphan()
    assert "nothing will ever release this money of a customer" in page(logged_in(role="operators"), BOOKS)
    with pytest.raises(CommandError):
        call_command("trial_balance", stderr=io.StringIO())
    assert "nothing will ever release" in capsys.readouterr().out

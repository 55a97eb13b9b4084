"""Translates what the database refused into typed errors. The constraint's name says which rule was broken."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Final
from uuid import UUID

import psycopg
from django.db import IntegrityError

from payments import errors


def _no_funds(diagnostic: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    said = json.loads(diagnostic.message_detail or "{}")
    return errors.InsufficientFunds(
        account_id=UUID(said["account"]),
        needed=Decimal(said["needed"]),
        headroom=Decimal(said["headroom"]),
        currency=said["currency"],
    )


def _below_floor(_: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.FloorTooHigh("the account's available balance would be below this floor; the floor was not set")


def _closed(diagnostic: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.AccountClosed(account_id=UUID(json.loads(diagnostic.message_detail or "{}")["account"]))


def _unbalanced(diagnostic: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.UnbalancedJournal(f"{diagnostic.message_primary}; nothing was booked")


def _step_booked(_: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.StepAlreadyBooked("this step key has booked before; that booking stands, this one left nothing")


def _hold_resolved(_: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.HoldAlreadyResolved("the hold was posted or voided before; that stands, nothing was booked now")


def _other_currency(_: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.CurrencyNotOfAccount()


def _not_empty(_: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.AccountNotEmpty("the account has a balance or pending amounts; it stays open until it is empty")


def _iban_taken(_: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.IbanTaken("another account has this IBAN or code; none was opened")


def _uetr_taken(_: psycopg.errors.Diagnostic) -> errors.PaymentsError:
    return errors.DuplicateUetr()


_BY_CONSTRAINT: Final[dict[str, Callable[[psycopg.errors.Diagnostic], errors.PaymentsError]]] = {
    "account_has_funds": _no_funds,
    "account_not_below_floor": _below_floor,  # the ledger's triggers find missing funds before this CHECK does
    "account_is_open": _closed,
    "account_is_empty_when_closed": _not_empty,
    "payments_account_iban_key": _iban_taken,
    "payments_account_code_key": _iban_taken,
    "hold_is_in_its_accounts_currency": _other_currency,
    "posting_is_in_its_accounts_currency": _other_currency,
    "journal_balances": _unbalanced,
    "journal_step_key_is_used_once": _step_booked,
    "hold_step_key_is_used_once": _step_booked,
    "resolution_step_key_is_used_once": _step_booked,
    "payments_holdresolution_pkey": _hold_resolved,
    "payments_payment_uetr_key": _uetr_taken,
}


@contextmanager
def typed_refusals() -> Iterator[None]:
    """Raise the typed error for what PostgreSQL refuses inside the block; anything else passes unchanged.

    The caller's transaction (or savepoint) is spoilt then and must be rolled back; a saga step's is, by the engine. The
    driver's error is not chained: its detail may show a row's names and IBANs.
    """
    try:
        yield
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.Error):
            diagnostic = error.__cause__.diag
            translate = _BY_CONSTRAINT.get(diagnostic.constraint_name or "")
            if translate:
                raise translate(diagnostic) from None
        raise

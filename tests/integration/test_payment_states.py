"""A payment moves along its states and nowhere else, and what was ordered never changes."""

from contextlib import nullcontext
from datetime import UTC, date, datetime
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from payments.errors import UnableToMovePayment
from payments.models import Payment, PaymentState
from payments.selectors import payment_counts
from payments.services.ledger import place_hold, void_hold
from payments.services.payments import (
    mark_funds_reserved,
    mark_outcome_unknown,
    mark_rejected,
    mark_sending,
    mark_settled,
    mark_validated,
)
from tests.integration.bank import a_booked_payment, a_payment, customer, eur, key, refused_by

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENDS = {PaymentState.SETTLED, PaymentState.REJECTED}


def _move(payment: Payment, target: PaymentState) -> None:
    match target:
        case PaymentState.VALIDATED:
            mark_validated(payment=payment)
        case PaymentState.FUNDS_RESERVED:
            mark_funds_reserved(payment=payment)
        case PaymentState.SENDING:
            mark_sending(payment=payment)
        case PaymentState.OUTCOME_UNKNOWN:
            mark_outcome_unknown(payment=payment)
        case PaymentState.SETTLED:
            mark_settled(payment=payment, at=NOW, rail_reference="R-1")
        case PaymentState.REJECTED:
            mark_rejected(payment=payment, reason_code="AC04")


_S = PaymentState
_WAY_TO = {
    _S.RECEIVED: [],
    _S.VALIDATED: [_S.VALIDATED],
    _S.FUNDS_RESERVED: [_S.VALIDATED, _S.FUNDS_RESERVED],
    _S.SENDING: [_S.VALIDATED, _S.FUNDS_RESERVED, _S.SENDING],
    _S.OUTCOME_UNKNOWN: [_S.VALIDATED, _S.FUNDS_RESERVED, _S.SENDING, _S.OUTCOME_UNKNOWN],
    _S.SETTLED: [_S.VALIDATED, _S.FUNDS_RESERVED, _S.SENDING, _S.SETTLED],
    _S.REJECTED: [_S.REJECTED],
}


def _payment_in(state: PaymentState) -> Payment:
    payment = a_booked_payment()
    for step in _WAY_TO[state]:
        _move(payment, step)
    return payment


def _edges_of_the_machine() -> set[tuple[str, str]]:
    transitions = Payment._meta.get_field("state").get_all_transitions(Payment)
    return {(str(edge.source), str(edge.target)) for edge in transitions}


def test_django_fsm_and_the_database_know_the_same_transitions() -> None:
    pairs = list(product(PaymentState.values, repeat=2))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s, t FROM unnest(%s::text[], %s::text[]) AS pair (s, t) WHERE payment_may_move(s, t)",
            [[s for s, _ in pairs], [t for _, t in pairs]],
        )
        assert set(cursor.fetchall()) == _edges_of_the_machine()


@pytest.mark.parametrize("target", PaymentState)
@pytest.mark.parametrize("state", PaymentState)
def test_an_update_past_the_model_moves_a_payment_only_along_the_machine(
    state: PaymentState, target: PaymentState
) -> None:
    payment = _payment_in(state)
    changes: dict[str, Any] = {"state": target}
    if target != state and target in ENDS:
        changes |= {"settled_at": NOW} if target == _S.SETTLED else {"reason_code": "AC04"}
    allowed = target == state or (state.value, target.value) in _edges_of_the_machine()
    with nullcontext() if allowed else refused_by("payment_moves_along_its_states"):
        Payment.objects.filter(pk=payment.pk).update(**changes)


@pytest.mark.parametrize("state", PaymentState)
def test_a_service_refuses_what_is_no_transition_and_changes_nothing(state: PaymentState) -> None:
    payment = _payment_in(state)
    for target in set(PaymentState) - {_S.RECEIVED}:
        if (state.value, target.value) not in _edges_of_the_machine():
            with pytest.raises(UnableToMovePayment, match=f"is {state.value} and cannot become {target.value}"):
                _move(payment, target)
    assert Payment.objects.get(pk=payment.pk).state == state


def test_every_transition_is_saved_by_one_statement() -> None:
    payment = a_booked_payment()
    for target in _WAY_TO[_S.OUTCOME_UNKNOWN] + [_S.SENDING, _S.SETTLED]:
        with transaction.atomic(), CaptureQueriesContext(connection) as sent:
            _move(payment, target)
        assert len(sent) == 1
    saved = Payment.objects.get(pk=payment.pk)
    assert (saved.state, saved.settled_at, saved.rail_reference) == (_S.SETTLED, NOW, "R-1")
    assert saved.updated_at > saved.created_at


def test_of_two_that_read_the_same_state_only_the_first_moves_thea_payment() -> None:
    first = a_payment()
    second = Payment.objects.get(pk=first.pk)
    mark_validated(payment=first)
    with pytest.raises(UnableToMovePayment, match="another state by now"), transaction.atomic():
        mark_rejected(payment=second, reason_code="AC01")
    assert Payment.objects.get(pk=first.pk).state == _S.VALIDATED


def test_the_state_is_not_assigned() -> None:
    with pytest.raises(AttributeError):
        a_payment().state = _S.SETTLED


def test_a_payment_starts_as_received() -> None:
    with refused_by("payment_starts_received"):
        a_payment(state=_S.SETTLED, settled_at=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "0.01"},
        {"currency": "USD"},
        {"uetr": uuid4()},
        {"saga_id": uuid4()},
        {"channel": "other"},
        {"end_to_end_id": "INV-2"},
        {"debtor_name": "Eve"},
        {"creditor_name": "Eve"},
        {"creditor_iban": "GB33BUKB20201555555555"},
        {"creditor_bic": "BUKBGB22"},
        {"remittance_information": "for Eve"},
        {"requested_execution_on": date(2030, 1, 1)},
        {"created_at": Now()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_ordered_does_not_change(change: dict[str, Any]) -> None:
    payment = a_payment()
    with refused_by("payment_order_is_fixed"):
        Payment.objects.filter(pk=payment.pk).update(**change)


def test_every_column_of_a_payment_is_either_fixed_or_known_to_move() -> None:
    moving = {"state", "reason_code", "reason_text", "rail_reference", "updated_at", "settled_at"}
    fixed = {field.attname for field in Payment._meta.concrete_fields} - moving
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'payment_order_is_fixed'")
        definition = cursor.fetchone()[0]
    assert {column for column in fixed if f"old.{column}" in definition} == fixed


@pytest.mark.parametrize("change", [{"reason_code": "AM04"}, {"reason_text": "other"}, {"rail_reference": "R-2"}])
def test_how_a_payment_ended_does_not_change(change: dict[str, str]) -> None:
    payment = _payment_in(_S.REJECTED)
    with refused_by("payment_end_is_fixed"):
        Payment.objects.filter(pk=payment.pk).update(**change)


def test_a_payment_is_never_deleted() -> None:
    payment = a_payment()
    with refused_by("payment_is_never_deleted"):
        payment.delete()
    with refused_by("payment_is_never_deleted"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE payments_payment CASCADE")


@pytest.mark.parametrize(
    ("amount", "currency"), [("0", "EUR"), ("-1", "EUR"), ("1.005", "EUR"), ("10.5", "JPY"), ("1", "DEM")]
)
def test_the_database_takes_no_payment_of_inexact_or_no_money(amount: str, currency: str) -> None:
    with refused_by("payment_amount_is_exact"):
        a_payment(amount=amount, currency=currency)


def test_a_rejection_has_a_reason() -> None:
    payment = a_payment()
    with refused_by("payment_reason_when_rejected"):
        mark_rejected(payment=payment, reason_code="")


@pytest.mark.parametrize("code", ["CANCELLED", "am04", "A-1"])
def test_a_reason_that_is_no_iso_code_is_kept_as_narrative(code: str) -> None:
    payment = a_payment()
    mark_rejected(payment=payment, reason_code=code, reason_text="by the customer")
    saved = Payment.objects.get(pk=payment.pk)
    assert (saved.reason_code, saved.reason_text) == ("NARR", f"{code}: by the customer")


def test_payments_are_counted_by_state() -> None:
    a_payment(), _payment_in(_S.SETTLED), a_payment()
    counts = payment_counts()
    assert (counts[_S.RECEIVED], counts[_S.SETTLED], counts[_S.REJECTED]) == (2, 1, 0)
    assert list(counts) == list(PaymentState)


def test_a_payment_is_not_settled_without_a_booking() -> None:
    payment = a_payment()
    with refused_by("payment_settled_is_booked"), transaction.atomic():
        for state in (_S.VALIDATED, _S.FUNDS_RESERVED, _S.SENDING):
            Payment.objects.filter(pk=payment.pk).update(state=state)
        Payment.objects.filter(pk=payment.pk).update(state=_S.SETTLED, settled_at=NOW)
    assert Payment.objects.get(pk=payment.pk).state == _S.RECEIVED


def test_a_payment_is_not_rejected_while_its_money_is_on_hold() -> None:
    payment = a_payment()
    account = customer("100.00")
    with transaction.atomic():
        hold = place_hold(account_id=account.pk, amount=eur("10.00"), step_key=key(), payment_id=payment.pk)
    with refused_by("payment_rejected_holds_nothing"), transaction.atomic():
        mark_rejected(payment=Payment.objects.get(pk=payment.pk), reason_code="AC04")
    with transaction.atomic():
        void_hold(hold_id=hold.pk, step_key=key())
        mark_rejected(payment=Payment.objects.get(pk=payment.pk), reason_code="AC04")

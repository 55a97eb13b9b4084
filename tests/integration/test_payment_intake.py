"""An instruction becomes one payment and one saga, however often and by however many it is sent."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from django.db import transaction

from payments.errors import DuplicateUetr, UnknownDebtorAccount
from payments.intake import AcceptedPayment, CreditTransferInstruction, accept_payment
from payments.models import Account, Payment, PaymentState
from sagas import IdempotencyConflict
from sagas.models import LedgerEntry, Saga
from tests.integration.bank import at_once, customer, eur

UETR = UUID("eb6305c9-1f7f-49de-aed0-16487c27b42d")


def _order(debtor: Account | None = None, *, uetr: UUID | None = None) -> CreditTransferInstruction:
    return CreditTransferInstruction(
        debtor_iban=str((debtor or customer("100.00")).iban),
        creditor_iban="DE89370400440532013000",
        creditor_bic=None,
        creditor_name="Ben Bakker",
        amount=eur("12.50"),
        end_to_end_id="INV-1",
        remittance_information="Invoice 1",
        requested_execution_on=date(2026, 11, 20),
        uetr=uetr,
    )


def _accept(order: CreditTransferInstruction, *, key: str = "k-1", channel: str = "api:shop") -> AcceptedPayment:
    return accept_payment(instruction=order, channel=channel, idempotency_key=key)


def test_an_accepted_instruction_is_a_payment_with_a_saga_and_a_uetr() -> None:
    debtor = customer("100.00")
    accepted = _accept(_order(debtor))
    payment = Payment.objects.get(pk=accepted.payment_id)
    assert accepted.created
    assert (payment.saga_id, payment.state, payment.money) == (accepted.saga_id, PaymentState.RECEIVED, eur("12.50"))
    assert (payment.debtor_account, payment.debtor_name, payment.channel) == (debtor, debtor.name, "api:shop")
    assert payment.uetr.version == 4
    assert Saga.objects.filter(pk=accepted.saga_id).exists()


def test_the_uetr_of_the_customer_is_kept() -> None:
    accepted = _accept(_order(uetr=UETR))
    assert Payment.objects.get(pk=accepted.payment_id).uetr == UETR


def test_the_sagas_ledger_holds_the_payments_id_and_no_personal_data() -> None:
    order = _order()
    accepted = _accept(order)
    body = LedgerEntry.objects.get(saga_id=accepted.saga_id).body
    assert body is not None
    assert str(accepted.payment_id) in body
    for personal in (order.debtor_iban, order.creditor_iban, order.creditor_name, "Ada Verhoeven", "Invoice 1"):
        assert personal not in body


def test_the_same_key_again_answers_the_first_payment() -> None:
    order = _order()
    first = _accept(order)
    assert _accept(order) == replace(first, created=False)
    assert Payment.objects.count() == Saga.objects.count() == 1


def test_many_at_once_with_one_key_make_one_payment() -> None:
    order = _order()
    answers = at_once(*[lambda: _accept(order)] * 8)
    assert all(isinstance(answer, AcceptedPayment) for answer in answers), answers
    assert len({(a.payment_id, a.saga_id) for a in answers if isinstance(a, AcceptedPayment)}) == 1
    assert sum(a.created for a in answers if isinstance(a, AcceptedPayment)) == 1
    assert Payment.objects.count() == Saga.objects.count() == 1


def test_a_key_that_was_used_for_another_instruction_conflicts_and_stores_nothing() -> None:
    order = _order(uetr=UETR)
    _accept(order)
    with pytest.raises(IdempotencyConflict):
        _accept(replace(order, amount=eur("12.51")))
    assert Payment.objects.count() == Saga.objects.count() == 1


def test_another_channel_may_use_the_same_key() -> None:
    order = _order()
    assert _accept(order, channel="api:a").payment_id != _accept(order, channel="api:b").payment_id


def test_a_uetr_identifies_one_payment_for_ever() -> None:
    order = _order(uetr=UETR)
    _accept(order, key="k-1")
    with pytest.raises(DuplicateUetr) as refused:
        _accept(order, key="k-2")
    assert refused.value.field == "uetr"
    assert Payment.objects.count() == Saga.objects.count() == 1


def test_an_unknown_debtor_account_is_refused_by_its_field_and_the_key_stays_free() -> None:
    debtor = customer("100.00")
    order = _order(debtor)
    with pytest.raises(UnknownDebtorAccount) as refused:
        _accept(replace(order, debtor_iban="NL02ABNA0123456789"))
    assert refused.value.field == "debtor_iban"
    assert "NL02" not in str(refused.value)
    assert _accept(order).created


def test_what_the_caller_rolls_back_was_never_accepted() -> None:
    order = _order()
    with transaction.atomic():
        _accept(order)
        transaction.set_rollback(True)
    assert not Payment.objects.exists()
    assert not Saga.objects.exists()
    assert _accept(order).created

"""The console's pages as a person gets them, and sagas and payments for them to show."""

from collections.abc import Callable
from datetime import date
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.roles import ensure_roles
from payments.intake import CreditTransferInstruction, accept_payment
from payments.models import Account, Payment
from payments.services import ledger
from sagas import start
from sagas.clock import clock
from sagas.models import SagaStatus, Status
from sagas.runner import Runner
from tests.engine import world
from tests.integration.bank import TODAY, customer, eur, key, settlement

SAGAS = "/admin/sagas/sagastatus/"
PAYMENTS = "/admin/payments/payment/"
ACCOUNTS = "/admin/payments/account/"
JOURNALS = "/admin/payments/journal/"
BOOKS = "/admin/payments/payment/books/"


def logged_in(*, role: str | None = None, superuser: bool = False, staff: bool = True) -> Client:
    """A browser of somebody with this role."""
    user = User.objects.create(username=str(uuid4()), is_staff=staff, is_superuser=superuser)
    if role is not None:
        user.groups.add(ensure_roles()[role])
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content.decode()


def page_of(row: SagaStatus | Payment | Account) -> str:
    """The address of a record's page."""
    return {SagaStatus: SAGAS, Payment: PAYMENTS, Account: ACCOUNTS}[type(row)] + f"{row.pk}/change/"


def statements(client: Client, url: str) -> int:
    """How many statements a page takes."""
    with CaptureQueriesContext(connection) as captured:
        page(client, url)
    return len(captured)


def started(definition: str = "tests.pay", *, business_key: str = "") -> UUID:
    """A saga of the engine's test world that no worker has looked at yet."""
    clock._seen = None
    order = world.new_order()
    begun = start(
        definition,
        order,
        channel="tests",
        idempotency_key=str(order.order_id),
        business_key=business_key or str(uuid4()),
    )
    return begun.saga_id


def ran(
    definition: str = "tests.pay", *, prepare: Callable[[world.Provider], None] = lambda provider: None
) -> SagaStatus:
    """A saga that a worker has run until it ended or parked; `prepare` tells the provider how to behave."""
    if "scratch" not in connection.introspection.table_names():
        world.create_table()
    world.new_world()
    prepare(world.provider)
    saga_id = started(definition)
    runner = Runner()
    try:
        for _ in range(50):
            runner.drain("default")
            assert runner.wait_until_idle(seconds=30)
            status = SagaStatus.objects.select_related("saga").get(saga_id=saga_id)
            if status.status not in (Status.RUNNING, Status.UNDOING):
                return status
    finally:
        runner.stop(seconds=10)
    raise AssertionError(f"saga is still {status.status}")


def ordered(debtor: Account | None = None, *, creditor_name: str = "Ben Bakker", reference: str = "INV-1") -> Payment:
    """An accepted payment of 12.50 EUR."""
    clock._seen = None
    instruction = CreditTransferInstruction(
        debtor_iban=str((debtor or customer("100.00")).iban),
        creditor_iban="DE89370400440532013000",
        creditor_bic=None,
        creditor_name=creditor_name,
        amount=eur("12.50"),
        end_to_end_id=reference,
        remittance_information="Invoice 1",
        requested_execution_on=date(2026, 11, 20),
    )
    accepted = accept_payment(instruction=instruction, channel="api:shop", idempotency_key=key())
    payment: Payment = Payment.objects.get(pk=accepted.payment_id)
    return payment


def held(payment: Payment) -> UUID:
    """Reserve the payment's amount; the hold's id."""
    hold = ledger.place_hold(
        account_id=payment.debtor_account_id,
        amount=payment.money,
        step_key=key(),
        saga_id=payment.saga_id,
        payment_id=payment.pk,
    )
    return hold.pk


def booked(payment: Payment) -> UUID:
    """Reserve the payment's amount and post it; the journal's id."""
    with transaction.atomic():
        return ledger.post_hold(
            hold_id=held(payment), credit_account_id=settlement().pk, step_key=key(), value_on=TODAY
        )

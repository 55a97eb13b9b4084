"""Every run of the demo has payments of its own."""

from pathlib import Path

import pytest

from config.demo.errors import DemoFailed
from config.demo.message import SHIPPED, Message
from config.demo.prepare import prepare_database
from config.demo.screen import Screen
from payments.models import Payment
from payments.services.accounts import open_customer_account
from payments.services.seed import seed_demo_bank


def import_it(message: Message) -> set[str]:
    message.import_all(progress=lambda _done, _total: None)
    return {str(saga_id) for saga_id in message.saga_ids()}


def test_the_first_run_has_the_shipped_file_and_each_later_one_a_new_message(tmp_path: Path) -> None:
    seed_demo_bank()
    first = Message.for_a_new_run(directory=tmp_path)
    assert first.path == SHIPPED
    sagas = import_it(first)
    second = Message.for_a_new_run(directory=tmp_path)
    assert second.path.parent == tmp_path
    others = import_it(second)
    assert (len(sagas), len(others), len(sagas | others)) == (200, 200, 400)
    assert {str(saga_id) for saga_id in Payment.objects.values_list("saga_id", flat=True)} == sagas | others


def test_the_demo_refuses_a_database_that_is_not_its_own() -> None:
    open_customer_account(iban="NL91ABNA0417164300", name="Somebody real", currency="EUR")
    with pytest.raises(DemoFailed, match=r"accounts \(1\) that are not the demo bank's"):
        prepare_database(Screen())
    assert not Payment.objects.exists()

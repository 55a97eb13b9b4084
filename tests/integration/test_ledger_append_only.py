"""Ledger rows are only ever added: not even a session in replica role changes them."""

import pytest
from django.db import connection, transaction
from django.db.models import Model

from payments.models import Hold, HoldResolution, Journal, Posting
from payments.services.ledger import place_hold, post_hold, void_hold
from tests.integration.bank import TODAY, customer, eur, key, refused_by, settlement

TABLES = [model._meta.db_table for model in (Journal, Posting, Hold, HoldResolution)]
STATEMENTS = ["UPDATE {} SET step_key = step_key", "DELETE FROM {}", "TRUNCATE {} CASCADE"]


def _fill_every_table() -> None:
    account, rail = customer("100.00"), settlement()
    with transaction.atomic():
        posted = place_hold(account_id=account.pk, amount=eur("1"), step_key=key())
        post_hold(hold_id=posted.pk, credit_account_id=rail.pk, step_key=key(), value_on=TODAY)
        voided = place_hold(account_id=account.pk, amount=eur("1"), step_key=key())
        void_hold(hold_id=voided.pk, step_key=key())


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("table", TABLES)
def test_ledger_rows_are_not_updated_deleted_or_truncated(table: str, role: str) -> None:
    _fill_every_table()
    for statement in STATEMENTS:
        sql = statement.format(table)
        if table == Posting._meta.db_table:
            sql = sql.replace("step_key", "amount")
        with refused_by("ledger_is_append_only"), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('session_replication_role', %s, true)", [role])
            cursor.execute(sql)


@pytest.mark.parametrize("model", [Journal, Posting, Hold, HoldResolution])
def test_the_orm_cannot_change_ledger_rows_either(model: type[Model]) -> None:
    _fill_every_table()
    row = model._default_manager.all()[0]
    with refused_by("ledger_is_append_only"):
        row.save()
    with refused_by("ledger_is_append_only"):
        model._default_manager.filter(pk=row.pk)._raw_delete(using="default")

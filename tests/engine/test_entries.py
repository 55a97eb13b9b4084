"""The ledger is the audit trail: chained, append-only, and without personal data."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import pytest
from django.db import connection

from sagas import LocalContext, Payload, Personal, local_step
from sagas.clock import DatabaseClock, clock
from sagas.errors import DefinitionError
from sagas.ids import uuid7, uuid7_at
from sagas.models import LedgerEntry, SagaStatus
from sagas.proof import broken_chains
from tests.engine import world
from tests.engine.conftest import sql

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]

COLUMNS = {
    "type": "'step.failed'",
    "path": "'9'",
    "step": "'other'",
    "direction": "'undo'",
    "attempt": "attempt + 1",
    "idempotency_key": "'other'",
    "body": "body || ' '",
    "salt": "sha256(salt)",
    "at": "at + interval '1 microsecond'",
    "actor": "'somebody'",
    "prev_hash": "sha256(prev_hash)",
    "hash": "sha256(hash)",
}


def as_database_administrator(statement: str) -> None:
    sql("ALTER TABLE sagas_ledgerentry DISABLE TRIGGER append_only")
    sql(statement)


@pytest.fixture
def ended(begin: Begin, finish: Finish) -> UUID:
    saga_id, _ = begin()
    finish(saga_id)
    return saga_id


@pytest.fixture
def unchanged(ended: UUID) -> object:
    """The table as it was, put back before the check that follows every test."""
    sql("CREATE TABLE kept AS SELECT * FROM sagas_ledgerentry")
    yield ended
    sql("ALTER TABLE sagas_ledgerentry DISABLE TRIGGER append_only")
    sql("DELETE FROM sagas_ledgerentry")
    sql("INSERT INTO sagas_ledgerentry SELECT * FROM kept")


@pytest.mark.parametrize("column", COLUMNS)
def test_r33_a_changed_column_is_named(unchanged: UUID, column: str) -> None:
    as_database_administrator(f"UPDATE sagas_ledgerentry SET {column} = {COLUMNS[column]} WHERE seq = 3")
    ((broken,),) = [broken_chains()]
    assert broken.saga_id == unchanged
    assert "entry 3" in broken.problem or "entry 4" in broken.problem


def test_r33_a_dropped_entry_is_named(unchanged: UUID) -> None:
    as_database_administrator("DELETE FROM sagas_ledgerentry WHERE seq = 3")
    assert "entry 3 is missing" in broken_chains()[0].problem


def test_r33_a_cut_tail_is_named(unchanged: UUID) -> None:
    as_database_administrator("DELETE FROM sagas_ledgerentry WHERE seq > 4")
    assert "entries were cut off" in broken_chains()[0].problem


def test_r33_a_body_can_be_withheld_and_is_not_guessable(ended: UUID) -> None:
    """Two entries with the same body have different digests, because each has a salt of its own."""
    assert sql("SELECT count(*) = count(DISTINCT salt) FROM sagas_ledgerentry") == [(True,)]


def test_r33_times_are_the_databases_however_wrong_our_clock_is(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    saga_id, _ = begin()
    finish(saga_id)
    assert sql("SELECT bool_and(at BETWEEN now() - interval '1 minute' AND clock_timestamp()) FROM sagas_ledgerentry")[
        0
    ] == (True,)
    del saga_id


def test_r33_the_clock_asks_the_database_when_its_last_answer_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = DatabaseClock()
    first = fresh.now()
    seen = fresh._seen
    assert seen is not None
    fresh._seen = (seen[0] - timedelta(days=1), seen[1] - 120)
    assert fresh.now() >= first


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sagas_ledgerentry SET body = ''",
        "DELETE FROM sagas_ledgerentry",
        "TRUNCATE sagas_ledgerentry",
        "TRUNCATE sagas_ledgerentry_default",
        "UPDATE sagas_idempotencykey SET saga_id = gen_random_uuid()",
        "DELETE FROM sagas_idempotencykey",
        "TRUNCATE sagas_idempotencykey",
        "DELETE FROM sagas_saga",
    ],
)
def test_r33_the_database_refuses_to_change_what_was_written(ended: UUID, statement: str) -> None:
    with pytest.raises(Exception, match=r"append-only|cannot truncate"):
        sql(statement)
    sql("SET session_replication_role = replica")
    try:
        with pytest.raises(Exception, match=r"append-only|cannot truncate"):
            sql(statement)
    finally:
        sql("SET session_replication_role = DEFAULT")


def test_r33_django_does_not_write_ledger_rows(ended: UUID) -> None:
    entry = LedgerEntry.objects.first()
    assert entry is not None
    with pytest.raises(TypeError, match="written by the engine only"):
        entry.save()
    with pytest.raises(TypeError, match="never deleted"):
        entry.delete()


def test_r34_a_personal_field_is_refused_in_arguments_and_results() -> None:
    class Customer(Payload):
        name: Annotated[str, Personal()]

    with pytest.raises(DefinitionError, match=r"greet\.customer\.name: is marked Personal"):

        @local_step
        def greet(step: LocalContext, customer: Customer) -> None: ...

    with pytest.raises(DefinitionError, match=r"find\.result\.name: is marked Personal"):

        @local_step
        def find(step: LocalContext) -> Customer | None: ...


def test_ids_are_uuid7_in_the_order_of_the_databases_time() -> None:
    now = clock.now()
    ids = [uuid7_at(now + timedelta(milliseconds=n)) for n in range(100)]
    assert ids == sorted(ids)
    assert {(made.version, made.variant) for made in [*ids, uuid7()]} == {(7, "specified in RFC 4122")}
    assert connection.vendor == "postgresql"

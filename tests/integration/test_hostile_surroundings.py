"""Replica role, NUL bytes, links that others made, payments that were lost."""

import shutil
import tempfile
from base64 import b64encode
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from config.demo.errors import DemoFailed
from config.demo.message import Message
from config.embedded.home import Home, ServerUnavailable
from config.embedded.postmaster import PORT, Postmaster
from payments.pain001 import importer
from payments.pain001.transactions import Transaction
from payments.services.seed import seed_demo_bank
from tests.api.caller import client
from tests.integration.bank import a_payment, customer
from tests.run import Run


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments_account SET currency = 'USD' WHERE version > 0 AND kind = 'customer'",
        "UPDATE payments_account SET iban = 'NL91ABNA0417164300' WHERE version > 0 AND kind = 'customer'",
        "UPDATE payments_payment SET reason_code = 'MS03'",
    ],
)
def test_identity_and_end_hold_in_replica_role_too(change: str) -> None:
    a_payment(debtor_account=customer("10.00"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE payments_payment SET state = 'rejected', reason_code = 'AM04'")
    with pytest.raises(IntegrityError, match="is refused"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(change)


@pytest.mark.parametrize("path", ["/oauth/token/", "/oauth/revoke_token/"])
@pytest.mark.parametrize("in_header", [True, False])
def test_a_nul_in_a_client_id_is_refused_and_no_error_of_ours(path: str, in_header: bool) -> None:
    header = {"Authorization": "Basic " + b64encode(b"\x00:x").decode()} if in_header else {}
    fields = {"grant_type": "client_credentials", "scope": "payments:read", "token": "x"}
    body = {} if in_header else {"client_id": "\x00", "client_secret": "x"}
    assert client().post(path, fields | body, headers=header).status_code in (400, 401)


def test_the_demo_notices_payments_that_the_import_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed_demo_bank()
    message = Message.for_a_new_run(directory=tmp_path)
    every = importer._transactions
    monkeypatch.setattr(importer, "_transactions", lambda file: (t for t in every(file) if not _is_lost(t)))
    message.import_all(progress=lambda _done, _total: None)
    with pytest.raises(DemoFailed, match="only 175 became payments"):
        message.saga_ids()


def _is_lost(transaction_: Transaction) -> bool:
    return transaction_.payment_information.place.path.endswith("[1]")


def test_root_never_writes_through_a_link_that_the_servers_account_made(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("root:x:0:0\nsecond line\n")
    home = Home(tmp_path / "data")
    home.sockets.mkdir(mode=0o700)
    try:
        (home.sockets / f".s.PGSQL.{PORT}.lock").symlink_to(victim)
        with pytest.raises(ServerUnavailable, match="is a link"):
            Postmaster(home, durable=False)._disown_stale_lock_files()
        assert victim.read_text() == "root:x:0:0\nsecond line\n"
    finally:
        shutil.rmtree(home.sockets)


def test_the_tests_touch_nothing_behind_a_link_in_the_shared_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, temp = tmp_path / "mine", tmp_path / "temp"
    precious = mine / "server" / "postgres" / "precious"
    precious.mkdir(parents=True)
    temp.mkdir()
    (temp / "recourse-tests-evil").symlink_to(mine)
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    monkeypatch.setenv("RECOURSE_TEST_RUN", "restored afterwards")

    run, lock = Run.begin()
    run.end()
    lock.release()

    assert precious.exists()  # as any user but root it was deleted
    assert not (mine / "run.lock").exists()

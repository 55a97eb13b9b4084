"""manage.py sagas list|show|verify."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from sagas.models import InboxMessage, LedgerEntry, SagaStatus
from tests.integration.console import ran, started


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("sagas", *arguments)
    return capsys.readouterr().out


def test_list_shows_the_newest_sagas_and_filters_them(capsys: pytest.CaptureFixture[str]) -> None:
    done, waiting = ran().saga_id, started(business_key="INV-5")
    printed = _printed(capsys, "list")
    assert printed.index(str(waiting)) < printed.index(str(done))
    assert str(waiting) not in _printed(capsys, "list", "--status", "completed")
    assert str(done) not in _printed(capsys, "list", "--business-key", "INV-5")
    assert str(done) not in _printed(capsys, "list", "--limit", "1")
    assert "No saga is like that." in _printed(capsys, "list", "--overdue")


def test_list_marks_what_is_overdue_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    late = timezone.now() - timedelta(hours=1)
    SagaStatus.objects.filter(saga_id=started()).update(status="parked", parked_owner="operations", parked_due_at=late)
    assert "OVERDUE" in _printed(capsys, "list", "--overdue")


def test_show_prints_status_chain_and_every_entry(capsys: pytest.CaptureFixture[str]) -> None:
    status = ran()
    printed = _printed(capsys, "show", str(status.saga_id))
    assert "completed: Every step is done." in printed
    assert f"verified, {status.saga.head_seq} entries" in printed
    assert printed.count("call.intended") == 1
    assert "\x1b" not in printed


def test_show_prints_what_a_terminal_would_obey_as_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    saga_id = started(business_key="\x1b[2Jgone [bold]loud[/bold]")
    printed = _printed(capsys, "show", str(saga_id))
    assert "\x1b" not in printed
    assert "[bold]loud[/bold]" in printed


def test_in_a_narrow_window_ids_types_and_keys_are_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagas.console.terminal._WIDE", 80)
    status = ran()
    SagaStatus.objects.filter(saga_id=started()).update(
        status="parked", parked_owner="operations", parked_due_at=timezone.now() - timedelta(hours=1)
    )
    listed = _printed(capsys, "list")
    assert all(str(row.saga_id) in listed for row in SagaStatus.objects.all())
    assert max(map(len, listed.splitlines())) <= 80
    shown = _printed(capsys, "show", str(status.saga_id))
    for entry in LedgerEntry.objects.filter(saga_id=status.saga_id):
        assert f" {entry.type}\n" in shown
        assert entry.idempotency_key in shown
        assert f"\n    {entry.body}\n" in shown  # on a line of its own


def test_show_and_verify_say_which_saga_there_is_not() -> None:
    missing = str(uuid4())
    for arguments in (("show", missing), ("verify", missing)):
        with pytest.raises(CommandError, match=f"There is no saga {missing}"):
            call_command("sagas", *arguments)


def test_verify_proves_all_chains_or_the_given_ones(capsys: pytest.CaptureFixture[str]) -> None:
    one, _ = ran().saga_id, started()
    assert "2 chains verified" in _printed(capsys, "verify")
    assert "1 chains verified" in _printed(capsys, "verify", str(one))


def test_verify_names_what_is_broken_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    whole, broken = started(), ran().saga_id
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sagas_ledgerentry DISABLE TRIGGER append_only")
        cursor.execute("UPDATE sagas_ledgerentry SET body = '{}' WHERE saga_id = %s AND seq = 2", [broken])
    with pytest.raises(CommandError, match="1 of 2 chains are not as the engine wrote them"):
        call_command("sagas", "verify")
    printed = capsys.readouterr().out
    assert f"saga {broken}: entry 2 was changed after it was written" in printed
    assert str(whole) not in printed
    with pytest.raises(CommandError):
        call_command("sagas", "verify", str(broken))
    call_command("sagas", "verify", str(whole))


def test_resume_sets_a_parked_saga_going_and_names_who_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    saga_id = started()
    due = timezone.now() + timedelta(hours=1)
    SagaStatus.objects.filter(saga_id=saga_id).update(status="parked", parked_owner="operations", parked_due_at=due)
    printed = _printed(capsys, "resume", str(saga_id), "--reason", "the provider is back")
    assert "It goes on with the next sweep of a running worker." in printed
    (message,) = InboxMessage.objects.filter(saga_id=saga_id)
    assert message.sender.startswith("shell:")
    assert "the provider is back" in message.body


@pytest.mark.parametrize("reason", ["impatience", " "])
def test_resume_refuses_what_is_not_parked_or_has_no_reason(reason: str) -> None:
    saga_id = started()
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("sagas", "resume", str(saga_id), "--reason", reason)
    assert not InboxMessage.objects.exists()

"""The console's list of sagas and the page of one."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sagas import OutcomeUnknown, Rejected, RemoteCall
from sagas.admin import counting
from sagas.admin.counting import CappedPaginator, capped_counts
from sagas.models import SagaStatus
from tests.engine.world import Provider
from tests.integration.console import SAGAS, logged_in, page, page_of, ran, started, statements

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def _refuse(provider: Provider) -> None:
    provider.refusal = Rejected("AC04", HOSTILE)


def _lose_every_answer(provider: Provider) -> None:
    def lose(call: RemoteCall) -> None:
        raise OutcomeUnknown("the connection broke")

    provider.on_answer = lose
    provider.on_inquiry = lose


def _park_late(status: SagaStatus) -> None:
    """As if nobody had looked for two hours: only the display row is moved, past the engine."""
    SagaStatus.objects.filter(pk=status.pk).update(parked_due_at=timezone.now() - timedelta(hours=2))


def test_the_page_of_a_completed_saga_shows_its_steps_its_ledger_and_that_its_chain_is_whole() -> None:
    status = ran()
    text = page(logged_in(role="operators"), page_of(status))
    assert "Every step is done." in text
    assert f"verified: {status.saga.head_seq} entries" in text
    assert bytes(status.saga.head_hash).hex() in text
    for step in ("reserve", "\N{BLACK DIAMOND} send (pivot)", "post"):
        assert f"{step}</text>" in text
    assert text.count('<tr id="entry-') == status.saga.head_seq


def test_the_page_says_where_a_tampered_ledger_is_broken() -> None:
    status = ran()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sagas_ledgerentry DISABLE TRIGGER append_only")
        cursor.execute("UPDATE sagas_ledgerentry SET actor = 'worker:x:1' WHERE seq = 3")
    text = page(logged_in(role="operators"), page_of(status))
    assert "entry 3 was changed after it was written" in text
    assert "verified:" not in text


def test_the_page_of_an_undone_saga_has_an_undo_lane_and_the_reason() -> None:
    text = page(logged_in(role="operators"), page_of(ran(prepare=_refuse)))
    assert "It was refused, and everything that had been done was taken back." in text
    assert text.index("Undo, the last step first") < text.index("release</text>") < text.index("turn_down</text>")
    assert "refused: AC04" in text


def test_what_a_provider_said_is_text_and_never_markup() -> None:
    status = ran(prepare=_refuse)
    client = logged_in(role="operators")
    for text in (page(client, page_of(status)), page(client, SAGAS)):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_a_parked_saga_shows_its_owner_its_due_time_and_that_the_outcome_is_unknown() -> None:
    status = ran(prepare=_lose_every_answer)
    assert status.status == "parked"
    text = page(logged_in(role="operators"), page_of(status))
    assert "Nothing more happens until a person decides." in text
    assert "operations, due" in text
    assert "outcome unknown</text>" in text
    assert 'class="tl-unknown"' in text
    assert "The call may have been carried out" in text
    assert "verdue" not in text


def test_an_overdue_saga_is_marked_by_words_on_its_page_and_in_the_list() -> None:
    status = ran(prepare=_lose_every_answer)
    _park_late(status)
    client = logged_in(role="operators")
    assert "Overdue by 2 h" in page(client, page_of(status))
    assert "overdue by 2 h" in page(client, SAGAS)
    assert "parked and overdue (1)" in page(client, SAGAS)
    assert "1 saga" in page(client, f"{SAGAS}?attention=overdue")


def test_a_saga_that_no_worker_takes_says_so() -> None:
    started()
    assert re.search(r"due for [\d.]+ m?s, waits for a worker", page(logged_in(role="operators"), SAGAS))


def test_a_saga_is_found_by_its_id_and_by_its_business_key_only_in_full() -> None:
    wanted, _ = started(business_key="INV-77"), started(business_key="INV-78")
    client = logged_in(role="operators")
    for term in (str(wanted), str(wanted).upper(), wanted.hex, "INV-77", " INV-77 "):
        text = page(client, f"{SAGAS}?q={term}")
        assert "INV-77</a>" in text
        assert "INV-78</a>" not in text
    assert "0 sagas" in page(client, f"{SAGAS}?q=INV-7")


def test_a_filter_shows_its_sagas_and_how_many_there_are() -> None:
    ran(), ran(prepare=_refuse), started(business_key="still-running")
    client = logged_in(role="operators")
    text = page(client, SAGAS)
    for facet in ("running (1)", "completed (1)", "undone (1)", "being undone (0)"):
        assert facet in text
    text = page(client, f"{SAGAS}?status__exact=running")
    assert "still-running" in text
    assert "1 saga\n" in text


def test_the_list_takes_the_same_statements_for_one_saga_and_for_many() -> None:
    client = logged_in(role="operators")
    started()
    few = statements(client, SAGAS)
    for _ in range(9):
        started()
    assert statements(client, SAGAS) == few
    assert few <= 10


def test_counts_stop_at_their_limit_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "LIMIT", 3)
    for _ in range(5):
        started()
    rows = SagaStatus.objects.order_by("-started_at")
    assert capped_counts({"all": rows, "none": rows.none(), "parked": rows.filter(status="parked")}) == {
        "all": "over 3",
        "none": "0",
        "parked": "0",
    }
    paginator = CappedPaginator(rows, 2)
    assert (paginator.count, paginator.num_pages, paginator.is_capped) == (3, 2, True)
    text = page(logged_in(role="operators"), SAGAS)
    assert "running (over 3)" in text
    assert "The first 3 sagas: there are more" in text


def test_no_page_of_the_console_counts_a_whole_table() -> None:
    started()
    client = logged_in(role="operators")
    with CaptureQueriesContext(connection) as captured:
        page(client, SAGAS)
    counts = [query["sql"] for query in captured.captured_queries if "count(" in query["sql"].lower()]
    assert counts
    for sql in counts:
        assert sql.lower().count("count(") == sql.count("LIMIT 10001")


def test_a_huge_body_is_folded_and_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagas.admin.page.LONG_BODY", 50)
    text = page(logged_in(role="operators"), page_of(ran()))
    assert "<details><summary>" in text
    assert "more characters are not shown here" in text


def test_of_a_very_long_saga_the_newest_entries_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagas.admin.page.MOST_ENTRIES", 3)
    status = ran()
    text = page(logged_in(role="operators"), page_of(status))
    assert text.count('<tr id="entry-') == 3
    assert f"The newest 3 of {status.saga.head_seq} entries" in text

"""What a ledger looks like as a timeline."""

from sagas.console.stretches import Kind
from sagas.console.timeline import Row, timeline_of
from sagas.entries import Direction, EntryType
from tests.unit.ledger_lines import Ledger, at


def _kinds(row: Row) -> list[tuple[Kind, float, float]]:
    return [
        (bar.kind, (bar.begins_at - at(0)).total_seconds(), (bar.ends_at - at(0)).total_seconds())
        for bar in row.stretches
    ]


def _intended(ledger: Ledger, seconds: float, attempt: int = 1, actor: str = "worker:a:1") -> Ledger:
    return ledger.add(seconds, EntryType.CALL_INTENDED, "send", attempt=attempt, actor=actor, pivot=True)


def test_a_call_is_a_bar_from_its_intent_to_its_outcome_and_a_local_step_is_a_moment() -> None:
    ledger = Ledger().add(1, EntryType.STEP_COMPLETED, "reserve", path="0", attempt=1)
    ledger.add(2, EntryType.CALL_INTENDED, "send", path="1", attempt=1, pivot=True)
    ledger.add(5, EntryType.CALL_COMPLETED, "send", path="1", attempt=1).add(6, EntryType.COMPLETED)
    reserve, send = timeline_of(ledger.entries, now=at(99)).rows
    assert _kinds(reserve) == [(Kind.DONE, 1, 1)]
    assert _kinds(send) == [(Kind.DONE, 2, 5)]
    assert (reserve.is_remote, send.is_remote, reserve.is_pivot, send.is_pivot) == (False, True, False, True)


def test_an_ended_saga_ends_at_its_last_entry_and_a_living_one_now() -> None:
    running = Ledger().add(1, EntryType.STEP_COMPLETED, "reserve", attempt=1)
    assert timeline_of(running.entries, now=at(9)).ends_at == at(9)
    ended = running.add(2, EntryType.COMPLETED)
    assert timeline_of(ended.entries, now=at(9)).ends_at == at(2)


def test_a_failed_attempt_is_followed_by_its_wait() -> None:
    ledger = _intended(Ledger(), 1).add(2, EntryType.CALL_FAILED, "send", attempt=1, error="503", next_at=at(4))
    _intended(ledger, 4.5, 2).add(5, EntryType.CALL_COMPLETED, "send", attempt=2)
    (send,) = timeline_of(ledger.entries, now=at(5)).rows
    assert _kinds(send) == [(Kind.FAILED, 1, 2), (Kind.WAIT, 2, 4.5), (Kind.DONE, 4.5, 5)]
    assert send.words == "done at attempt 2"


def test_a_wait_reaches_to_the_next_try_in_the_future() -> None:
    ledger = _intended(Ledger(), 1).add(2, EntryType.CALL_FAILED, "send", attempt=1, error="503", next_at=at(60))
    timeline = timeline_of(ledger.entries, now=at(10))
    assert _kinds(timeline.rows[0])[-1] == (Kind.WAIT, 2, 60)
    assert (timeline.now, timeline.ends_at) == (at(10), at(60))
    assert timeline.rows[0].words == "tried again at 09:01:00"


def test_an_overdue_wait_reaches_to_now() -> None:
    ledger = _intended(Ledger(), 1).add(2, EntryType.CALL_FAILED, "send", attempt=1, error="503", next_at=at(3))
    assert _kinds(timeline_of(ledger.entries, now=at(10)).rows[0])[-1] == (Kind.WAIT, 2, 10)


def test_a_lost_answer_is_unknown_until_it_is_settled() -> None:
    ledger = _intended(Ledger(), 1).add(3, EntryType.CALL_UNKNOWN, "send", attempt=1, error="lost", next_at=at(4))
    ledger.add(5, EntryType.CALL_COMPLETED, "send", attempt=1, settled_by="inquiry")
    (send,) = timeline_of(ledger.entries, now=at(9)).rows
    assert _kinds(send) == [(Kind.UNKNOWN, 1, 3), (Kind.UNSETTLED, 3, 5)]
    assert (send.outcome, send.words) == (Kind.DONE, "done, found out by asking")


def test_an_unknown_outcome_is_never_called_failed_or_done() -> None:
    ledger = _intended(Ledger(), 1).add(3, EntryType.CALL_UNKNOWN, "send", attempt=1, error="lost", next_at=at(40))
    (send,) = timeline_of(ledger.entries, now=at(9)).rows
    assert {bar.kind for bar in send.stretches} == {Kind.UNKNOWN, Kind.UNSETTLED}
    assert (send.outcome, send.words) == (Kind.UNKNOWN, "outcome unknown, asked again at 09:00:40")


def test_a_parked_saga_promises_no_next_try() -> None:
    ledger = _intended(Ledger(), 1).add(3, EntryType.CALL_UNKNOWN, "send", attempt=1, error="lost", next_at=at(4))
    ledger.add(5, EntryType.PARKED, reason="no inquiry")
    timeline = timeline_of(ledger.entries, now=at(9))
    assert timeline.rows[0].words == "outcome unknown"
    assert timeline.parked == ((at(5), at(9)),)


def test_a_resumed_saga_was_parked_until_then() -> None:
    ledger = Ledger().add(1, EntryType.PARKED).add(7, EntryType.RESUMED, message=1).add(8, EntryType.COMPLETED)
    timeline = timeline_of(ledger.entries, now=at(9))
    assert timeline.parked == ((at(1), at(7)),)
    assert [mark.label for mark in timeline.marks] == ["started", "parked", "resumed", "completed"]


def test_an_intent_without_an_outcome_is_open_while_it_is_the_last_entry() -> None:
    (send,) = timeline_of(_intended(Ledger(), 1).entries, now=at(4)).rows
    assert _kinds(send) == [(Kind.OPEN, 1, 4)]
    assert send.outcome == Kind.OPEN


def test_a_worker_that_dies_in_mid_call_leaves_an_unknown_bar_and_the_next_one_takes_over() -> None:
    ledger = _intended(Ledger(), 1, actor="worker:a:1")
    ledger.add(9, EntryType.CALL_COMPLETED, "send", attempt=1, actor="worker:b:2", settled_by="inquiry")
    ledger.add(10, EntryType.COMPLETED, actor="worker:b:2")
    timeline = timeline_of(ledger.entries, now=at(20))
    assert _kinds(timeline.rows[0]) == [(Kind.UNKNOWN, 1, 9)]
    assert "no outcome was recorded" in timeline.rows[0].stretches[0].label
    assert [(shift.worker, shift.recovers) for shift in timeline.shifts] == [(1, False), (2, True)]
    assert timeline.recoveries == 1


def test_another_worker_after_a_recorded_outcome_is_no_recovery() -> None:
    ledger = _intended(Ledger(), 1).add(2, EntryType.CALL_FAILED, "send", attempt=1, error="503", next_at=at(3))
    _intended(ledger, 3, 2, actor="worker:b:2")
    assert timeline_of(ledger.entries, now=at(4)).recoveries == 0


def test_a_repeat_after_a_crash_shows_the_first_attempt_as_unknown() -> None:
    ledger = _intended(_intended(Ledger(), 1), 9, 2, actor="worker:b:2")
    ledger.add(10, EntryType.CALL_COMPLETED, "send", attempt=2, actor="worker:b:2")
    assert _kinds(timeline_of(ledger.entries, now=at(20)).rows[0]) == [(Kind.UNKNOWN, 1, 9), (Kind.DONE, 9, 10)]


def test_undo_steps_have_a_lane_of_their_own_and_show_what_is_still_to_come() -> None:
    ledger = Ledger().add(1, EntryType.STEP_COMPLETED, "reserve", path="0", attempt=1)
    ledger.add(2, EntryType.STEP_REJECTED, "check", path="1", attempt=1, code="AC04", reason="closed")
    ledger.add(3, EntryType.UNDO_BEGUN, undo=True, code="AC04", steps=["release", "reject"])
    ledger.add(4, EntryType.STEP_COMPLETED, "release", path="0", attempt=1, undo=True)
    timeline = timeline_of(ledger.entries, now=at(5))
    assert [row.step for row in timeline.lane(Direction.FORWARD)] == ["reserve", "check"]
    assert [(row.step, row.words) for row in timeline.lane(Direction.UNDO)] == [
        ("release", "done"),
        ("reject", "still to come"),
    ]
    assert timeline.rows[1].words == "refused: AC04"


def test_a_local_step_that_failed_waits_for_its_next_try_and_is_given_up_in_the_end() -> None:
    ledger = Ledger().add(1, EntryType.STEP_FAILED, "post", attempt=1, error="ValueError", next_at=at(2))
    ledger.add(3, EntryType.STEP_FAILED, "post", attempt=2, error="ValueError", next_at=None)
    (post,) = timeline_of(ledger.entries, now=at(9)).rows
    assert _kinds(post) == [(Kind.FAILED, 1, 1), (Kind.WAIT, 1, 3), (Kind.FAILED, 3, 3)]
    assert (post.outcome, post.words) == (Kind.FAILED, "given up after 2 attempts")

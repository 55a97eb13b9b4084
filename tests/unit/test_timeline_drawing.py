"""Where the parts of a timeline stand."""

import itertools
from datetime import timedelta

import pytest

from sagas.admin.drawing import LETTER, WIDEST, Drawing, Scale, draw
from sagas.console.durations import in_words
from sagas.console.timeline import timeline_of
from sagas.entries import EntryType
from tests.unit.ledger_lines import Ledger, at


def _long() -> Ledger:
    """Two hundred entries: a hundred attempts, then a night."""
    ledger = Ledger()
    for number in range(1, 100):
        ledger.add(number, EntryType.CALL_INTENDED, "send", attempt=number)
        ledger.add(number + 0.02, EntryType.CALL_FAILED, "send", attempt=number, error="503", next_at=at(number + 1))
    return ledger.add(60_000, EntryType.CALL_INTENDED, "send", attempt=100)


def _drawn(ledger: Ledger) -> Drawing:
    return draw(timeline_of(ledger.entries, now=ledger.entries[-1].at + timedelta(seconds=1)))


def test_the_scale_keeps_the_order_and_a_visible_distance_from_milliseconds_to_days() -> None:
    instants = [at(seconds) for seconds in (0, 0.001, 0.002, 5, 90_000)]
    places = [Scale(instants, left=0).x(instant) for instant in instants]
    assert places == sorted(places)
    assert min(after - before for before, after in itertools.pairwise(places)) > 6


def test_a_longer_time_is_never_drawn_shorter() -> None:
    instants = [at(seconds) for seconds in (0, 0.001, 1, 100, 100_000)]
    places = [Scale(instants, left=0).x(instant) for instant in instants]
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert gaps == sorted(set(gaps))


def test_two_hundred_entries_stay_inside_the_drawing() -> None:
    drawing = _drawn(_long())
    assert drawing.width < WIDEST + 400
    for box in [*drawing.boxes, *drawing.bands]:
        assert box.x >= 0
        assert box.x + box.width <= drawing.width
        assert box.y >= 0
        assert box.y + box.height <= drawing.height


def test_axis_labels_do_not_collide() -> None:
    ticks = sorted(text.x for text in _drawn(_long()).texts if text.css == "tl-tick")
    assert all(after - before >= 80 for before, after in itertools.pairwise(ticks))


def test_labels_of_events_at_one_moment_stand_one_above_the_other() -> None:
    ledger = Ledger().add(0.001, EntryType.PARKED).add(0.002, EntryType.RESUMED).add(0.003, EntryType.COMPLETED)
    labels = [text for text in _drawn(ledger).texts if text.css == "tl-mark-label"]
    for one in labels:
        for other in labels:
            apart = abs(one.x - other.x) >= len(one.text) * LETTER or one.y != other.y
            assert one is other or apart or one.x > other.x


def test_only_unknown_outcomes_are_hatched() -> None:
    ledger = Ledger().add(1, EntryType.CALL_INTENDED, "send", attempt=1)
    ledger.add(2, EntryType.CALL_UNKNOWN, "send", attempt=1, error="lost", next_at=at(3))
    ledger.add(4, EntryType.CALL_INTENDED, "send", attempt=2)
    ledger.add(5, EntryType.CALL_COMPLETED, "send", attempt=2)
    hatched = {box.seq: box.hatched for box in _drawn(ledger).boxes if box.seq}
    assert hatched == {2: True, 3: True, 4: False}


def test_the_description_tells_the_outcome_of_every_step() -> None:
    ledger = Ledger().add(1, EntryType.STEP_COMPLETED, "reserve", attempt=1).add(2, EntryType.COMPLETED)
    assert _drawn(ledger).description == "Over 2.0 s; events: started, completed. reserve: done."


def test_long_step_names_and_errors_are_cut() -> None:
    ledger = Ledger().add(1, EntryType.STEP_FAILED, "s" * 200, attempt=1, error="e" * 5000, next_at=None)
    drawing = _drawn(ledger)
    assert max(len(text.text) for text in drawing.texts) < 60
    assert max(len(box.title) for box in drawing.boxes) <= 300


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 ms"),
        (0.0031, "3 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (86_399, "23 h 59 min"),
        (1_051_200, "12 d 4 h"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: float, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words

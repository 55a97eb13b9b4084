"""What a saga's page shows: where it stands, its timeline, every entry of its ledger, whether its chain is whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from pydantic_core import from_json, to_json

from sagas.admin.drawing import Drawing, draw
from sagas.admin.links import links_of
from sagas.console.durations import in_words
from sagas.console.situation import age, headline, is_overdue, next_wake, waits_for
from sagas.console.timeline import Timeline, timeline_of
from sagas.models import LedgerEntry, SagaStatus
from sagas.proof import broken_chains

#: Entries on one page, the newest; a saga that has more says so.
MOST_ENTRIES = 1_000
#: A body is shown beside its entry up to the first number of characters, unfolded up to the second.
SHORT_BODY, LONG_BODY = 80, 20_000


@dataclass(frozen=True, slots=True)
class Body:
    """An entry's body for people: `text` is pretty-printed when it is folded away under `summary`."""

    text: str
    summary: str = ""
    cut: int = 0


@dataclass(frozen=True, slots=True)
class ShownTimeline:
    """A timeline and its drawing, as the template `sagas/admin/timeline.html` takes them."""

    timeline: Timeline
    drawing: Drawing
    id: str

    @property
    def workers(self) -> list[tuple[int, str]]:
        """Who the numbered workers are."""
        return sorted({(shift.worker, shift.actor.removeprefix("worker:")) for shift in self.timeline.shifts})


def saga_context(request: HttpRequest, status: SagaStatus) -> dict[str, Any]:
    """The context of a saga's page. `status` comes with its `saga`."""
    now = timezone.now()
    entries = newest_entries(status.saga_id)
    broken = broken_chains([status.saga_id])
    due = status.parked_due_at
    return {
        "headline": headline(status),
        "waits_for": waits_for(status, entries[-1], now=now) if entries else "",
        "next_wake": next_wake(status, now=now),
        "overdue_by": in_words(now - due) if due and is_overdue(status, now=now) else "",
        "due_in": in_words(due - now) if due and due >= now else "",
        "age": in_words(age(status, now=now)),
        "links": links_of(request, status),
        "broken": broken[0].problem if broken else "",
        "head_hash": bytes(status.saga.head_hash).hex(),
        "shown": shown_timeline(entries, now=now) if entries else None,
        "rows": [(entry, body_of(entry)) for entry in entries],
        "left_out": entries[0].seq - 1 if entries else 0,
    }


def newest_entries(saga_id: UUID) -> list[LedgerEntry]:
    """A saga's entries in order; of a long one the newest."""
    newest = LedgerEntry.objects.filter(saga_id=saga_id).order_by("-seq")[:MOST_ENTRIES]
    return list(reversed(newest))


def shown_timeline(entries: Sequence[LedgerEntry], *, now: datetime) -> ShownTimeline:
    """The drawing of these entries (at least one)."""
    timeline = timeline_of(entries, now=now)
    return ShownTimeline(timeline=timeline, drawing=draw(timeline), id=f"timeline-{entries[0].saga_id}")


def body_of(entry: LedgerEntry) -> Body:
    """The body pretty-printed, folded if it is long, cut if it is huge."""
    if entry.body is None:
        return Body("(purged)")
    if entry.body == "{}":
        return Body("")
    if len(entry.body) <= SHORT_BODY:
        return Body(entry.body)
    pretty = to_json(from_json(entry.body), indent=2).decode()
    return Body(pretty[:LONG_BODY], f"{entry.body[: SHORT_BODY - 1]}…", max(len(pretty) - LONG_BODY, 0))

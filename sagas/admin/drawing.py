"""Where the parts of a timeline stand in its drawing. Pure: the template turns these shapes into SVG.

Time goes to the right, order-preserving and compressed: a pause of an hour is drawn some times as wide as one of a
second, not 3,600 times, so that a saga of milliseconds with a night in the middle stays readable. The axis says so.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import log10

from sagas.console.durations import in_words
from sagas.console.stretches import Kind, Stretch
from sagas.console.timeline import Row, Timeline
from sagas.entries import Direction

LABELS = 236.0
NARROWEST, WIDEST = 720.0, 1600.0
PAD = 14.0
#: Room for the label of the last mark.
END = 96.0
ROW, BAR, THIN = 36.0, 16.0, 6.0
MOMENT = 8.0
#: The average width of a letter at the drawing's font size.
LETTER = 6.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    css: str
    title: str = ""
    seq: int | None = None
    hatched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    x: float
    y: float
    text: str
    css: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    css: str


@dataclass(slots=True)
class Drawing:
    """The shapes, back to front: boxes behind, lines, boxes, texts."""

    width: float
    height: float = 0
    description: str = ""
    bands: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


class Scale:
    """Instants to horizontal places; the known instants keep their order and a visible distance."""

    def __init__(self, instants: Iterable[datetime], *, left: float) -> None:
        self._instants = sorted(set(instants))
        pairs = pairwise(self._instants)
        gaps = [6 + 12 * log10(1 + (after - before).total_seconds() * 1000) for before, after in pairs]
        total = sum(gaps) or 1.0
        self.width = min(max(total, NARROWEST), WIDEST)
        self._places = [left]
        for gap in gaps:
            self._places.append(self._places[-1] + gap * self.width / total)

    def x(self, instant: datetime) -> float:
        index = bisect_right(self._instants, instant) - 1
        return round(self._places[max(index, 0)], 1)

    def ticks(self, *, apart: float) -> list[tuple[float, datetime]]:
        """Some of the known instants, far enough from each other to be labelled."""
        chosen: list[tuple[float, datetime]] = []
        for place, instant in zip(self._places, self._instants, strict=True):
            if not chosen or place - chosen[-1][0] >= apart:
                chosen.append((round(place, 1), instant))
        return chosen


def draw(timeline: Timeline) -> Drawing:
    """Lay the timeline out: axis and marks on top, the forward lane, the undo lane, the workers."""
    scale = Scale(_instants(timeline), left=LABELS + PAD)
    drawing = Drawing(width=round(LABELS + PAD + scale.width + END, 1), description=_description(timeline))
    y = _axis(drawing, timeline, scale)
    top = y
    for heading, direction in (("Forward", Direction.FORWARD), ("Undo, the last step first", Direction.UNDO)):
        rows = timeline.lane(direction)
        if rows:
            y = _lane(drawing, heading, rows, scale, y=y)
    bottom = y
    drawing.lines += [Line(x1=x, y1=top, x2=x, y2=bottom, css="tl-grid") for x, _ in scale.ticks(apart=84)]
    for begins_at, ends_at in timeline.parked:
        x = scale.x(begins_at)
        drawing.bands.append(
            Box(x=x, y=top, width=max(scale.x(ends_at) - x, 2), height=bottom - top, css="tl-parked", title="parked")
        )
    for mark in timeline.marks:
        x = scale.x(mark.at)
        drawing.lines.append(Line(x1=x, y1=top - 8, x2=x, y2=bottom, css="tl-mark"))
    drawing.height = round(_workers(drawing, timeline, scale, y=y), 1)
    return drawing


def _instants(timeline: Timeline) -> set[datetime]:
    found = {timeline.begins_at, timeline.ends_at, timeline.now}
    found |= {mark.at for mark in timeline.marks}
    found |= {instant for shift in timeline.shifts for instant in (shift.begins_at, shift.ends_at)}
    found |= {instant for row in timeline.rows for bar in row.stretches for instant in (bar.begins_at, bar.ends_at)}
    return found


def _axis(drawing: Drawing, timeline: Timeline, scale: Scale) -> float:
    """Elapsed times, then the marks, one above the other where they would collide."""
    for x, instant in scale.ticks(apart=84):
        elapsed = in_words(instant - timeline.begins_at)
        text = "0" if instant == timeline.begins_at else f"+{elapsed}"
        drawing.texts.append(Text(x=x, y=14, text=text, css="tl-tick", title=f"{instant:%Y-%m-%d %H:%M:%S.%f} UTC"))
    marks = [(mark.at, mark.label) for mark in timeline.marks]
    if not timeline.ended:
        marks = sorted([*marks, (timeline.now, "now")])
    ends: list[float] = []
    for at, label in marks:
        x = scale.x(at)
        level = next((n for n, end in enumerate(ends) if end < x), len(ends))
        ends[level : level + 1] = [x + len(label) * LETTER + 12]
        drawing.texts.append(Text(x=x + 2, y=34 + 15 * level, text=label, css="tl-mark-label"))
    return 34 + 15 * max(len(ends), 1)


def _lane(drawing: Drawing, heading: str, rows: tuple[Row, ...], scale: Scale, *, y: float) -> float:
    drawing.texts.append(Text(x=4, y=y + 15, text=heading, css="tl-heading"))
    y += 22
    for number, row in enumerate(rows):
        if number % 2 == 0:
            drawing.bands.append(Box(x=0, y=y, width=drawing.width, height=ROW, css="tl-stripe"))
        _row(drawing, row, scale, y=y)
        y += ROW
    return y + 6


def _row(drawing: Drawing, row: Row, scale: Scale, *, y: float) -> None:
    place = "local step" if not row.is_remote else "remote step"
    name = f"\N{BLACK DIAMOND} {row.step} (pivot)" if row.is_pivot else row.step
    full = f"{row.step}: {place}" + (", the pivot: after it nothing is undone" if row.is_pivot else "")
    drawing.texts.append(Text(x=10, y=y + 15, text=_clipped(name, LABELS - 14), css="tl-step", title=full))
    words = _clipped(row.words, LABELS - 20)
    drawing.texts.append(Text(x=10, y=y + 30, text=words, css=f"tl-words tl-words-{row.outcome}", title=row.words))
    for bar in row.stretches:
        drawing.boxes.append(_box(bar, scale, y=y))


def _box(bar: Stretch, scale: Scale, *, y: float) -> Box:
    begin, end = scale.x(bar.begins_at), scale.x(bar.ends_at)
    moment = bar.begins_at == bar.ends_at
    height = THIN if bar.kind in (Kind.WAIT, Kind.UNSETTLED) else BAR
    length = "" if moment else f" ({in_words(bar.ends_at - bar.begins_at)})"
    return Box(
        x=begin - MOMENT / 2 if moment else begin,
        y=y + (ROW - height) / 2,
        width=MOMENT if moment else round(max(end - begin, 2), 1),
        height=height,
        css=f"tl-{bar.kind}",
        title=_clipped(f"{bar.label}{length}", 300 * LETTER),
        seq=bar.seq,
        hatched=bar.kind in (Kind.UNKNOWN, Kind.UNSETTLED),
    )


def _workers(drawing: Drawing, timeline: Timeline, scale: Scale, *, y: float) -> float:
    if not timeline.shifts:
        return y
    drawing.texts.append(Text(x=4, y=y + 16, text="Workers", css="tl-heading"))
    free_from = 0.0
    for shift in timeline.shifts:
        begin, end = scale.x(shift.begins_at), scale.x(shift.ends_at)
        title = f"worker {shift.worker}: {shift.actor.removeprefix('worker:')}"
        if shift.recovers:
            title += "; took over from one that fell silent in mid-call"
        css = f"tl-worker tl-worker-{'odd' if shift.worker % 2 else 'even'}"
        drawing.boxes.append(Box(x=begin, y=y + 6, width=max(end - begin, 4), height=BAR, css=css, title=title))
        text = f"worker {shift.worker}" + (" takes over" if shift.recovers else "")
        if shift.recovers or begin >= free_from:
            drawing.texts.append(Text(x=begin, y=y + 33, text=text, css="tl-tick tl-begin", title=title))
            free_from = begin + len(text) * LETTER + 8
    return y + 42


def _clipped(text: str, width: float) -> str:
    letters = int(width / LETTER)
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _description(timeline: Timeline) -> str:
    """What somebody who cannot see the drawing is told; the table of entries below it has the rest."""
    took = in_words(timeline.ends_at - timeline.begins_at)
    parts = [f"Over {took}; events: {', '.join(mark.label for mark in timeline.marks[:20])}."]
    for row in timeline.rows[:40]:
        lane = "undo step " if row.direction == Direction.UNDO else ""
        parts.append(f"{lane}{row.step}{' (pivot)' if row.is_pivot else ''}: {row.words}.")
    if len(timeline.rows) > 40:
        parts.append(f"And {len(timeline.rows) - 40} more, in the table of entries.")
    if timeline.recoveries:
        parts.append(f"Workers took over from one that fell silent {timeline.recoveries} times.")
    return " ".join(parts)

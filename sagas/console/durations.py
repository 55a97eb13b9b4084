"""Durations in words that are read at a glance: two units at most, the larger first."""

from datetime import timedelta
from itertools import pairwise

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def in_words(duration: timedelta) -> str:
    """Such as `3 ms`, `1.2 s`, `42 s`, `2 min 5 s`, `3 h`, `12 d 4 h`; a negative duration counts as none."""
    seconds = max(duration.total_seconds(), 0)
    if round(seconds * 1000) < 1000:
        return f"{round(seconds * 1000)} ms"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for (size, unit), (smaller, smaller_unit) in pairwise(_UNITS):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {smaller_unit}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"

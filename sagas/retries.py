"""When to try again: capped exponential backoff with jitter. Delays are due rows, never sleeping workers."""

import random
from dataclasses import dataclass
from datetime import timedelta

from sagas.errors import DefinitionError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a step is tried again; when `max_attempts` are spent the saga parks.

    The delay before attempt n+1 is `first * factor**(n-1)`, at most `cap`, less a random part of up to `jitter` of it,
    so that sagas that failed together do not return together.
    """

    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    cap: timedelta = timedelta(minutes=5)
    jitter: float = 0.5
    max_attempts: int = 12

    def __post_init__(self) -> None:
        if self.first <= timedelta(0) or self.cap < self.first or self.factor < 1 or self.max_attempts < 1:
            raise DefinitionError(f"{self}: delays are positive and grow up to their cap; at least one attempt is made")
        if not 0 <= self.jitter <= 1:
            raise DefinitionError(f"{self}: jitter is a part of the delay, from 0 to 1")

    def delay(self, *, after_attempt: int) -> timedelta:
        """How long to wait after this many attempts have failed."""
        exponent = min(after_attempt - 1, 62)  # beyond this every delay is capped, and the power would overflow
        longest = min(self.first.total_seconds() * self.factor**exponent, self.cap.total_seconds())
        return timedelta(seconds=longest * (1 - self.jitter * random.random()))  # noqa: S311 - guards nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class InquirySchedule:
    """When to ask what became of an unknown outcome: after these delays, then at the last one, `max_inquiries` times.

    Spent, the saga parks: only an inbound message, a statement or two people can settle it then.
    """

    delays: tuple[timedelta, ...] = (
        timedelta(seconds=1),
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=10),
        timedelta(hours=1),
    )
    max_inquiries: int = 30

    def __post_init__(self) -> None:
        if not self.delays or min(self.delays) <= timedelta(0) or self.max_inquiries < 1:
            raise DefinitionError(f"{self}: name at least one delay, all positive, and at least one inquiry")

    def delay(self, *, asked: int) -> timedelta:
        """How long to wait when it was asked this many times already."""
        return self.delays[min(asked, len(self.delays) - 1)]

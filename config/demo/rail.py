"""The rail's own book, read over HTTP as a bank would ask for a statement."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class RailTotals:
    """What the rail says of all that it ever booked for us in EUR."""

    accepted: int
    total: Decimal
    most_effects_of_a_key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RailEntry:
    """One final decision in the rail's book."""

    key: str
    is_booked: bool
    amount: Decimal


class RailBook:
    """A reader of the book of the rail at this address."""

    def __init__(self, *, url: str) -> None:
        self.url = url

    def is_up(self) -> bool:
        try:
            httpx.get(f"{self.url}/book", timeout=2, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            return False
        return True

    def totals(self) -> RailTotals:
        book = httpx.get(f"{self.url}/book", timeout=30, trust_env=False).raise_for_status().json()
        euros = book["currencies"].get("EUR", {"accepted": 0, "sum": "0.00"})
        return RailTotals(
            accepted=euros["accepted"],
            total=Decimal(euros["sum"]),
            most_effects_of_a_key=max((key["effects"] for key in book["keys"].values()), default=0),
        )

    def entries(self) -> Iterator[RailEntry]:
        """Every decision, oldest first."""
        after: int | None = 0
        while after is not None:
            page = httpx.get(f"{self.url}/book/entries", params={"after": after}, timeout=30, trust_env=False)
            content = page.raise_for_status().json()
            for entry in content["entries"]:
                yield RailEntry(
                    key=entry["idempotency_key"],
                    is_booked=entry["status"] == "ACSC",
                    amount=Decimal(entry["amount"]),
                )
            after = content["next_after"]

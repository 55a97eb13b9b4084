"""What a run came to, every figure of it queried: the payments, the books, the rail's book, the ledger's chains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, Sum
from moneyed import Money

from config.demo.rail import RailBook, RailTotals
from config.demo.recovery import Kill, TakenOn
from config.demo.watch import Standing, standing
from payments import selectors
from payments.models import JournalKind, Payment, PaymentState, Posting
from payments.steps import RAIL
from sagas.entries import EntryType
from sagas.models import LedgerEntry, Saga
from sagas.proof import BrokenChain, broken_chains

# Of an attempt whose own answer was lost, the ledger knows: an unknown outcome, one settled by inquiry, or an attempt
# that is followed by another and has no outcome (its worker died, and the rail did not know the key).
_ANSWER_LOST: Final = """
SELECT DISTINCT entry.saga_id FROM sagas_ledgerentry entry
 WHERE entry.saga_id = ANY(%(ids)s) AND (
       entry.type = %(unknown)s
    OR entry.type IN (%(completed)s, %(rejected)s) AND entry.body::jsonb ->> 'settled_by' = 'inquiry'
    OR entry.type = %(intended)s
       AND EXISTS (SELECT FROM sagas_ledgerentry later WHERE later.saga_id = entry.saga_id AND later.step = entry.step
                      AND later.type = %(intended)s AND later.attempt > entry.attempt)
       AND NOT EXISTS (SELECT FROM sagas_ledgerentry answer WHERE answer.saga_id = entry.saga_id
                          AND answer.step = entry.step AND answer.attempt = entry.attempt
                          AND answer.type <> %(intended)s))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A number of bookings and their sum in EUR."""

    count: int
    total: Decimal

    def __str__(self) -> str:
        return f"{self.count} for {self.total:,.2f} EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All figures of the report."""

    sagas: Standing
    sagas_of_all_runs: Standing
    states: Mapping[PaymentState, int]
    reasons: Mapping[str, int]
    settled_after_inquiry: int
    retried_calls: int
    seconds: float
    kill: Kill
    taken_on: Sequence[TakenOn]
    trial_balance: Mapping[str, Money]
    discrepancies: int
    open_holds: int
    ours: Booked
    ours_of_all_runs: Booked
    rail: Booked
    rail_of_all_runs: RailTotals
    settled_with_one_effect: int
    rejected_with_an_effect: int
    chains: int
    entries: int
    broken_chains: Sequence[BrokenChain]

    @property
    def payments(self) -> int:
        return self.sagas.total

    @property
    def settled(self) -> int:
        return self.states.get(PaymentState.SETTLED, 0)

    @property
    def rejected(self) -> int:
        return self.states.get(PaymentState.REJECTED, 0)


def find(*, saga_ids: Sequence[UUID], kill: Kill, book: RailBook) -> Findings:
    """Query everything, when the run's sagas have ended."""
    payments = Payment.objects.filter(saga_id__in=saga_ids)
    settled = set(payments.filter(state=PaymentState.SETTLED).values_list("saga_id", flat=True))
    entries = LedgerEntry.objects.filter(saga_id__in=saga_ids)
    calls = entries.filter(type=EntryType.CALL_INTENDED)
    saga_of_key = dict(calls.values_list("idempotency_key", "saga_id"))
    booked = [entry for entry in book.entries() if entry.is_booked and entry.key in saga_of_key]
    booked_sagas = [saga_of_key[entry.key] for entry in booked]
    return Findings(
        sagas=standing(saga_ids),
        sagas_of_all_runs=standing(),
        states={
            PaymentState(state): count
            for state, count in payments.values_list("state").annotate(Count("id")).order_by()
        },
        reasons=dict(
            payments.filter(state=PaymentState.REJECTED)
            .values_list("reason_code")
            .annotate(Count("id"))
            .order_by("-id__count", "reason_code")
        ),
        settled_after_inquiry=len(settled & _answer_lost(saga_ids)),
        retried_calls=calls.filter(attempt__gt=1).count(),
        seconds=_seconds(saga_ids),
        kill=kill,
        taken_on=kill.taken_on(),
        trial_balance=selectors.trial_balance(),
        discrepancies=len(selectors.ledger_discrepancies()),
        open_holds=selectors.open_holds().count(),
        ours=_our_bookings(saga_ids),
        ours_of_all_runs=_our_bookings(None),
        rail=Booked(count=len(booked), total=sum((entry.amount for entry in booked), Decimal(0))),
        rail_of_all_runs=book.totals(),
        settled_with_one_effect=sum(booked_sagas.count(saga_id) == 1 for saga_id in settled),
        rejected_with_an_effect=len(set(booked_sagas) - settled),
        chains=Saga.objects.count(),
        entries=LedgerEntry.objects.count(),
        broken_chains=broken_chains(),
    )


def _our_bookings(saga_ids: Sequence[UUID] | None) -> Booked:
    """What settlements have taken from our account at the rail, by these sagas or by all."""
    account = selectors.settlement_account(rail=RAIL, currency="EUR")
    postings = Posting.objects.filter(account=account, journal__kind=JournalKind.SETTLEMENT)
    if saga_ids is not None:
        postings = postings.filter(journal__saga_id__in=saga_ids)
    found = postings.aggregate(Count("id"), Sum("amount"))
    return Booked(count=found["id__count"], total=-(found["amount__sum"] or Decimal(0)))  # credits are negative


def _answer_lost(saga_ids: Sequence[UUID]) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            _ANSWER_LOST,
            {
                "ids": list(saga_ids),
                "unknown": EntryType.CALL_UNKNOWN,
                "completed": EntryType.CALL_COMPLETED,
                "rejected": EntryType.CALL_REJECTED,
                "intended": EntryType.CALL_INTENDED,
            },
        )
        return {saga_id for (saga_id,) in cursor.fetchall()}


def _seconds(saga_ids: Sequence[UUID]) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(at) - min(at)) FROM sagas_ledgerentry WHERE saga_id = ANY(%s)",
            [list(saga_ids)],
        )
        return float(cursor.fetchone()[0] or 0)

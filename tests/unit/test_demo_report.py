"""Each check of the demo's report breaks when what it looks at is broken."""

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from moneyed import EUR, Money

from config.demo.api import ApiPayment
from config.demo.findings import Booked, Findings
from config.demo.rail import RailTotals
from config.demo.recovery import Kill, OpenCall, TakenOn
from config.demo.report import checks, figures
from config.demo.watch import Standing
from payments.models import PaymentState
from sagas.proof import BrokenChain

SAGA = uuid.uuid4()
SETTLED = ApiPayment(accepted_status=202, state="settled", seconds=0.5)
BOOKED = Booked(count=2, total=Decimal("30.00"))

GOOD = Findings(
    sagas=Standing(completed=2, undone=1, parked=0, under_way=0),
    sagas_of_all_runs=Standing(completed=2, undone=1, parked=0, under_way=0),
    states={PaymentState.SETTLED: 2, PaymentState.REJECTED: 1},
    reasons={"AC04": 1},
    settled_after_inquiry=1,
    retried_calls=1,
    seconds=2.0,
    kill=Kill(actor="worker:host:1", at=datetime.now(UTC), left_open=[OpenCall(saga_id=SAGA, intent_seq=4)]),
    taken_on=[TakenOn(saga_id=SAGA, after=timedelta(seconds=3), actor="worker:host:2", finding="")],
    trial_balance={"EUR": Money(0, EUR)},
    discrepancies=0,
    open_holds=0,
    ours=BOOKED,
    ours_of_all_runs=BOOKED,
    rail=BOOKED,
    rail_of_all_runs=RailTotals(accepted=2, total=Decimal("30.00"), most_effects_of_a_key=1),
    settled_with_one_effect=2,
    rejected_with_an_effect=0,
    chains=3,
    entries=24,
    broken_chains=[],
)


def broken(**changes: Any) -> list[str]:
    found = checks(dataclasses.replace(GOOD, **changes), SETTLED)
    return [check.what for check in found if not check.held]


def test_a_good_run_holds_in_every_point() -> None:
    assert broken() == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"sagas": Standing(completed=2, undone=0, parked=1, under_way=0)}, "has ended"),
        (
            {
                "sagas": Standing(completed=3, undone=1, parked=0, under_way=0),
                "states": {PaymentState.SETTLED: 2, PaymentState.REJECTED: 1, PaymentState.OUTCOME_UNKNOWN: 1},
            },
            "has ended",
        ),
        ({"taken_on": []}, "taken on"),
        ({"kill": dataclasses.replace(GOOD.kill, left_open=[]), "taken_on": []}, "taken on"),
        ({"settled_with_one_effect": 1}, "one effect"),
        ({"rejected_with_an_effect": 1}, "one effect"),
        ({"rail_of_all_runs": dataclasses.replace(GOOD.rail_of_all_runs, most_effects_of_a_key=2)}, "one effect"),
        ({"rail": Booked(count=2, total=Decimal("30.01"))}, "this run"),
        ({"ours": Booked(count=1, total=Decimal("30.00"))}, "this run"),
        ({"rail_of_all_runs": dataclasses.replace(GOOD.rail_of_all_runs, accepted=3)}, "all runs"),
        ({"trial_balance": {"EUR": Money("0.01", EUR)}}, "sum to zero"),
        ({"trial_balance": {}}, "sum to zero"),
        ({"discrepancies": 1}, "every balance"),
        ({"open_holds": 1}, "on hold"),
        ({"broken_chains": [BrokenChain(SAGA, "entry 3 is missing")]}, "hash chain"),
        ({"chains": 0}, "hash chain"),
    ],
)
def test_what_is_broken_is_said_to_be(changes: dict[str, Any], what: str) -> None:
    named = broken(**changes)
    assert len(named) == 1
    assert what in named[0]


def test_a_payment_over_the_api_has_to_settle() -> None:
    rejected = dataclasses.replace(SETTLED, state="rejected")
    assert [check.what for check in checks(GOOD, rejected) if not check.held] == ["a payment over the API settles"]


def test_the_figures_say_how_long_recovery_took_and_why_payments_were_rejected() -> None:
    text = dict(figures(GOOD))
    assert text["Recovery of open calls"] == "1: median 3.0 s, max 3.0 s (lease 3 s here, 30 s by default)"
    assert text["  rejected and undone"] == "1 (AC04 1)"

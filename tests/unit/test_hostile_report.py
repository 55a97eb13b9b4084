"""A run of the demo in which nothing of what it is about happened must not be a success."""

from decimal import Decimal

from config.demo.findings import Booked
from config.demo.rail import RailTotals
from config.demo.watch import Standing
from payments.models import PaymentState
from tests.unit.test_demo_report import broken

NOTHING = Booked(count=0, total=Decimal(0))


def test_a_run_in_which_every_payment_was_rejected_is_no_success() -> None:
    assert broken(
        sagas=Standing(completed=0, undone=3, parked=0, under_way=0),
        states={PaymentState.REJECTED: 3},
        settled_after_inquiry=0,
        settled_with_one_effect=0,
        ours=NOTHING,
        ours_of_all_runs=NOTHING,
        rail=NOTHING,
        rail_of_all_runs=RailTotals(accepted=0, total=Decimal(0), most_effects_of_a_key=0),
    )


def test_a_run_without_a_rejection_or_without_a_lost_answer_is_no_success() -> None:
    assert broken(settled_after_inquiry=0)
    assert broken(
        sagas=Standing(completed=3, undone=0, parked=0, under_way=0),
        states={PaymentState.SETTLED: 3},
        settled_with_one_effect=3,
    )

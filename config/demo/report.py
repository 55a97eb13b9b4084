"""The report: figures first, then what had to hold and whether it did."""

from dataclasses import dataclass
from typing import Final

from config.demo.api import ApiPayment
from config.demo.findings import Findings
from config.demo.programs import DEFAULT_LEASE_SECONDS, LEASE_SECONDS
from config.demo.recovery import summary
from config.demo.screen import Screen

#: What the time to recovery is mostly made of: nobody touches a saga before the dead worker's lease has ended.
_LEASES: Final = f"(lease {LEASE_SECONDS} s here, {DEFAULT_LEASE_SECONDS} s by default)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that had to hold, with what was found."""

    held: bool
    what: str
    found: str


def figures(findings: Findings) -> list[tuple[str, str]]:
    """The figures by their names, in order."""
    reasons = ", ".join(f"{code} {count}" for code, count in findings.reasons.items())
    speed = findings.payments / findings.seconds if findings.seconds else 0
    return [
        ("Payments", f"{findings.payments} in {findings.seconds:.1f} s, {speed:.1f} per second"),
        ("  settled", str(findings.settled)),
        ("    of these after inquiry", f"{findings.settled_after_inquiry} whose answer was lost"),
        ("  rejected and undone", f"{findings.rejected} ({reasons})" if reasons else "0"),
        ("Calls sent again, same key", str(findings.retried_calls)),
        ("Recovery of open calls", f"{len(findings.taken_on)}: {summary(findings.taken_on)} {_LEASES}"),
    ]


def checks(findings: Findings, ordered: ApiPayment) -> list[Check]:
    """Everything that had to hold for this run to be a success."""
    rail_total = findings.rail_of_all_runs
    sums = ", ".join(f"{money.amount:.2f} {code}" for code, money in findings.trial_balance.items())
    return [
        Check(
            held=findings.payments > 0
            and findings.sagas.ended == findings.settled + findings.rejected
            and findings.sagas.ended == findings.payments,
            what="every payment has ended, settled or undone",
            found=f"{findings.sagas.ended} of {findings.payments}",
        ),
        Check(
            # The file has some of each: without them nothing of what this is about was shown.
            held=bool(findings.settled and findings.rejected and findings.settled_after_inquiry),
            what="some settled, some were undone, some settled after inquiry",
            found=f"{findings.settled}, {findings.rejected}, {findings.settled_after_inquiry}",
        ),
        Check(
            held=bool(findings.kill.left_open) and len(findings.taken_on) == len(findings.kill.left_open),
            what="the killed worker's open calls were taken on",
            found=f"{len(findings.taken_on)} of {len(findings.kill.left_open)}",
        ),
        Check(
            held=findings.settled_with_one_effect == findings.settled
            and not findings.rejected_with_an_effect
            and rail_total.most_effects_of_a_key <= 1,
            what="one effect at the rail per settled payment",
            found=f"{findings.settled_with_one_effect}, {findings.rejected_with_an_effect} others",
        ),
        Check(
            held=findings.rail == findings.ours,
            what="the rail's book is ours, this run",
            found=_both(str(findings.rail), str(findings.ours)),
        ),
        Check(
            held=(rail_total.accepted, rail_total.total)
            == (findings.ours_of_all_runs.count, findings.ours_of_all_runs.total),
            what="the rail's book is ours, all runs",
            found=_both(f"{rail_total.accepted} for {rail_total.total:,.2f} EUR", str(findings.ours_of_all_runs)),
        ),
        Check(
            held=ordered.state == "settled",
            what="a payment over the API settles",
            found=f"after {ordered.seconds:.1f} s" if ordered.state == "settled" else ordered.state,
        ),
        Check(
            held=bool(findings.trial_balance) and not any(money.amount for money in findings.trial_balance.values()),
            what="all postings sum to zero",
            found=sums,
        ),
        Check(
            held=findings.discrepancies == 0,
            what="every balance is what its postings add up to",
            found=f"{findings.discrepancies} differ",
        ),
        Check(held=findings.open_holds == 0, what="no money is left on hold", found=f"{findings.open_holds} holds"),
        Check(
            held=findings.chains > 0 and not findings.broken_chains,
            what="every saga's hash chain verifies",
            found=f"{findings.entries} entries in {findings.chains} chains, {len(findings.broken_chains)} broken",
        ),
    ]


def show(screen: Screen, findings: Findings, found: list[Check]) -> None:
    """Print both lists."""
    screen.title("What happened")
    for name, text in figures(findings):
        screen.line(f"  {name:<28} {text}")
    screen.title("What had to hold")
    for check in found:
        mark = "ok    " if check.held else "BROKEN"
        screen.line(f"  {mark} {check.what}: {check.found}", style="" if check.held else "bold red")


def _both(theirs: str, ours: str) -> str:
    return theirs if theirs == ours else f"rail {theirs}, we {ours}"

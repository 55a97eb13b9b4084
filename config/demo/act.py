"""The play itself: payments start, a worker is killed in the middle of some, the others carry on."""

import time
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from config.demo.errors import DemoFailed
from config.demo.files import shown
from config.demo.message import Message
from config.demo.programs import LEASE_SECONDS, Programs
from config.demo.recovery import Kill, database_time, left_open_by, open_calls, summary
from config.demo.screen import Screen
from config.demo.supervisor import Child
from config.demo.watch import Standing, standing, stuck

#: So many calls to the rail have to be under way in a worker before it is killed, and this share of payments to have
#: ended: what a dead worker held is due again when its lease ends, behind what has been due for longer.
CALLS_TO_INTERRUPT = 3
SHARE_ENDED = 0.6
_LOOK_EVERY_SECONDS = 0.05
_TAKE_ON_SECONDS = 60
#: A saga may wait for its next inquiry or retry; if not one of all ends for so long, something is wrong.
_STANDSTILL_SECONDS = 60


def import_payments(screen: Screen, message: Message) -> list[UUID]:
    """Start the message's payments; returns their sagas."""
    with screen.progress("Importing payments") as (advance, tell):
        tell(message.import_all(progress=lambda done, total: advance(done, total, "")))
    screen.detail(f"from {shown(message.path)}" + ("" if message.is_shipped else ", a new message"))
    return message.saga_ids()


def kill_a_worker(screen: Screen, programs: Programs, saga_ids: Sequence[UUID]) -> Kill:
    """Wait for a worker that is in the middle of some calls, and SIGKILL it."""
    with screen.progress("Payments") as (advance, tell):
        while (now := standing(saga_ids)).ended < SHARE_ENDED * now.total:
            advance(now.ended, now.total, str(now))
            programs.supervisor.check()
            time.sleep(_LOOK_EVERY_SECONDS)
        victim, actor = _worker_in_mid_flight(programs, saga_ids)
        at = database_time()
        programs.kill(victim)
        kill = Kill(actor=actor, at=at, left_open=left_open_by(actor))
        ended = standing(saga_ids).ended
        tell(f"SIGKILL to {victim.name} (process {victim.pid}), {ended} of {len(saga_ids)} payments have ended")
    screen.detail(f"{len(kill.left_open)} of its calls to the rail had no answer: their outcome is unknown")
    return kill


def watch_recovery(screen: Screen, programs: Programs, kill: Kill) -> None:
    """Wait until other workers have taken on every saga that the dead one had in hand."""
    total = len(kill.left_open)
    with screen.progress(f"Its lease ends after {LEASE_SECONDS} s:") as (advance, tell):
        deadline = time.monotonic() + _TAKE_ON_SECONDS
        while len(taken := kill.taken_on()) < total:
            advance(len(taken), total, "taken on")
            programs.supervisor.check()
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"Only {len(taken)} of the {total} payments that the killed worker held were taken on within "
                    f"{_TAKE_ON_SECONDS} s. No money is lost: every step is in the ledger.\n" + _listed(stuck())
                )
            time.sleep(_LOOK_EVERY_SECONDS)
        tell(f"Recovered: all {total} taken on by another, {summary(taken)}")
    for finding, count in Counter(found.finding for found in taken).most_common():
        screen.detail(f"{count} x {finding}")


def replace_worker(screen: Screen, programs: Programs) -> None:
    with screen.stage("Starting another worker") as tell:
        worker = programs.start_worker()
        programs.wait_for_worker(worker)
        tell(f"{worker.name} (process {worker.pid}) takes the place of the killed one")


def await_end(screen: Screen, programs: Programs, saga_ids: Sequence[UUID]) -> None:
    """Wait until no saga is under way, those of earlier runs included: a parked one waits for a person, not for us."""
    with screen.progress("Payments") as (advance, tell):
        last, changed_at = None, time.monotonic()
        while (all_runs := standing()).under_way:
            now = standing(saga_ids)
            advance(now.ended + now.parked, now.total, str(now))
            programs.supervisor.check()
            if all_runs != last:
                last, changed_at = all_runs, time.monotonic()
            _refuse_standstill(all_runs, since=changed_at)
            time.sleep(2 * _LOOK_EVERY_SECONDS)
        tell(f"All payments have ended: {standing(saga_ids)}")


def _worker_in_mid_flight(programs: Programs, saga_ids: Sequence[UUID]) -> tuple[Child, str]:
    """The worker with the most open calls, and its name in the ledger (`worker:<host>:<process>`)."""
    workers = {worker.pid: worker for worker in programs.workers}
    while True:
        calls = {actor: count for actor, count in open_calls().items() if _process_of(actor) in workers}
        actor = max(calls, key=calls.__getitem__, default="")
        if actor and calls[actor] >= CALLS_TO_INTERRUPT:
            return workers[_process_of(actor)], actor
        programs.supervisor.check()
        if not standing(saga_ids).under_way:
            raise DemoFailed(
                "All payments had ended before a worker could be killed in the middle of some: nothing to recover, so "
                "nothing was shown. No money is concerned. Run it again."
            )
        time.sleep(_LOOK_EVERY_SECONDS)


def _process_of(actor: str) -> int:
    kind, _, process = actor.rpartition(":")
    return int(process) if kind.startswith("worker:") else 0


def _refuse_standstill(standing_now: Standing, *, since: float) -> None:
    if time.monotonic() - since > _STANDSTILL_SECONDS:
        raise DemoFailed(
            f"No payment has ended for {_STANDSTILL_SECONDS} s, and {standing_now.under_way} are still under way. "
            f"They are safe in the ledger and go on with the next run. The oldest:\n" + _listed(stuck())
        )


def _listed(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)

"""What becomes of a claimed saga: run until it waits, replayed, given back, or found to be poison (R6, R18, R19)."""

import logging
import random
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta

from sagas import ledger
from sagas.activation import Activation
from sagas.clock import clock
from sagas.connections import close_connection
from sagas.control import ActivationEnded, FlushRefused, FlushUnknown, ReplayNeeded
from sagas.definition import find
from sagas.entries import Entry
from sagas.errors import UnknownDefinition
from sagas.ledger import Claimed, InboxRow
from sagas.outcomes import ends_connection
from sagas.runtime import Runtime

logger = logging.getLogger("sagas")

#: A saga whose activations end abnormally this often, without progress in between, is parked.
POISON_STARTS = 3
_MOST_REPLAYS = 5
#: For so long after its last entry, a saga that no worker knows may be waiting for a rolling deploy to end.
_DEPLOY_TAKES = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed saga with its ledger, and when (monotonic) its lease began at the latest. No entries: they could not
    be read by this version of the code."""

    claimed: Claimed
    entries: list[Entry]
    inbox: list[InboxRow]
    claimed_at: float

    def activation(self, runtime: Runtime, *, careful: bool) -> Activation:
        """Raises UnknownDefinition if this process has no such saga."""
        return Activation(
            runtime,
            self.claimed,
            definition=find(self.claimed.definition, self.claimed.version),
            entries=self.entries,
            inbox=self.inbox,
            careful=careful,
            leased_at=self.claimed_at,
        )


def keep(runtime: Runtime, work: Work, *, stopping: threading.Event) -> None:
    """Run the saga. Returns when it waits, has ended, or is no longer ours; never raises."""
    claimed = work.claimed
    try:
        waited = time.monotonic() - work.claimed_at
        if stopping.is_set() or waited > ledger.lease().total_seconds() / 3:
            _give_back_unstarted(claimed)
        elif not work.entries:
            logger.warning("saga %s waits for a worker that can read its ledger", claimed.id)
            ledger.release(claimed.id, claimed.token, delay=_a_moment(), uncount=claimed.abandoned)
        else:
            _activate(runtime, work)
    except BaseException as error:  # noqa: BLE001 - a thread of the pool must survive whatever one saga does
        _dropped(claimed, error, stopping=stopping)


def give_back_after_a_moment(claimed: Claimed, *, stopping: threading.Event) -> None:
    """R19: release the token once the database has had time to come back; a token that was lost releases nothing."""
    stopping.wait(random.uniform(0.1, 0.5))  # noqa: S311 - spreads load, guards nothing
    try:
        ledger.release(claimed.id, claimed.token, uncount=claimed.abandoned)
    except Exception as error:  # noqa: BLE001 - the lease ends by itself
        logger.warning("saga %s: could not be given back (%s); its lease will end", claimed.id, error)
        close_connection()


def _activate(runtime: Runtime, work: Work) -> None:
    claimed = work.claimed
    starts = claimed.starts
    if claimed.abandoned:
        counted = ledger.count_start(claimed.id, claimed.token)
        if counted is None:
            return
        starts = counted
    careful = claimed.abandoned
    for _ in range(_MOST_REPLAYS):
        try:
            activation = work.activation(runtime, careful=careful)
            if starts > POISON_STARTS:
                activation.park_without_running(
                    f"its last {starts - 1} activations ended abnormally: its process died, or the database refused "
                    "what it wrote. What is in the ledger is durable; a call that was begun is settled by inquiry when "
                    "the saga is resumed."
                )
            activation.run()
        except UnknownDefinition as unknown:
            _not_known_here(runtime, work, unknown)
            return
        except ReplayNeeded:
            again = _read_again(work)
            if again is None:
                return
            work, careful = again, True
        except (FlushUnknown, FlushRefused):
            raise
        except ActivationEnded:
            return
    # Rolled back again and again (locks, a statement that is always cancelled): later, but not for ever.
    _count_against(claimed)
    ledger.release(claimed.id, claimed.token, delay=_a_moment())


def _read_again(work: Work) -> Work | None:
    """The ledger and the inbox as they are now; None if the token is lost."""
    claimed = work.claimed
    inbox_seq = ledger.holds(claimed.id, claimed.token)
    if inbox_seq is None:
        return None
    entries = ledger.load([claimed.id])[claimed.id]
    inbox = ledger.inbox([claimed.id]).get(claimed.id, [])
    return replace(work, claimed=replace(claimed, inbox_seq=inbox_seq), entries=entries, inbox=inbox)


def _not_known_here(runtime: Runtime, work: Work, unknown: UnknownDefinition) -> None:
    """In a rolling deploy another worker knows it; after that nobody will, and a person has to see it."""
    claimed = work.claimed
    if clock.now() - work.entries[-1].at < _DEPLOY_TAKES:
        logger.warning("saga %s waits for a worker that knows it: %s", claimed.id, unknown)
        ledger.release(claimed.id, claimed.token, delay=_a_moment(), uncount=claimed.abandoned)
        return
    activation = Activation(
        runtime,
        claimed,
        definition=None,
        entries=work.entries,
        inbox=work.inbox,
        careful=False,
        leased_at=work.claimed_at,
    )
    try:
        activation.park_without_running(f"{unknown} Nothing was run; resume it when a worker knows it.")
    except (FlushUnknown, FlushRefused):
        raise
    except ActivationEnded:
        return


def _dropped(claimed: Claimed, error: BaseException, *, stopping: threading.Event) -> None:
    """An activation ended without saying where: its token is given back, so that recovery costs no whole lease."""
    close_connection()
    if isinstance(error, FlushUnknown) or ends_connection(error):
        logger.warning("saga %s: dropped, the database did not answer: %s", claimed.id, error.__cause__ or error)
        give_back_after_a_moment(claimed, stopping=stopping)
        return
    logger.error("saga %s: the engine failed", claimed.id, exc_info=error)
    try:
        _count_against(claimed)
        ledger.release(claimed.id, claimed.token, delay=_a_moment())
    except Exception:
        logger.exception("saga %s: could not be given back; its lease will end", claimed.id)


def _give_back_unstarted(claimed: Claimed) -> None:
    """Nothing counts against it, and what is known of its last holder stays known."""
    if claimed.abandoned:
        ledger.give_back_abandoned(claimed.id, claimed.token)
    else:
        ledger.release(claimed.id, claimed.token)


def _count_against(claimed: Claimed) -> None:
    if not claimed.abandoned:  # else it was counted when it began
        ledger.count_start(claimed.id, claimed.token)


def _a_moment() -> timedelta:
    """A short delay, different each time, so that others can come first."""
    return timedelta(seconds=random.uniform(1, 3))  # noqa: S311 - spreads load, guards nothing

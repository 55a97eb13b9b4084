"""One activation: a thread runs one saga from its ledger until it waits, parks or ends."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sagas import guard
from sagas.calls import StepCall, as_json, rejection
from sagas.clock import clock
from sagas.connections import database_answers, heal_connection
from sagas.context import Saga
from sagas.control import ActivationEnded, FlushUnknown
from sagas.definition import Definition, Ownership
from sagas.entries import ChainHead, Direction, Entry, EntryType
from sagas.errors import OutcomeUnknown, Rejected, Retryable
from sagas.failure import described
from sagas.history import History
from sagas.journal import Journal
from sagas.ledger import Claimed, InboxRow, StatusChange
from sagas.local import run_local
from sagas.models import InboxKind, Status
from sagas.outcomes import ends_connection
from sagas.remote import RemoteRun
from sagas.runtime import Runtime
from sagas.steps import LocalStep, RemoteCall, RemoteStep, Step
from sagas.undo import Undo

#: The step's own time limit should fire first; this much later the engine stops waiting for its thread.
_GRACE = timedelta(seconds=1)


class Activation:
    """Runs one claimed saga; without a `definition` it can only be parked. `careful`: what came before did not end well
    (a crash, a rollback). `leased_at`: when (monotonic) its lease began at the latest."""

    def __init__(
        self,
        runtime: Runtime,
        claimed: Claimed,
        *,
        definition: Definition[Any, Any] | None,
        entries: Sequence[Entry],
        inbox: Sequence[InboxRow],
        careful: bool,
        leased_at: float,
    ) -> None:
        self.runtime = runtime
        self.saga_id = claimed.id
        self._definition = definition
        self.history = History(entries)
        self.undo = Undo(self)
        last = entries[-1]
        self.journal = Journal(
            saga_id=claimed.id,
            token=claimed.token,
            head=ChainHead(saga_id=claimed.id, seq=last.seq, hash=last.hash),
            inbox_seq=claimed.inbox_seq,
            flusher=runtime.flusher,
            actor=runtime.actor,
            careful=careful,
            leased_at=leased_at,
        )
        self._inbox = inbox

    def run(self) -> None:
        """Run until the saga waits, parks or ends; always leaves by an ActivationEnded."""
        with guard.guarded_database():
            try:
                self._take_messages()
                assert self._definition is not None  # noqa: S101 - a saga without one is parked, not run
                self._run_definition(self._definition)
            finally:
                self.journal.abandon()

    def park_without_running(self, reason: str) -> NoReturn:
        """Park before the saga's code is run: what came before forbids it."""
        try:
            self.park(reason)
        finally:
            self.journal.abandon()

    def now(self) -> datetime:
        return clock.now()

    # --- what steps need ---

    def run_step(self, step: Step[Any, *tuple[Any, ...]], call: StepCall) -> Any:
        """The outcome of a step: from the ledger if it is there, else by running it."""
        if isinstance(step, LocalStep):
            return run_local(self, step, call)
        if isinstance(step, RemoteStep):
            return RemoteRun(self, step, call).outcome()
        raise TypeError(f"{step!r} is not a step: decorate it with @local_step or @remote_step")

    def recorded(self, call: StepCall) -> list[Entry]:
        """What the ledger has of this call. Parks the saga if code and ledger disagree, before any effect (R10)."""
        records = self.history.of(call.direction, call.path)
        difference = call.difference(records[0]) if records else self._out_of_turn(call)
        if difference is not None:
            self.park(f"the code no longer matches this saga's ledger: {difference}. Nothing was run.")
        return records

    def wait_until(self, due: datetime | None) -> None:
        """Go on if the time has come, else leave the saga as a due row."""
        if due is not None and self.now() < due:
            self.journal.leave(wake_at=due)

    def call(self, function: Callable[..., Any], context: RemoteCall, arguments: tuple[Any, ...]) -> Any:
        """Run a provider call in a helper thread while this one keeps the lease (R7).

        Raises what the call raised; OutcomeUnknown past its time limit, or Retryable if no thread was free until then.
        """

        def in_helper() -> Any:
            heal_connection()
            try:
                with guard.guarded_database(), guard.scope("remote"):
                    return function(context, *arguments)
            except Exception as error:
                if ends_connection(error) and not database_answers():
                    # Ours, not the provider's (R18): the intent stands, and whoever goes on settles it.
                    raise FlushUnknown("the connection to the database was lost in a remote step") from error
                raise

        deadline = time.monotonic() + (context.timeout + _GRACE).total_seconds()
        future = self.runtime.helpers.submit(in_helper)
        while True:
            patience = min(deadline - time.monotonic(), self.journal.seconds_until_extension())
            try:
                return future.result(timeout=max(patience, 0))
            except TimeoutError:
                if future.done():
                    raise
                if time.monotonic() >= deadline:
                    if future.cancel():
                        raise Retryable("no thread was free in time: nothing was sent") from None
                    raise OutcomeUnknown(f"no answer within {context.timeout}") from None
                self.journal.try_extend_lease()

    def park(self, reason: str) -> NoReturn:
        """Leave the saga to a person: durable, with an owner and a due time; nothing wakes it but a message."""
        ownership = self._definition.ownership if self._definition else Ownership()
        owner, due_at = ownership.owner, self.now() + ownership.parked_for
        self.journal.append(EntryType.PARKED, body=as_json(reason=reason, owner=owner, due_at=due_at))
        self.journal.set_status(StatusChange(status=Status.PARKED, reason=reason, owner=owner, due_at=due_at))
        self.journal.leave(wake_at=None)
        raise AssertionError("leave always raises")

    # --- the run ---

    def _take_messages(self) -> None:
        """Record what has arrived since; only the token's holder appends to the ledger (R32)."""
        for message in self._inbox:
            if message.seq > self.history.messages_recorded and message.kind == InboxKind.RESUME:
                body = as_json(message=message.seq, sender=message.sender, told=message.body)
                entry = self.journal.append(EntryType.RESUMED, body=body)
                self.history.resumed_seq = entry.seq
                self.history.parked = False
        if self.history.parked:
            # Woken by nothing that moves it.
            self.journal.leave(wake_at=None)
        if self.history.resumed_seq:
            status = Status.UNDOING if self.history.undo_begun else Status.RUNNING
            self.journal.set_status(StatusChange(status=status, reason=""))

    def _run_definition(self, definition: Definition[Any, Any]) -> None:
        given = definition.input.decode(self.history.started.plain()["input"])
        if definition.undo is not None:
            self.undo.push("start", definition.undo, (given,))
        saga = Saga(self)
        try:
            with guard.scope("saga"):
                result = definition.function(saga, given)
        except Rejected as refusal:
            saga.raise_if_ended()
            try:
                self._refused(refusal)
            except Exception as error:  # noqa: BLE001 - what was refused stays recorded
                what = described(error, self.saga_id)
                self.park(f"undoing could not go on: {what}. The saga was refused because of {refusal}.")
        except ActivationEnded:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of the code is no decision of the business: a person looks
            saga.raise_if_ended()
            self.park(f"the saga's code failed; nothing is undone by a fault: {described(error, self.saga_id)}")
        else:
            saga.raise_if_ended()
            self._complete(definition, result)

    def _complete(self, definition: Definition[Any, Any], result: Any) -> NoReturn:
        left_over = self.history.next_unvisited() or self.history.undo_begun
        if left_over is not None:
            self.park(
                f"the code no longer matches this saga's ledger: it ends, but entry {left_over.seq} "
                f"({left_over.type} {left_over.step}) is recorded and was not reached."
            )
        try:
            text = definition.result.encode(result)
        except ValueError as error:
            self.park(f"the saga's result cannot be recorded: {error}")
        self.journal.append(EntryType.COMPLETED, body=f'{{"result":{text}}}')
        self.journal.set_status(StatusChange(status=Status.COMPLETED, reason=""))
        self.journal.leave(wake_at=None, ended=True)
        raise AssertionError("leave always raises")

    def _refused(self, refusal: Rejected) -> NoReturn:
        """The business said no and the saga's code let it stand: undo, unless the pivot has passed (R27)."""
        if self.undo.is_past_pivot:
            self.park(f"refused after the pivot, where nothing is undone: {refusal}. What the pivot did stands.")
        skipped = self.history.next_unvisited()
        if skipped is not None:
            self.park(
                f"the code no longer matches this saga's ledger: it is refused by {refusal}, but entry {skipped.seq} "
                f"({skipped.type} {skipped.step}) is recorded and was not reached."
            )
        begun = self.history.undo_begun
        if begun is None:
            self.journal.append(
                EntryType.UNDO_BEGUN,
                direction=Direction.UNDO,
                body=as_json(code=refusal.code, reason=refusal.reason, steps=self.undo.names()),
            )
        elif begun.plain()["steps"] != self.undo.names():
            self.park(
                f"the code no longer matches this saga's ledger: entry {begun.seq} began undoing "
                f"{begun.plain()['steps']}, the code would now undo {self.undo.names()}."
            )
        elif rejection(begun).args != refusal.args:
            self.park(
                f"the code no longer matches this saga's ledger: it is refused by {refusal}, but entry {begun.seq} "
                f"began undoing because of {rejection(begun)}."
            )
        self.journal.set_status(StatusChange(status=Status.UNDOING, reason=str(refusal)))
        self.undo.unwind(refusal)
        self.journal.append(
            EntryType.UNDONE, direction=Direction.UNDO, body=as_json(code=refusal.code, reason=refusal.reason)
        )
        self.journal.set_status(StatusChange(status=Status.UNDONE, reason=str(refusal)))
        self.journal.leave(wake_at=None, ended=True)
        raise AssertionError("leave always raises")

    def _out_of_turn(self, call: StepCall) -> str | None:
        """A call that is new although later ones are recorded: the code has changed under the saga."""
        if call.direction == Direction.UNDO:
            return None
        other = self.history.next_unvisited() or self.history.undo_begun
        if other is None:
            return None
        return (
            f"at path {call.path} the code now calls {call.step.name}, which is not recorded, while entry {other.seq} "
            f"({other.type} {other.step}) is and was not reached"
        )

"""Runs local steps: body, constraints and ledger entry in one transaction."""

from typing import TYPE_CHECKING, Any

from sagas.calls import StepCall, rejection, time_in
from sagas.entries import EntryType
from sagas.errors import Rejected
from sagas.failure import described
from sagas.outcomes import is_nobodys_fault
from sagas.steps import LocalContext, LocalStep

if TYPE_CHECKING:
    from sagas.activation import Activation


def run_local(activation: "Activation", step: LocalStep[Any, *tuple[Any, ...]], call: StepCall) -> Any:
    """The step's result, from the ledger or by running it. Raises Rejected; suspends or parks on other failures."""
    records = activation.recorded(call)
    last = records[-1] if records else None
    if last is not None and last.type == EntryType.STEP_COMPLETED:
        return step.result.decode(last.plain()["result"])
    if last is not None and last.type == EntryType.STEP_REJECTED:
        raise rejection(last)
    if last is not None:
        activation.wait_until(time_in(last.plain(), "next_at"))
    attempt = 1 + sum(record.seq > activation.history.resumed_seq for record in records)
    context = LocalContext(saga_id=call.saga_id, key=call.key, now=activation.now(), reason=call.reason)

    def body() -> tuple[str, Any]:
        # Encoded inside the savepoint: a result that cannot be recorded takes its rows with it.
        return step.result.copy(step.function(context, *call.arguments))

    journal = activation.journal
    try:
        text, value = journal.run_local(body)
    except Rejected as refusal:
        journal.append(
            EntryType.STEP_REJECTED,
            attempt=attempt,
            body=call.body(code=refusal.code, reason=refusal.reason),
            **call.columns(),
        )
        raise Rejected(refusal.code, refusal.reason) from None
    except Exception as error:
        if is_nobodys_fault(error):
            raise
        _failed(activation, step, call, attempt, error)
    journal.append(
        EntryType.STEP_COMPLETED,
        attempt=attempt,
        body=call.body(result_text=text),
        **call.columns(),
    )
    journal.flush_if_full()
    return value


def _failed(activation: "Activation", step: Any, call: StepCall, attempt: int, error: Exception) -> None:
    """An error that is neither a refusal nor the database's: rolled back, tried again later, parked in the end."""
    what = described(error, activation.saga_id, call)
    spent = attempt >= step.retry.max_attempts
    next_at = None if spent else activation.now() + step.retry.delay(after_attempt=attempt)
    activation.journal.append(
        EntryType.STEP_FAILED,
        attempt=attempt,
        body=call.body(error=what, next_at=next_at),
        **call.columns(),
    )
    if next_at is None:
        activation.park(f"{call.step.name} failed {attempt} times, nothing of it was kept. Last: {what}")
    activation.journal.leave(wake_at=next_at)

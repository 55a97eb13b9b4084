"""Runs remote steps: intent, call, outcome; and settles what is unknown (R24–R27)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sagas.calls import StepCall, as_json, rejection, time_in
from sagas.entries import Entry, EntryType
from sagas.errors import PayloadRefused, Rejected, Retryable
from sagas.failpoints import reach
from sagas.failure import described
from sagas.steps import Happened, LocalContext, NotFound, Refused, RemoteCall, RemoteStep, StillPending

if TYPE_CHECKING:
    from sagas.activation import Activation

#: The longest delay that a provider can ask for: a wrong one must not put a payment to sleep for years.
_LONGEST_WAIT = timedelta(days=1)
_AT_ONCE = timedelta(0)

#: A step whose attempts die with their process is parked after so many times its allowed attempts.
_DEATHS_PER_ATTEMPT = 10

AnyRemoteStep = RemoteStep[Any, *tuple[Any, ...]]


class RemoteRun:
    """One remote step of one activation, from what the ledger says of it to its outcome."""

    def __init__(self, activation: "Activation", step: AnyRemoteStep, call: StepCall) -> None:
        self.activation = activation
        self.step = step
        self.call = call
        self.records = list(activation.recorded(call))

    def outcome(self) -> Any:
        """The step's result, from the ledger or the provider. Raises Rejected; suspends or parks otherwise."""
        last = self.records[-1] if self.records else None
        if last is None:
            return self._attempt()
        if last.type == EntryType.CALL_COMPLETED:
            return self.step.result.decode(last.plain()["result"])
        if last.type == EntryType.CALL_REJECTED:
            raise rejection(last)
        self.activation.wait_until(self._due(last))
        if last.type == EntryType.CALL_FAILED and not self._is_unsettled():
            return self._attempt()
        # An intent without an outcome (its process died), or an unknown one: it may have happened.
        return self._settle()

    def _due(self, last: Entry) -> Any:
        if last.seq < self.activation.history.resumed_seq:
            return None  # a person has said: now
        return time_in(last.plain(), "next_at")

    # --- calling ---

    def _attempt(self) -> Any:
        """Call the provider under the step's one key, the intent being durable first."""
        attempt = self._attempts() + 1
        first = not self.records
        body = self.call.body() if first else "{}"
        self._append(EntryType.CALL_INTENDED, attempt=attempt, body=body)
        self.activation.journal.flush(demand_inbox=self.call.pivot)
        self.activation.journal.assert_lease()
        reach("call.before")
        try:
            value = self.activation.call(self.step.function, self._context(attempt), self.call.arguments)
            text, copied = self.step.result.copy(value)
        except Rejected as refusal:
            reach("call.answered")
            if self._is_unsettled():
                # This attempt was refused; what became of an earlier one, nobody has said yet.
                self._unknown(f"a repeat was refused ({refusal}) while an earlier attempt is unsettled", attempt)
            self._reject(refusal, attempt)
        except Retryable as failure:
            reach("call.answered")
            self._retry_later(failure, attempt)
        except PayloadRefused as error:
            self._unknown(described(error, self.activation.saga_id, self.call), attempt)
        except Exception as error:  # noqa: BLE001 - whatever a provider's client raises may be after sending (R24)
            reach("call.answered")
            self._unknown(described(error, self.activation.saga_id, self.call), attempt)
        reach("call.answered")
        self._append(EntryType.CALL_COMPLETED, attempt=attempt, body=f'{{"result":{text}}}')
        return copied

    def _retry_later(self, failure: Retryable, attempt: int) -> None:
        spent = self._is_spent(attempt)
        # Never sooner than by our own policy: a provider that always says "at once" would get all attempts in a moment,
        # and the saga would park with the customer's money on hold.
        delay = min(max(failure.after or _AT_ONCE, self.step.retry.delay(after_attempt=attempt)), _LONGEST_WAIT)
        next_at = None if spent else self.activation.now() + delay
        what = described(failure, self.activation.saga_id, self.call)
        self._append(EntryType.CALL_FAILED, attempt=attempt, body=as_json(error=what, next_at=next_at))
        if next_at is None:
            earlier = "an earlier one may have been applied" if self._is_unsettled() else "nothing was applied there"
            self.activation.park(
                f"{self.step.name} was not taken by the provider in {attempt} attempts; {earlier}. Last: {what}"
            )
        self.activation.journal.leave(wake_at=next_at)

    # --- settling ---

    def _settle(self) -> Any:
        """Find out what became of the last attempt; never guess (R25)."""
        if self.step.inquiry is None:
            return self._repeat_or_park("the step has no inquiry")
        self.activation.journal.assert_lease()
        reach("inquiry.before")
        attempt = self._attempts()
        try:
            answer = self.activation.call(self.step.inquiry, self._context(attempt), self.call.arguments)
            if isinstance(answer, Happened):
                text, copied = self.step.result.copy(answer.result)
        except Exception as error:  # noqa: BLE001 - a question without an answer changes nothing: it is asked again
            reach("inquiry.answered")
            self._unknown(f"inquiry: {described(error, self.activation.saga_id, self.call)}", attempt)
        reach("inquiry.answered")
        if isinstance(answer, Happened):
            body = f'{{"result":{text},"settled_by":"inquiry"}}'
            self._append(EntryType.CALL_COMPLETED, attempt=attempt, body=body)
            return copied
        if isinstance(answer, Refused):
            self._reject(Rejected(answer.code, answer.reason), attempt, settled_by="inquiry")
        if isinstance(answer, NotFound):
            return self._repeat_or_park("the provider does not know the key")
        after = answer.after if isinstance(answer, StillPending) else None
        return self._unknown("the provider has not decided yet", attempt, after=after)

    def _repeat_or_park(self, why: str) -> Any:
        """Not found is not never happened: only a repeat under the same key is safe, while the key is honoured."""
        honoured = self.step.key_valid_for
        if honoured is None or self.activation.now() + self.step.timeout - self.records[0].at >= honoured:
            promise = "does not honour an idempotency key" if honoured is None else f"honoured the key for {honoured}"
            self.activation.park(
                f"{self.step.name}: the outcome is unknown, {why}, and the provider {promise}. The call may have been "
                f"carried out. Find out from the provider or a statement, and do not repeat it under another key; to "
                f"resume only repeats the question.{self._last_words()}"
            )
        if self._is_spent():
            self.activation.park(f"{self.step.name}: still unknown after {self._attempts()} attempts: {why}.")
        return self._attempt()

    def _unknown(self, what: str, attempt: int, *, after: timedelta | None = None) -> Any:
        """Record that the outcome is not known, tell the domain, and ask again later."""
        since = self.activation.history.resumed_seq
        asked = sum(record.type == EntryType.CALL_UNKNOWN and record.seq > since for record in self.records)
        schedule = self.step.inquiry_schedule
        spent = asked >= schedule.max_inquiries
        # Likewise: a provider that says "ask again at once" would use up all inquiries in a moment.
        delay = min(max(after or _AT_ONCE, schedule.delay(asked=asked)), _LONGEST_WAIT)
        next_at = None if spent else self.activation.now() + delay
        self._append(EntryType.CALL_UNKNOWN, attempt=attempt, body=as_json(error=what, next_at=next_at, asked=asked))
        self._tell_domain()
        if next_at is None:
            self.activation.park(
                f"{self.step.name}: the outcome is still unknown after {asked} inquiries. The call may have been "
                f"carried out; to resume asks again. Last: {what}"
            )
        self.activation.journal.leave(wake_at=next_at)

    def _tell_domain(self) -> None:
        tell = self.step.on_unknown
        if tell is None:
            return
        context = LocalContext(
            saga_id=self.call.saga_id,
            key=f"{self.call.key}/unknown/{len(self.records)}",  # each time another one: rows under it are unique
            now=self.activation.now(),
            reason=self.call.reason,
        )
        try:
            self.activation.journal.run_local(lambda: tell(context, *self.call.arguments))
        except Exception as error:  # noqa: BLE001 - the unknown outcome itself must be recorded, come what may
            described(error, self.activation.saga_id, self.call)

    def _reject(self, refusal: Rejected, attempt: int, **fields: str) -> None:
        body = as_json(code=refusal.code, reason=refusal.reason, **fields)
        self._append(EntryType.CALL_REJECTED, attempt=attempt, body=body)
        raise Rejected(refusal.code, refusal.reason) from None

    # --- what both need ---

    def _last_words(self) -> str:
        error = self.records[-1].plain().get("error")
        return f" Last: {error}" if error else ""

    def _is_unsettled(self) -> bool:
        """Whether an attempt before the last one may have been applied: what the last one says is about itself only."""
        last = self._attempts()
        ended = {r.attempt for r in self.records if r.type == EntryType.CALL_FAILED}
        return any(attempt not in ended for attempt in range(1, last))

    def _attempts(self) -> int:
        return sum(record.type == EntryType.CALL_INTENDED for record in self.records)

    def _is_spent(self, now_failing: int = 0) -> bool:
        """Whether the policy allows no further attempt. Attempts that died with their process were not the provider's
        fault and do not count, within reason."""
        recent = [record for record in self.records if record.seq > self.activation.history.resumed_seq]
        failed = {r.attempt for r in recent if r.type in (EntryType.CALL_FAILED, EntryType.CALL_UNKNOWN)}
        intended = sum(r.type == EntryType.CALL_INTENDED for r in recent)
        most = self.step.retry.max_attempts
        return len(failed | {now_failing} - {0}) >= most or intended >= _DEATHS_PER_ATTEMPT * most

    def _context(self, attempt: int) -> RemoteCall:
        return RemoteCall(
            saga_id=self.call.saga_id,
            idempotency_key=self.call.key,
            attempt=attempt,
            timeout=self.step.timeout,
            first_intended_at=self.records[0].at,
            reason=self.call.reason,
        )

    def _append(self, type: EntryType, *, attempt: int, body: str) -> None:  # noqa: A002 - the column's name
        entry = self.activation.journal.append(
            type, attempt=attempt, body=body, idempotency_key=self.call.key, **self.call.columns()
        )
        self.records.append(entry)

"""What can go wrong, said by its name: a step raises one of the first three; the others tell a caller what to mend."""

from datetime import timedelta


class Rejected(Exception):
    """A final no. It happened for certain that nothing happened: before the pivot it starts undoing.

    `code` is the field's own code (an ISO 20022 external status reason, for instance); `reason` is for people and
    must not hold personal data: it becomes part of the ledger.
    """

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


class Retryable(Exception):
    """Certainly not applied, worth another try: at `after` if the provider named a delay, else by the step's policy."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class OutcomeUnknown(Exception):
    """The request may have been applied. It is settled by inquiry, never by a guess."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DefinitionError(TypeError):
    """A saga or step is declared in a way the engine cannot keep its promises for. Raised at import."""


class UnknownDefinition(LookupError):
    """No saga of this name and version is registered in this process."""


class PayloadRefused(ValueError):
    """A payload cannot be recorded exactly: not serialisable, inexact, personal, or over the limit. Nothing is stored.

    `field` is the path of the offending field.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class IdempotencyConflict(ValueError):
    """This idempotency key was used with another request. Nothing was started; the first request stands."""


class SagaEnded(LookupError):
    """The saga has ended; it takes no more messages and never reopens (R27, R31)."""


class NotAllowedHere(RuntimeError):
    """Saga or step code did something that would break replay or atomicity; the message says what and where."""


class NotParked(ValueError):
    """Only a parked saga can be resumed; the others go on by themselves."""

"""Steps: plain functions with a decorator that says where they run and what their failures mean."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar, TypeVarTuple, get_type_hints, overload
from uuid import UUID

from sagas.codec import Codec
from sagas.errors import DefinitionError, Rejected
from sagas.retries import InquirySchedule, RetryPolicy

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalContext:
    """What a local step may know of where it runs. `key` is unique and stable for this saga and step: put it under a
    unique constraint on rows that must exist once. `reason` is why the saga is being undone, in undo steps."""

    saga_id: UUID
    key: str
    now: datetime
    reason: Rejected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCall:
    """What a remote step must tell the provider: the same `idempotency_key` on every attempt, and how long to wait."""

    saga_id: UUID
    idempotency_key: str
    attempt: int
    timeout: timedelta
    first_intended_at: datetime
    reason: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Happened(Generic[R]):
    """The provider says: it was done, with this result."""

    result: R


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider says: it was refused for good."""

    code: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The provider does not know the key. It permits a repeat with the same key, nothing else (R25)."""


@dataclass(frozen=True, slots=True)
class StillPending:
    """The provider has it and has not decided; `after` is when it wants to be asked again."""

    after: timedelta | None = None


Answer = Happened[R] | Refused | NotFound | StillPending


class Step(Generic[R, *Ts]):
    """A step of a saga: its function, its name in the ledger, and the codecs of its arguments and result."""

    kind = ""

    def __init__(self, function: Callable[..., R], *, retry: RetryPolicy) -> None:
        self.function = function
        self.name = function.__name__
        self.retry = retry
        self.where = f"{function.__module__}.{function.__qualname__}"
        hints = get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())[1:]
        if any(p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
            raise DefinitionError(f"{self.where}: a step takes positional arguments only")
        missing = [p.name for p in parameters if p.name not in hints] + ["return"] * ("return" not in hints)
        if missing:
            raise DefinitionError(f"{self.where}: annotate {', '.join(missing)}: the ledger is typed")
        self.arguments = [Codec[Any](hints[p.name], where=f"{self.name}.{p.name}") for p in parameters]
        self.result = Codec[R](hints["return"], where=f"{self.name}.result")

    def encode_arguments(self, arguments: tuple[Any, ...]) -> str:
        if len(arguments) != len(self.arguments):
            raise TypeError(f"{self.where} takes {len(self.arguments)} arguments, got {len(arguments)}")
        texts = [codec.copy(value)[0] for codec, value in zip(self.arguments, arguments, strict=True)]
        return f"[{','.join(texts)}]"

    def decode_arguments(self, plain: list[Any]) -> tuple[Any, ...]:
        return tuple(codec.decode(value) for codec, value in zip(self.arguments, plain, strict=True))

    def __repr__(self) -> str:
        return f"<{self.kind} step {self.where}>"


class LocalStep(Step[R, *Ts]):
    """Runs inside the ledger's transaction: its rows, its entry and its audit link are one commit."""

    kind = "local"


class RemoteStep(Step[R, *Ts]):
    """Runs outside any transaction, after its intent is durable, under one key for all its attempts."""

    kind = "remote"

    def __init__(
        self,
        function: Callable[..., R],
        *,
        retry: RetryPolicy,
        timeout: timedelta,
        inquiry: Callable[..., Answer[R]] | None,
        inquiry_schedule: InquirySchedule,
        key_valid_for: timedelta | None,
        on_unknown: Callable[..., None] | None,
    ) -> None:
        super().__init__(function, retry=retry)
        self.timeout = timeout
        self.inquiry = inquiry
        self.inquiry_schedule = inquiry_schedule
        self.key_valid_for = key_valid_for
        self.on_unknown = on_unknown


@overload
def local_step(function: Callable[[LocalContext, *Ts], R], /) -> LocalStep[R, *Ts]: ...
@overload
def local_step(*, retry: RetryPolicy = ...) -> Callable[[Callable[[LocalContext, *Ts], R]], LocalStep[R, *Ts]]: ...
def local_step(function: Any = None, /, *, retry: RetryPolicy | None = None) -> Any:
    """Declare a step that writes to our own database.

    Its body runs in a savepoint of the ledger's transaction; it may run again after a rollback, so it calls nothing
    outside and registers no `on_commit` hook (R28). Raise `Rejected` for a final no; any other error rolls it back and
    is tried again by `retry`.
    """
    policy = retry or RetryPolicy(max_attempts=6)
    if function is not None:
        return LocalStep(function, retry=policy)
    return lambda decorated: LocalStep(decorated, retry=policy)


class _Undeclared(Protocol):
    """The decorator when no inquiry fixes the arguments."""

    def __call__(self, function: Callable[[RemoteCall, *Ts], R], /) -> RemoteStep[R, *Ts]: ...


@overload
def remote_step(
    *,
    retry: RetryPolicy | None = None,
    timeout: timedelta = ...,
    inquiry: None = None,
    inquiry_schedule: InquirySchedule | None = None,
    key_valid_for: timedelta | None = None,
    on_unknown: None = None,
) -> _Undeclared: ...
@overload
def remote_step(
    *,
    retry: RetryPolicy | None = None,
    timeout: timedelta = ...,
    inquiry: Callable[[RemoteCall, *Ts], Answer[R]],
    inquiry_schedule: InquirySchedule | None = None,
    key_valid_for: timedelta | None = None,
    on_unknown: Callable[[LocalContext, *Ts], None] | None = None,
) -> Callable[[Callable[[RemoteCall, *Ts], R]], RemoteStep[R, *Ts]]: ...
def remote_step(
    *bare: Any,
    retry: RetryPolicy | None = None,
    timeout: timedelta = timedelta(seconds=10),
    inquiry: Any = None,
    inquiry_schedule: InquirySchedule | None = None,
    key_valid_for: timedelta | None = None,
    on_unknown: Any = None,
) -> Any:
    """Declare a step that calls a provider.

    `inquiry` asks the provider what became of a call whose answer was lost. `key_valid_for` is how long the provider
    honours the idempotency key, counted from the first intent; None says that it does not honour one. With neither, an
    unknown outcome parks the saga (R25). `on_unknown` runs in the transaction that records an unknown outcome, so
    that the domain's state says so too. `timeout` is start-to-close; past it the outcome is unknown.
    """

    if bare:
        raise DefinitionError(
            "@remote_step needs parentheses and should say how an unknown outcome is settled: "
            "@remote_step(inquiry=…, key_valid_for=…)"
        )

    def decorate(function: Callable[..., Any]) -> RemoteStep[Any, *tuple[Any, ...]]:
        return RemoteStep(
            function,
            retry=retry or RetryPolicy(),
            timeout=timeout,
            inquiry=inquiry,
            inquiry_schedule=inquiry_schedule or InquirySchedule(),
            key_valid_for=key_valid_for,
            on_unknown=on_unknown,
        )

    return decorate

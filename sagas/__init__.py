"""Durable sagas on PostgreSQL: what people who write sagas import. See `docs/engine.md`."""

from typing import TYPE_CHECKING, Any

from sagas.definition import saga
from sagas.errors import (
    IdempotencyConflict,
    OutcomeUnknown,
    PayloadRefused,
    Rejected,
    Retryable,
    UnknownDefinition,
)
from sagas.ids import uuid7
from sagas.payload import MoneyAmount, Payload, Personal
from sagas.retries import InquirySchedule, RetryPolicy
from sagas.steps import (
    Happened,
    LocalContext,
    NotFound,
    Refused,
    RemoteCall,
    StillPending,
    local_step,
    remote_step,
)

if TYPE_CHECKING:
    from sagas.context import Saga
    from sagas.starting import Started, start

__all__ = [
    "Happened",
    "IdempotencyConflict",
    "InquirySchedule",
    "LocalContext",
    "MoneyAmount",
    "NotFound",
    "OutcomeUnknown",
    "Payload",
    "PayloadRefused",
    "Personal",
    "Refused",
    "Rejected",
    "RemoteCall",
    "RetryPolicy",
    "Retryable",
    "Saga",
    "Started",
    "StillPending",
    "UnknownDefinition",
    "local_step",
    "remote_step",
    "saga",
    "start",
    "uuid7",
]

# These use Django's models, which exist only when the apps are loaded, later than this package.
_LATER = {"Saga": "sagas.context", "Started": "sagas.starting", "start": "sagas.starting"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

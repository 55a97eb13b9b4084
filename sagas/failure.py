"""Describes an unexpected error for the ledger: its kind and place. Its text goes to the log only, because nobody can
say whether it quotes personal data (R34)."""

import logging
import traceback
from pathlib import PurePath
from uuid import UUID

from sagas.calls import StepCall
from sagas.errors import NotAllowedHere, OutcomeUnknown, PayloadRefused, Retryable

logger = logging.getLogger("sagas")

_ENGINE = PurePath(__file__).parent

#: Errors whose text we write ourselves, or that promise not to hold personal data.
_QUOTABLE = (Retryable, OutcomeUnknown, PayloadRefused, NotAllowedHere)


def described(error: BaseException, saga_id: UUID, call: StepCall | None = None) -> str:
    """What happened and where, without the error's text unless it is ours; the text is logged with the saga's id."""
    where = f"{call.direction} {call.step.name}" if call else "saga code"
    if isinstance(error, _QUOTABLE):
        logger.info("saga %s: %s: %s", saga_id, where, error)
        return str(error)
    logger.error("saga %s: %s raised %s", saga_id, where, type(error).__name__, exc_info=error)
    return f"{type(error).__name__}{_place(error)} (its text is in the worker's log under this saga's id)"


def _place(error: BaseException) -> str:
    """The deepest line of code that is neither ours nor a library's: where its author would look."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = PurePath(frame.filename)
        if "site-packages" not in path.parts and path.parent != _ENGINE:
            return f" at {path.name}:{frame.lineno}"
    return ""

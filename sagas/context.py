"""The context `s`: a saga's only door to the outside."""

import threading
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from sagas import guard
from sagas.calls import StepCall
from sagas.control import ActivationEnded, FlushRefused, FlushUnknown
from sagas.entries import Direction
from sagas.errors import NotAllowedHere
from sagas.outcomes import ends_connection, is_database_error
from sagas.steps import Step

if TYPE_CHECKING:
    from sagas.activation import Activation

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class Saga:
    """What a saga function may use. Each call is answered from the ledger if it was made before."""

    def __init__(self, activation: "Activation") -> None:
        self._activation = activation
        self._thread = threading.get_ident()
        self._calls = 0
        self._ended: ActivationEnded | None = None

    def run(
        self,
        step: Step[R, *Ts],
        *arguments: *Ts,
        undo: Step[Any, *Ts, R] | None = None,
        pivot: bool = False,
    ) -> R:
        """Run a step and return its result, as a decoded copy.

        `undo` is a step that takes the step's arguments, then its result; it is run, in reverse order, when the saga is
        refused before its pivot. `pivot` marks the step after which there is no undo. Raises Rejected if the step is
        refused for good; every other failure is retried, settled or parked by the engine.
        """
        self._check_caller()
        if undo is not None and pivot:
            raise TypeError(f"{step!r} is run as a pivot and with an undo: a pivot is never undone")
        if undo is not None and len(undo.arguments) != len(step.arguments) + 1:
            raise TypeError(f"{undo!r} cannot undo {step!r}: it takes its arguments, then its result")
        path = str(self._calls)
        self._calls += 1
        activation = self._activation
        call = StepCall(
            saga_id=activation.saga_id,
            step=step,
            direction=Direction.FORWARD,
            path=path,
            arguments_text=step.encode_arguments(arguments),
            pivot=pivot,
        )
        try:
            with guard.scope(""):
                result: R = activation.run_step(step, call)
        except ActivationEnded as ended:
            self._ended = ended
            raise
        except Exception as error:
            if not is_database_error(error):
                raise
            # The engine's own statement failed. Saga code could catch this, and go on with what was rolled back.
            self._ended = FlushUnknown() if ends_connection(error) else FlushRefused()
            raise self._ended from error
        if pivot:
            activation.undo.pass_pivot()
        elif undo is not None:
            activation.undo.push(path, undo, (*call.arguments, result))
        return result

    def raise_if_ended(self) -> None:
        """Raise again what ended the activation, however the saga's code has treated it."""
        if self._ended is not None:
            raise self._ended

    def _check_caller(self) -> None:
        self.raise_if_ended()
        if threading.get_ident() != self._thread:
            raise NotAllowedHere("the saga's context was used from another thread: replay has only one order")

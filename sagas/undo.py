"""The undo stack: what was done before the pivot, undone last-in-first-out, durably (R26, R27)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagas.calls import StepCall
from sagas.entries import Direction
from sagas.errors import Rejected
from sagas.steps import Step

if TYPE_CHECKING:
    from sagas.activation import Activation


@dataclass(frozen=True, slots=True)
class Frame:
    """A step that was done, and what undoes it."""

    path: str
    undo: Step[Any, *tuple[Any, ...]]
    arguments: tuple[Any, ...]


class Undo:
    """Rebuilt by every replay: its order is that of the steps' intents."""

    def __init__(self, activation: "Activation") -> None:
        self._activation = activation
        self._frames: list[Frame] = []
        self.is_past_pivot = False

    def push(self, path: str, undo: Step[Any, *tuple[Any, ...]], arguments: tuple[Any, ...]) -> None:
        if not self.is_past_pivot:
            self._frames.append(Frame(path, undo, arguments))

    def pass_pivot(self) -> None:
        """From here on there is no undo."""
        self.is_past_pivot = True
        self._frames.clear()

    def names(self) -> list[str]:
        """What will be run, in order."""
        return [frame.undo.name for frame in reversed(self._frames)]

    def unwind(self, reason: Rejected) -> None:
        """Run every undo step, the last first. One that is refused parks the saga: nobody else may decide what then."""
        activation = self._activation
        for frame in reversed(self._frames):
            call = StepCall(
                saga_id=activation.saga_id,
                step=frame.undo,
                direction=Direction.UNDO,
                path=frame.path,
                arguments_text=frame.undo.encode_arguments(frame.arguments),
                reason=reason,
            )
            try:
                activation.run_step(frame.undo, call)
            except Rejected as refusal:
                activation.park(
                    f"{frame.undo.name} was refused while undoing ({refusal}): this step is not undone, the ones "
                    f"before it are still in force. The saga was being undone because of {reason}."
                )

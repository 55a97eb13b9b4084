"""One call of a step, where it stands in the saga, and whether the ledger agrees with the code about it (R10)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from pydantic_core import from_json, to_json

from sagas.entries import Direction, Entry
from sagas.errors import PayloadRefused, Rejected
from sagas.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCall:
    """A step with its arguments at a path of the saga."""

    saga_id: UUID
    step: Step[Any, *tuple[Any, ...]]
    direction: Direction
    path: str
    arguments_text: str
    pivot: bool = False
    reason: Rejected | None = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """A decoded copy: what a step does to its arguments reaches neither the saga's code nor a later attempt."""
        return self.step.decode_arguments(from_json(self.arguments_text))

    @property
    def key(self) -> str:
        """Unique for this saga, direction and path; the same on every attempt and replay."""
        return str(uuid5(self.saga_id, f"{self.direction}/{self.path}"))

    def body(self, *, result_text: str | None = None, **fields: Any) -> str:
        """A body with the arguments, what else replay compares, and these plain values."""
        if self.pivot:
            fields["pivot"] = True
        text = with_text("args", self.arguments_text, **fields)
        return text if result_text is None else f'{text[:-1]},"result":{result_text}}}'

    def columns(self) -> dict[str, Any]:
        """The columns that all entries of this call share."""
        return {"path": self.path, "step": self.step.name, "direction": self.direction}

    def difference(self, recorded: Entry) -> str | None:
        """What the ledger has recorded otherwise than the code now calls, for people; None if they agree."""
        kind = "local" if recorded.type.startswith("step.") else "remote"
        if (recorded.step, kind) != (self.step.name, self.step.kind):
            return (
                f"at path {self.path} the code now calls the {self.step.kind} step {self.step.name}, "
                f"the ledger has the {kind} step {recorded.step} (entry {recorded.seq})"
            )
        body = recorded.plain()
        if body.get("pivot", False) != self.pivot:
            now = "is the pivot" if self.pivot else "is not the pivot"
            return f"at path {self.path} {self.step.name} {now} in the code, and the opposite in entry {recorded.seq}"
        was = body.get("args")
        if was == from_json(self.arguments_text):
            return None
        try:
            # A field that the type gained since, with a default, is no difference: encode(decode(recorded)).
            if self.step.encode_arguments(self.step.decode_arguments(was)) == self.arguments_text:
                return None
        except (PayloadRefused, TypeError, ValueError) as error:
            return (
                f"at path {self.path} the arguments of {self.step.name} in entry {recorded.seq} do not decode: {error}"
            )
        return (
            f"at path {self.path} the code now calls {self.step.name}{self.arguments_text}, "
            f"entry {recorded.seq} has {self.step.name}{to_json(was).decode()}"
        )


def rejection(entry: Entry) -> Rejected:
    """The rejection that an entry records, as a decoded copy."""
    body = entry.plain()
    return Rejected(body["code"], body["reason"])


def time_in(body: dict[str, Any], field: str) -> datetime | None:
    """An aware time from an entry's body."""
    text = body.get(field)
    return datetime.fromisoformat(text) if text else None


def as_json(**fields: Any) -> str:
    """A body of plain values; times as ISO 8601 with their offset."""
    return to_json(fields).decode()


def with_text(name: str, text: str, **fields: Any) -> str:
    """A body that holds `text`, already JSON, under `name`, beside plain values."""
    rest = as_json(**fields)[1:]
    return f'{{"{name}":{text}{"," if fields else ""}{rest}'

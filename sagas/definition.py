"""Saga definitions: ordinary functions registered by name and version, found at start-up in every app's `sagas.py`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

from sagas.codec import Codec
from sagas.errors import DefinitionError, UnknownDefinition
from sagas.steps import LocalStep

if TYPE_CHECKING:
    from sagas.context import Saga

Input = TypeVar("Input")
Result = TypeVar("Result")

DEFAULT_QUEUE = "default"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who looks at a parked saga, and within which time."""

    owner: str = "operations"
    parked_for: timedelta = timedelta(hours=4)


class Definition(Generic[Input, Result]):
    """One version of one saga."""

    def __init__(
        self,
        function: "Callable[[Saga, Input], Result]",
        *,
        name: str,
        version: int,
        queue: str,
        undo: LocalStep[Any, Input] | None,
        owner: str,
        parked_for: timedelta,
    ) -> None:
        self.function = function
        self.name = name
        self.version = version
        self.queue = queue
        self.undo = undo
        self.ownership = Ownership(owner=owner, parked_for=parked_for)
        if not owner.strip():
            raise DefinitionError(f"{self}: name the role that owns its parked sagas, owner='…'")
        parameters = list(inspect.signature(function).parameters.values())
        hints = get_type_hints(function, include_extras=True)
        if len(parameters) != 2 or parameters[1].name not in hints or "return" not in hints:
            raise DefinitionError(f"{self}: a saga is declared as (s: Saga, input: SomePayload) -> SomeResult")
        self.input = Codec[Input](hints[parameters[1].name], where=f"{name}.{parameters[1].name}")
        self.result = Codec[Result](hints["return"], where=f"{name}.result")

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


_registry: dict[tuple[str, int], Definition[Any, Any]] = {}


def saga(
    name: str,
    *,
    version: int,
    queue: str = DEFAULT_QUEUE,
    undo: LocalStep[Any, Input] | None = None,
    owner: str = "operations",
    parked_for: timedelta = timedelta(hours=4),
) -> "Callable[[Callable[[Saga, Input], Result]], Definition[Input, Result]]":
    """Register a saga. A run stays with the version it started with; versions live side by side in code.

    `undo` undoes the start itself, last of all: the domain rows that were made in the start's transaction. A saga that
    parks is handed to the role `owner`, to be looked at within `parked_for`.
    """

    def register(function: "Callable[[Saga, Input], Result]") -> Definition[Input, Result]:
        definition = Definition(
            function, name=name, version=version, queue=queue, undo=undo, owner=owner, parked_for=parked_for
        )
        other = _registry.get((name, version))
        if other is not None and other.function.__code__ is not function.__code__:
            raise DefinitionError(
                f"{definition} is declared twice: {other.function.__module__} and {function.__module__}"
            )
        _registry[name, version] = definition
        return definition

    return register


def find(name: str, version: int) -> Definition[Any, Any]:
    """The definition of this name and version. Raises UnknownDefinition."""
    try:
        return _registry[name, version]
    except KeyError:
        raise UnknownDefinition(
            f"no saga {name!r} v{version} is registered here: is the app that declares it installed and deployed?"
        ) from None


def newest(name: str) -> Definition[Any, Any]:
    """The highest version of this saga: what a start without a version gets. Raises UnknownDefinition."""
    versions = [version for (known, version) in _registry if known == name]
    if not versions:
        raise UnknownDefinition(
            f"no saga {name!r} is registered here: is the app whose sagas.py declares it in INSTALLED_APPS?"
        )
    return find(name, max(versions))


def definitions() -> list[Definition[Any, Any]]:
    """All registered definitions, by name and version."""
    return [_registry[key] for key in sorted(_registry)]


def queues() -> list[str]:
    """All queues that registered sagas use."""
    return sorted({definition.queue for definition in _registry.values()} | {DEFAULT_QUEUE})

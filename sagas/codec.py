"""Typed payloads as JSON text and back, without loss: what cannot be recorded exactly is refused at the call, by name
of the field, before anything is stored."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json

from sagas.errors import DefinitionError, PayloadRefused

T = TypeVar("T")

#: The largest payload of one entry. A larger thing belongs in a table or a store, with its id here.
LIMIT_BYTES = 256 * 1024

_REFUSED_SCHEMAS = {
    "float": "float is inexact: use Decimal",
    "set": "a set has no order, so replay could differ: use a sorted list",
    "frozenset": "a set has no order, so replay could differ: use a sorted list",
    "bytes": "bytes do not belong in the ledger: store them and pass an id",
    "any": "an untyped value cannot be decoded exactly: name its type",
    "callable": "a function cannot be recorded",
    "generator": "a generator cannot be recorded: use a list",
}


#: Keys of a core schema that hold no schema.
_NOT_SCHEMAS = ("metadata", "serialization", "ref", "config", "cls", "default")


class Codec(Generic[T]):
    """Encodes and decodes values of one annotated type; made once, at import, where an unfit type is refused."""

    def __init__(self, annotation: Any, *, where: str) -> None:
        self.where = where
        try:
            self._adapter: TypeAdapter[T] = TypeAdapter(annotation)
        except Exception as error:
            raise DefinitionError(f"{where}: {annotation!r} cannot be recorded: {error}") from error
        for field, problem in _problems(self._adapter.core_schema, where):
            raise DefinitionError(f"{field}: {problem}")

    def encode(self, value: T) -> str:
        """The value as JSON text. Raises PayloadRefused with the field's name."""
        try:
            text = self._adapter.dump_json(value, warnings="error").decode()
        except (PydanticSerializationError, ValueError) as error:
            raise PayloadRefused(*self._explain(value, error)) from error
        if len(text) * 4 > LIMIT_BYTES and len(text.encode()) > LIMIT_BYTES:
            field, size = _largest(from_json(text), self.where)
            raise PayloadRefused(
                field,
                f"the payload is {len(text.encode()):,} bytes, the limit is {LIMIT_BYTES:,}; this field: {size:,}",
            )
        return text

    def decode(self, plain: object) -> T:
        """What `encode` was given, from JSON already parsed. Raises PayloadRefused if the type has changed."""
        try:
            return self._adapter.validate_python(plain)
        except ValidationError as error:
            raise PayloadRefused(*_first_problem(error, self.where)) from error

    def copy(self, value: T) -> tuple[str, T]:
        """The JSON text and a decoded copy, which replay would give too; refused unless both are equal (R11)."""
        text = self.encode(value)
        copied = self.decode(from_json(text))
        # Equal is not the same: an int where a Decimal was, one member of a union for another.
        if copied != value or self.encode(copied) != text:
            raise PayloadRefused(self.where, f"{value!r} comes back from the ledger as {copied!r}")
        return text, copied

    def _explain(self, value: T, error: Exception) -> tuple[str, str]:
        try:
            # Dumped first: pydantic takes an instance of the right model on trust, whatever its fields hold.
            self._adapter.validate_python(self._adapter.dump_python(value, warnings=False), strict=True)
        except ValidationError as found:
            return _first_problem(found, self.where)
        return self.where, f"cannot be recorded: {error}"


def _first_problem(error: ValidationError, where: str) -> tuple[str, str]:
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join([where, *(str(part) for part in first["loc"])]), first["msg"]


def _problems(schema: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every place of a pydantic core schema that the ledger cannot hold."""
    if isinstance(schema, list | tuple):
        for item in schema:
            yield from _problems(item, field)
    elif isinstance(schema, Mapping):
        yield from _problem_here(schema, field)
        for key, part in schema.items():
            if key == "fields" and isinstance(part, Mapping):
                for name, inner in part.items():
                    yield from _problems(inner, f"{field}.{name}")
            elif key not in _NOT_SCHEMAS:
                yield from _problems(part, field)


def _problem_here(schema: Mapping[str, Any], field: str) -> Iterator[tuple[str, str]]:
    metadata = schema.get("metadata")
    if isinstance(metadata, Mapping) and metadata.get("recourse_personal"):
        yield field, "is marked Personal: personal data stays in domain tables, pass a reference"
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _REFUSED_SCHEMAS:
        yield field, _REFUSED_SCHEMAS[kind]
    if kind == "datetime" and schema.get("tz_constraint") != "aware":
        yield field, "a naive time names no instant: annotate pydantic's AwareDatetime"


def _largest(plain: Any, where: str) -> tuple[str, int]:
    """The deepest field that holds most of the size, so that the error can name it."""
    size = len(str(plain))
    items = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    name, biggest = max(items, key=lambda item: len(str(item[1])), default=(None, None))
    if name is not None and len(str(biggest)) * 2 > size:
        return _largest(biggest, f"{where}.{name}")
    return where, size

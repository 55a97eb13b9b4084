"""The rules of a message type, read off pyiso20022's dataclasses instead of an XSD.

The dataclasses are generated from the XSD and keep its facets as field metadata. Three things the metadata does not
say are known by convention of ISO 20022's own generator, and a test compares all of them with the real XSD:
a type whose name ends in "Choice" holds exactly one of its elements, any other type is a sequence in the order of its
fields, and a wildcard stands for exactly one element.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from payments.pain001.values import SimpleType, simple_type

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
UNBOUNDED = 1 << 31


@dataclass(frozen=True, slots=True)
class Child:
    """An element that may occur in a type. Exactly one of `simple` and `complex_class` is set."""

    tag: str
    name: str
    min_occurs: int
    max_occurs: int
    simple: SimpleType | None
    complex_class: type | None


@dataclass(frozen=True, slots=True)
class ComplexType:
    """What an element with attributes or children may hold."""

    name: str
    is_choice: bool
    children: tuple[Child, ...]
    position: Mapping[str, int]  # of a tag in `children`
    attributes: Mapping[str, tuple[bool, SimpleType]]  # name: (required, type)
    text: SimpleType | None  # simple content: a value with attributes, no children
    wildcard: bool


@cache
def complex_type(cls: type) -> ComplexType:
    """The rules of a pyiso20022 dataclass."""
    hints = typing.get_type_hints(cls)
    meta_namespace: str = getattr(getattr(cls, "Meta", None), "namespace", "")
    children: list[Child] = []
    attributes: dict[str, tuple[bool, SimpleType]] = {}
    text: SimpleType | None = None
    wildcard = False
    for field in dataclasses.fields(cls):
        metadata = field.metadata
        value_type, is_list = _unwrap(hints[field.name])
        match metadata.get("type"):
            case "Element":
                children.append(_child(metadata, value_type, is_list=is_list, default_namespace=meta_namespace))
            case "Attribute":
                attributes[metadata["name"]] = (metadata.get("required", False), simple_type(value_type, metadata))
            case "Wildcard":
                wildcard = True
            case _:
                text = simple_type(value_type, metadata)
    return ComplexType(
        name=cls.__name__,
        is_choice=cls.__name__.endswith("Choice"),
        children=tuple(children),
        position={child.tag: index for index, child in enumerate(children)},
        attributes=attributes,
        text=text,
        wildcard=wildcard,
    )


def _child(metadata: Mapping[str, typing.Any], value_type: type, *, is_list: bool, default_namespace: str) -> Child:
    complex_class = value_type if dataclasses.is_dataclass(value_type) and _is_generated(value_type) else None
    return Child(
        tag=f"{{{metadata.get('namespace') or default_namespace}}}{metadata['name']}",
        name=metadata["name"],
        min_occurs=metadata.get("min_occurs", 1 if metadata.get("required") else 0),
        max_occurs=metadata.get("max_occurs", UNBOUNDED if is_list else 1),
        simple=None if complex_class else simple_type(value_type, metadata),
        complex_class=complex_class,
    )


def _is_generated(cls: type) -> bool:
    # xsdata's own XmlDate and XmlDateTime are values, not message types.
    return cls.__module__.startswith("pyiso20022.")


def _unwrap(hint: typing.Any) -> tuple[type, bool]:
    """`None | X` and `X` are (X, False); `list[X]` is (X, True)."""
    origin = typing.get_origin(hint)
    if origin is list:
        return typing.get_args(hint)[0], True
    if origin in {types.UnionType, typing.Union}:
        return next(arg for arg in typing.get_args(hint) if arg is not type(None)), False
    return hint, False

"""Validates an XML tree as the XSD would, from pyiso20022's dataclasses (see `schema`), keeping the source lines.

Compared with lxml's XMLSchema on seeded mutations of valid documents (`tests/unit/test_pain001_facets.py`), the verdict
differs in two classes, on purpose:

- stricter: `xsi:type` and `xsi:nil` are refused everywhere, even where XML Schema would let them change nothing;
- looser: what stands inside `SplmtryData/Envlp` is not looked at beyond being exactly one element (we use none of it).
"""

from collections.abc import Iterator

from lxml import etree
from pyiso20022.pain.pain_001_001_09 import Document

from payments.pain001.problems import Problem, line_of
from payments.pain001.schema import NAMESPACE, Child, ComplexType, complex_type
from payments.pain001.values import XML_SPACE

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_HINTS = {f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation"}  # allowed anywhere, never followed


def violations(root: etree._Element) -> list[Problem]:
    """Every way in which the tree is not a valid pain.001.001.09 document, in document order; empty when it is one.

    The tree must have been parsed without comments and processing instructions.
    """
    path = f"/{_local(root)}"
    if root.tag != f"{{{NAMESPACE}}}Document":
        return [_problem(root, path, f"the root element must be Document in the namespace {NAMESPACE}")]
    return list(_complex(root, complex_type(Document), path))


def _complex(element: etree._Element, rules: ComplexType, path: str) -> Iterator[Problem]:
    yield from _attributes(element, rules, path)
    if rules.text is not None:
        yield from _simple_content(element, path)
        if wrong := rules.text(element.text or ""):
            yield _problem(element, path, wrong)
        return
    yield from _stray_text(element, path)
    if rules.wildcard:
        if len(element) != 1:
            yield _problem(element, path, f"holds {len(element)} elements, must hold exactly one")
    elif rules.is_choice:
        yield from _choice(element, rules, path)
    else:
        yield from _sequence(element, rules, path)


def _choice(element: etree._Element, rules: ComplexType, path: str) -> Iterator[Problem]:
    names = " or ".join(child.name for child in rules.children)
    if len(element) != 1:
        yield _problem(element, path, f"holds {len(element)} elements, must hold exactly one: {names}")
    for child in element:
        index = rules.position.get(child.tag)
        if index is None:
            yield _problem(child, f"{path}/{_local(child)}", f"is not allowed here; {_local(element)} holds {names}")
        else:
            yield from _element(child, rules.children[index], f"{path}/{rules.children[index].name}")


def _sequence(element: etree._Element, rules: ComplexType, path: str) -> Iterator[Problem]:
    reached = 0  # the element of the sequence that the document has come to
    counts = [0] * len(rules.children)
    for child in element:
        index = rules.position.get(child.tag)
        if index is None:
            yield _problem(child, f"{path}/{_local(child)}", _unknown(element, rules))
            continue
        expected = rules.children[index]
        counts[index] += 1
        numbered = f"{path}/{expected.name}" + (f"[{counts[index]}]" if expected.max_occurs > 1 else "")
        if index < reached:
            yield _problem(child, numbered, f"is out of order: it belongs before {rules.children[reached].name}")
        elif counts[index] == expected.max_occurs + 1:
            yield _problem(child, numbered, f"occurs more than {expected.max_occurs} time(s)")
        reached = max(reached, index)
        yield from _element(child, expected, numbered)
    for expected, count in zip(rules.children, counts, strict=True):
        if count < expected.min_occurs:
            yield _problem(element, path, f"{expected.name} is missing")


def _element(element: etree._Element, expected: Child, path: str) -> Iterator[Problem]:
    if expected.complex_class is not None:
        yield from _complex(element, complex_type(expected.complex_class), path)
        return
    for name in element.attrib:
        if name not in _HINTS:
            yield _problem(element, path, f"the attribute {name!s} is not allowed")
    yield from _simple_content(element, path)
    if expected.simple is not None and (wrong := expected.simple(element.text or "")):
        yield _problem(element, path, wrong)


def _attributes(element: etree._Element, rules: ComplexType, path: str) -> Iterator[Problem]:
    for name, value in element.attrib.items():
        if name in _HINTS:
            continue
        if str(name) not in rules.attributes:
            yield _problem(element, path, f"the attribute {name!s} is not allowed")
        elif wrong := rules.attributes[str(name)][1](str(value)):
            yield _problem(element, f"{path}/@{name!s}", wrong)
    for required, (is_required, _) in rules.attributes.items():
        if is_required and required not in element.attrib:
            yield _problem(element, path, f"the attribute {required} is missing")


def _simple_content(element: etree._Element, path: str) -> Iterator[Problem]:
    for child in element:
        yield _problem(child, f"{path}/{_local(child)}", f"is not allowed here; {_local(element)} holds text only")


def _stray_text(element: etree._Element, path: str) -> Iterator[Problem]:
    # XML's own white space only: a no-break space is text.
    if (element.text or "").strip(XML_SPACE) or any((child.tail or "").strip(XML_SPACE) for child in element):
        yield _problem(element, path, "holds text between its elements")


def _unknown(element: etree._Element, rules: ComplexType) -> str:
    names = ", ".join(child.name for child in rules.children[:6])
    more = ", …" if len(rules.children) > 6 else ""
    return f"is not allowed here; {_local(element)} holds {names}{more} in the namespace of the message"


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _problem(element: etree._Element, path: str, reason: str) -> Problem:
    return Problem(line=line_of(element), path=path, reason=reason)

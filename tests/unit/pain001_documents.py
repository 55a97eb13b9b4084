"""Random pain.001.001.09 documents that use every type of the message, and random damage to them (seeded)."""

import copy
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from lxml import etree
from pyiso20022.pain.pain_001_001_09 import Document

from payments.pain001.schema import NAMESPACE, Child, ComplexType, complex_type
from payments.pain001.values import SimpleType, check_date, check_date_time

XSI = "http://www.w3.org/2001/XMLSchema-instance"

_BY_PATTERN = {
    "[A-Z]{3,3}": ["EUR", "XXX"],
    "[A-Z]{2,2}": ["BE", "ZZ"],
    "[a-zA-Z0-9]{4}": ["aZ09"],
    "[0-9]{1,15}": ["1", "200", "000000000000000"],
    "[A-Z]{2,2}[0-9]{2,2}[a-zA-Z0-9]{1,30}": ["BE68539007547034", "DE00a"],
    "[A-Z0-9]{4,4}[A-Z]{2,2}[A-Z0-9]{2,2}([A-Z0-9]{3,3}){0,1}": ["GEBABEBB", "GEBABEBB36A"],
    "[A-Z0-9]{18,18}[0-9]{2,2}": ["5493001KJTIIGC8Y1R12"],
    r"\+[0-9]{1,3}-[0-9()+\-]{1,30}": ["+32-(0)2+5-1"],
    "[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}": ["8a562c67-ca16-48ba-b074-65581be6f011"],
}

EVIL_TEXTS = [
    "", " ", "\n", "x", "x" * 36, "x" * 35, "x" * 141, "é" * 35, "é" * 36, "\u00a0", "\U0001f4a9" * 4, " EUR", "EUR ",
    "eur", "TRF ", "trf", "0", "00", "-0", "-1", "-0.00001", "+1", "1.", ".5", ".", "+", "1e3", "1,5", "NaN", "INF",
    "0.123456", "0.12345", "0.123450", "1234567890123456789", "123456789012345678", "12345678901234567.8",
    "1234567890123.12345", "12345678901234.12345", "0000000000000000000001.50000000", "0.00000000001",
    "0.00000000000000001", "0.000000000000000001", " 1.5 ", "1 5", "\u0661", "true", "TRUE", "1", " false ", "yes",
    "2026-01-31", "2026-02-29", "2024-02-29", "1900-02-29", "2000-02-29", "2026-13-01", "2026-00-10", "2026-01-00",
    "2026-01-32", "2026-1-1", "26-01-01", "02026-01-01", "12026-01-01", "0000-01-01", "-0001-01-01", "2026-01-31Z",
    "2026-01-31+14:00", "2026-01-31+14:01", "2026-01-31-13:59", "2026-01-31+15:00", "2026-01-31+01", " 2026-01-31 ",
    "2026-01-31T00:00:00", "2026-01-31T24:00:00", "2026-01-31T24:00:01", "2026-01-31T25:00:00", "2026-01-31T10:60:00",
    "2026-01-31T10:59:60", "2026-01-31T10:59:59.123456789", "2026-01-31T10:59:59.", "2026-01-31T10:59",
    "2026-01-31 10:59:59", "2026-01-31T10:59:59+02:00", "2026-01-31T10:59:59z", "2026-02-30T10:59:59",
    " 2026-01-31T10:59:59", "2026-01-31T10:59:59\n", "2026-01-31\n", "1.5\n", "true\n",
    "BE68 5390 0754 7034", "BE68539007547034" + "0" * 20, "\u0660\u0661", "EUR\n",
    "8A562C67-CA16-48BA-B074-65581BE6F011", "8a562c67-ca16-38ba-b074-65581be6f011",
]  # fmt: skip


def seeded(seed: int) -> Random:
    """Chance that repeats."""
    return Random(seed)  # noqa: S311 - test documents, no secret


def valid_document(random: Random, *, optional: float = 0.5) -> etree._Element:
    """A document that our rules call valid; `optional` is the share of optional elements that it has."""
    prefixes: dict[Any, str] = {None: NAMESPACE, "xsi": XSI}  # the stubs do not know the default namespace
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap=prefixes)
    _fill(root, complex_type(Document), random, optional=optional, depth=0)
    return root


def _fill(element: etree._Element, rules: ComplexType, random: Random, *, optional: float, depth: int) -> None:
    for name, (_, check) in rules.attributes.items():
        element.set(name, _value(check, random))
    if rules.text is not None:
        element.text = _value(rules.text, random)
    elif rules.wildcard:
        etree.SubElement(element, "{urn:example:other}Anything", a="b").text = "x"
    elif rules.is_choice:
        _append(element, random.choice(rules.children), random, optional=optional, depth=depth)
    else:
        for child in rules.children:
            for _ in range(_occurrences(child, random, optional=optional, depth=depth)):
                _append(element, child, random, optional=optional, depth=depth)


def _occurrences(child: Child, random: Random, *, optional: float, depth: int) -> int:
    if child.min_occurs or random.random() < (optional if depth < 5 else optional / 2):
        return random.randint(max(1, child.min_occurs), min(child.max_occurs, 2))
    return 0


def _append(element: etree._Element, child: Child, random: Random, *, optional: float, depth: int) -> None:
    new = etree.SubElement(element, child.tag)
    if child.complex_class is not None:
        _fill(new, complex_type(child.complex_class), random, optional=optional, depth=depth + 1)
    else:
        assert child.simple is not None
        new.text = _value(child.simple, random)


def _value(check: SimpleType, random: Random) -> str:
    if check is check_date:
        return random.choice(["2026-01-31", "2024-02-29Z", "2026-01-31+01:00"])
    if check is check_date_time:
        return random.choice(["2026-01-31T09:30:00", "2026-01-31T09:30:00.125Z"])
    facets: dict[str, Any] = check.keywords if isinstance(check, partial) else {}
    if "allowed" in facets:
        return str(random.choice(facets["allowed"]))
    if "total_digits" in facets:
        return random.choice(["0", "1.0", "12.5" if facets["fraction_digits"] else "12"])
    if "max_length" not in facets:
        return random.choice(["true", "false"])
    return _text(facets, random)


def _text(facets: dict[str, Any], random: Random) -> str:
    if facets["pattern"] is not None:
        return random.choice(_BY_PATTERN[facets["pattern"].pattern])
    length: int = random.choice([facets["min_length"], facets["max_length"]])
    return "é" * length


def damage(root: etree._Element, random: Random) -> etree._Element:
    """A copy with one random change, which may or may not make it invalid."""
    copied = copy.deepcopy(root)
    elements = list(copied.iter(etree.Element))
    element = random.choice(elements)
    random.choice(_CHANGES)(element, random)
    # Through text, as a file would come: it also normalises what the tree API lets through.
    return etree.fromstring(etree.tostring(copied))


def _remove(element: etree._Element, random: Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _repeat(element: etree._Element, random: Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.insert(parent.index(element), copy.deepcopy(element))


def _repeat_often(element: etree._Element, random: Random) -> None:
    for _ in range(random.randint(2, 10)):
        _repeat(element, random)


def _swap_with_next(element: etree._Element, random: Random) -> None:
    following = element.getnext()
    if following is not None:
        following.addnext(element)


def _rename(element: etree._Element, random: Random) -> None:
    element.tag = f"{{{random.choice([NAMESPACE, 'urn:x'])}}}{random.choice(['Cd', 'Id', 'Nm', 'Othr', 'PmtInf'])}"


def _retext(element: etree._Element, random: Random) -> None:
    element.text = random.choice(EVIL_TEXTS)


def _retext_a_leaf(element: etree._Element, random: Random) -> None:
    leaves = [leaf for leaf in element.getroottree().getroot().iter(etree.Element) if len(leaf) == 0]
    _retext(random.choice(leaves), random)


def _retail(element: etree._Element, random: Random) -> None:
    if element.getparent() is not None:
        element.tail = random.choice(["\n  ", "x", "\u00a0", "\t"])


def _add_attribute(element: etree._Element, random: Random) -> None:
    name = random.choice(["Ccy", "ccy", f"{{{XSI}}}schemaLocation", f"{{{XSI}}}nonsense", "{urn:x}y"])
    element.set(name, random.choice(["EUR", "eur", "EUR EUR", ""]))


def _drop_attributes(element: etree._Element, random: Random) -> None:
    element.attrib.clear()


def _add_child(element: etree._Element, random: Random) -> None:
    etree.SubElement(element, random.choice([f"{{{NAMESPACE}}}Cd", "{urn:x}Cd", "Cd"]))


def _insert_copy_elsewhere(element: etree._Element, random: Random) -> None:
    other = random.choice(list(element.getroottree().getroot().iter(etree.Element)))
    element.append(copy.deepcopy(other))


_CHANGES: list[Callable[[etree._Element, Random], None]] = [
    _remove, _repeat, _repeat_often, _swap_with_next, _rename, _retext, _retext_a_leaf, _retext_a_leaf, _retail,
    _add_attribute, _drop_attributes, _add_child, _insert_copy_elsewhere,
]  # fmt: skip

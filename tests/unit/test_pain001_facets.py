"""Our validation against the real XSD: the same verdict on random documents, random damage and awkward values."""

from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree

from payments.pain001.facets import violations
from payments.pain001.sample import sample_document
from payments.pain001.writer import to_xml
from tests.unit.pain001_documents import EVIL_TEXTS, damage, seeded, valid_document

XSD = Path(__file__).parents[3] / "shared" / "data" / "iso20022" / "xsd" / "pain.001.001.09.xsd"


@pytest.fixture(scope="module")
def xsd() -> etree.XMLSchema:
    if not XSD.exists():
        pytest.skip(f"the ISO 20022 XSD is not part of this repository and not at {XSD}")
    return etree.XMLSchema(etree.parse(str(XSD)))


@pytest.mark.parametrize("seed", range(30))
def test_documents_that_our_rules_build_are_valid_to_the_xsd(xsd: etree.XMLSchema, seed: int) -> None:
    document = etree.fromstring(etree.tostring(valid_document(seeded(seed))))

    xsd.assertValid(document)
    assert violations(document) == []


@pytest.mark.parametrize("seed", range(30))
def test_our_verdict_on_damaged_documents_is_the_xsds(xsd: etree.XMLSchema, seed: int) -> None:
    random = seeded(1000 + seed)
    document = valid_document(random)
    verdicts = set()
    for _ in range(20):
        damaged = damage(document, random)
        valid = xsd.validate(damaged)
        verdicts.add(valid)
        assert (violations(damaged) == []) == valid, (xsd.error_log, violations(damaged), etree.tostring(damaged))

    assert verdicts == {True, False}, "the damage must break some documents and leave others valid"


def test_our_verdict_on_awkward_values_is_the_xsds_in_every_simple_element(xsd: etree.XMLSchema) -> None:
    tried: set[tuple[str, str]] = set()
    for seed in range(600):
        document = etree.fromstring(etree.tostring(valid_document(seeded(seed), optional=0.2)))
        for leaf in document.iter(etree.Element):
            parent = leaf.getparent()
            kind = (str(parent.tag) if parent is not None else "", str(leaf.tag))
            if len(leaf) or kind in tried:
                continue
            tried.add(kind)
            text = leaf.text
            for awkward in EVIL_TEXTS:
                leaf.text = awkward
                assert (violations(document) == []) == xsd.validate(document), (kind, awkward)
            leaf.text = text

    assert len(tried) > 270, "the random documents no longer reach most elements of the message"


def test_what_an_envelope_holds_is_not_looked_at_but_must_be_one_element() -> None:
    document = valid_document(seeded(1))
    data = etree.SubElement(document[0], f"{{{etree.QName(document).namespace}}}SplmtryData")
    envelope = etree.SubElement(data, f"{{{etree.QName(document).namespace}}}Envlp")

    assert [problem.reason for problem in violations(document)] == ["holds 0 elements, must hold exactly one"]
    etree.SubElement(envelope, document.tag).text = "not a valid Document"
    assert violations(document) == []


def test_an_xsi_type_is_refused_even_where_it_would_change_nothing() -> None:
    document = valid_document(seeded(1))
    document[0][0].set("{http://www.w3.org/2001/XMLSchema-instance}type", "GroupHeader85")

    assert "type is not allowed" in violations(document)[0].reason


def test_every_problem_names_line_and_element_and_they_come_in_the_order_of_the_file() -> None:
    document = etree.fromstring(
        etree.tostring(valid_document(seeded(7)), pretty_print=True)
        .replace(b"<MsgId>", b"<MsgId>x</MsgId><MsgId>")
        .replace(b"</GrpHdr>", b"<Nonsense/></GrpHdr>")
    )
    problems = violations(document)

    assert problems
    assert all(first.line <= second.line for first, second in pairwise(sorted(problems)))
    assert any(p.path.endswith("/GrpHdr/MsgId") and "more than 1" in p.reason and p.line == 4 for p in problems)
    assert any(p.path.endswith("/GrpHdr/Nonsense") and "not allowed here" in p.reason for p in problems)


@pytest.mark.parametrize(
    ("old", "new", "path", "reason"),
    [
        ("<PmtMtd>TRF</PmtMtd>", "", "/PmtInf[1]", "PmtMtd is missing"),
        (">TRF<", ">trf<", "/PmtInf[1]/PmtMtd", "is not one of CHK, TRF, TRA"),
        ("<ChrgBr>SLEV</ChrgBr>", "<ChrgBr>SLEV</ChrgBr>" * 2, "/PmtInf[1]/ChrgBr", "occurs more than 1 time"),
        ("<Dt>2026-01-15</Dt>", "<Dt>2026-02-29</Dt>", "/ReqdExctnDt/Dt", "is not a date in the calendar"),
        ("<Dt>2026-01-15</Dt>", "", "/ReqdExctnDt", "must hold exactly one: Dt or DtTm"),
        ("<MsgId>", f"<MsgId>{'x' * 36}", "/GrpHdr/MsgId", "the limit is 35"),
        ("<NbOfTxs>200", "<NbOfTxs>0x200", "/GrpHdr/NbOfTxs", "does not have the form [0-9]{1,15}"),
        ("<CtrlSum>", "<CtrlSum>1.000001", "/GrpHdr/CtrlSum", "is not a decimal number"),
        ("<GrpHdr>", "<GrpHdr>x", "/GrpHdr", "holds text between its elements"),
        ("<CreDtTm>2026-01-15T07", "<CreDtTm>2026-01-15T25", "/GrpHdr/CreDtTm", "is not a date and time"),
        ("<GrpHdr>", "<GrpHdr><CtrlSum>1</CtrlSum>", "/GrpHdr/MsgId", "belongs before CtrlSum"),
        ('<InstdAmt Ccy="EUR">', '<InstdAmt Ccy="EUR">-', "/Amt/InstdAmt", "is less than 0"),
    ],
)
def test_a_mistake_is_named_where_it_stands_in_words_that_help(old: str, new: str, path: str, reason: str) -> None:
    content = to_xml(sample_document()).decode()
    assert old in content

    problems = violations(etree.fromstring(content.replace(old, new, 1).encode()))

    assert any(problem.path.endswith(path) and reason in problem.reason for problem in problems), problems

"""What is refused before the content is looked at: dangerous, foreign, broken files."""

from pathlib import Path

import pytest

from payments.pain001 import FileRefused, parse_payment_file, read_payment_file
from payments.pain001 import document as document_module
from payments.pain001.problems import SHOWN
from payments.pain001.sample import sample_document
from payments.pain001.writer import to_xml

SAMPLE = to_xml(sample_document())
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def _refusal(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        parse_payment_file(content)
    return refused.value


def _with_doctype(doctype: bytes, *, content: bytes = SAMPLE) -> bytes:
    return content.replace(DECLARATION, DECLARATION + b"<!-- a comment -->\n" + doctype + b"\n", 1)


def test_the_sample_is_read_into_the_message_types() -> None:
    file = parse_payment_file(SAMPLE)

    assert len(file.message.pmt_inf) == 8
    assert file.message.grp_hdr.nb_of_txs == "200"
    assert file.size_bytes == len(SAMPLE)


@pytest.mark.parametrize(
    "doctype",
    [
        pytest.param(b'<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]>', id="external entity"),
        pytest.param(b'<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/evil.dtd">', id="external DTD"),
        pytest.param(
            b'<!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
            b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>',
            id="billion laughs",
        ),
        pytest.param(b"<!doctype Document>", id="not even well-formed"),
    ],
)
def test_a_doctype_is_refused_before_any_parser_sees_it(doctype: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_module, "_parse_xml", lambda *_: pytest.fail("the parser saw the file"))

    (problem,) = _refusal(_with_doctype(doctype)).problems

    assert problem.line == 3
    assert "DOCTYPE is not allowed" in problem.reason


def test_a_file_that_reaches_the_parser_with_a_dtd_is_refused_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_module, "_refuse_doctype", lambda _: None)
    secret = b'<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]>'

    refused = _refusal(_with_doctype(secret, content=SAMPLE.replace(b"<MsgId>", b"<MsgId>&x;")))

    assert "DOCTYPE is not allowed" in refused.problems[0].reason


def test_an_undeclared_entity_is_refused() -> None:
    (problem,) = _refusal(SAMPLE.replace(b"<MsgId>", b"<MsgId>&secret;", 1)).problems

    assert "not well-formed" in problem.reason
    assert problem.line == 5


def test_an_older_version_is_told_which_versions_are_supported() -> None:
    (problem,) = _refusal(SAMPLE.replace(b"pain.001.001.09", b"pain.001.001.03", 1)).problems

    assert "this is a pain.001.001.03 message; supported: pain.001.001.09" in problem.reason
    assert problem.line == 2


@pytest.mark.parametrize("root", [b'<Document xmlns="urn:example:other"/>', b"<Document/>", b"<html/>"])
def test_another_kind_of_document_is_refused(root: bytes) -> None:
    assert "supported: pain.001.001.09" in str(_refusal(root))


@pytest.mark.parametrize("length", [0, 1, 100, len(SAMPLE) // 2, len(SAMPLE) - 5])
def test_a_truncated_file_is_refused_at_its_last_line(length: int) -> None:
    truncated = SAMPLE[:length]

    (problem,) = _refusal(truncated).problems

    assert "not well-formed" in problem.reason
    assert problem.line in {0, truncated.count(b"\n") + 1}


def test_a_file_in_latin_1_is_refused_at_the_first_byte_that_is_not_utf_8() -> None:
    latin = SAMPLE.decode("utf-8").encode("latin-1")
    first_accent = next(i for i, line in enumerate(SAMPLE.split(b"\n"), start=1) if max(line, default=0) > 127)

    (problem,) = _refusal(latin).problems

    assert problem.line == first_accent
    assert "is not UTF-8" in problem.reason


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16", "windows-1252"])
def test_a_file_that_declares_another_encoding_is_refused(encoding: str) -> None:
    declared = SAMPLE.replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode(), 1)

    assert f"declares the encoding {encoding}" in str(_refusal(declared))


def test_utf_16_is_refused() -> None:
    assert "not UTF-8" in str(_refusal(SAMPLE.decode("utf-8").encode("utf-16")))


def test_a_byte_order_mark_is_accepted() -> None:
    assert parse_payment_file(b"\xef\xbb\xbf" + SAMPLE).message.grp_hdr.nb_of_txs == "200"


def test_a_comment_inside_an_amount_does_not_shorten_it() -> None:
    original = parse_payment_file(SAMPLE).message.pmt_inf[0].cdt_trf_tx_inf[0].amt.instd_amt
    assert original is not None
    written = f'Ccy="EUR">{original.value}<'.encode()
    commented = f'Ccy="EUR">{str(original.value)[0]}<!-- -->{str(original.value)[1:]}<'.encode()

    amount = (
        parse_payment_file(SAMPLE.replace(written, commented, 1)).message.pmt_inf[0].cdt_trf_tx_inf[0].amt.instd_amt
    )

    assert amount == original


def test_a_file_over_the_limit_is_refused_and_the_limit_named(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as sparse:
        sparse.truncate(64 * 1024**2 + 1)

    with pytest.raises(FileRefused, match=r"the limit is 67,108,864 bytes \(64 MiB\)"):
        read_payment_file(path)


def test_a_changed_line_in_the_middle_is_refused_with_its_number() -> None:
    lines = SAMPLE.split(b"\n")
    middle = next(i for i in range(len(lines) // 2, len(lines)) if b"<InstdAmt" in lines[i])
    lines[middle] = lines[middle].replace(b'Ccy="EUR"', b'Ccy="euro"')

    (problem,) = _refusal(b"\n".join(lines)).problems

    assert problem.line == middle + 1
    assert problem.path.endswith("/Amt/InstdAmt/@Ccy")


def test_a_line_beyond_65535_keeps_its_number() -> None:
    content = to_xml(sample_document(transactions=3000))
    lines = content.split(b"\n")
    last = max(i for i, line in enumerate(lines) if b"<InstdAmt" in line)
    lines[last] = lines[last].replace(b'Ccy="EUR"', b"")

    (problem,) = _refusal(b"\n".join(lines)).problems

    assert problem.line == last + 1 > 65_536


def test_a_refusal_spells_out_the_first_twenty_problems_and_counts_the_rest() -> None:
    refused = _refusal(SAMPLE.replace(b'Ccy="EUR"', b'Ccy="E"'))

    assert len(refused.problems) == 200
    assert str(refused).count("\n  line ") == SHOWN
    assert str(refused).endswith("… and 180 more")

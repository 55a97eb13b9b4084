"""Reads a pain.001.001.09 file: first as bytes that cannot harm us, then as XML, then as pyiso20022's dataclasses.

The order matters. Size, encoding and DOCTYPE are looked at before any XML parser sees the file, so that entity
tricks (external entities, "billion laughs", external DTDs) never reach one; the parser has them switched off anyway.
"""

import copy
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from lxml import etree
from pyiso20022.pain.pain_001_001_09 import CustomerCreditTransferInitiationV09, Document
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig
from xsdata.formats.dataclass.parsers.handlers import LxmlEventHandler

from payments.pain001.facets import violations
from payments.pain001.problems import FileRefused, line_of, refuse
from payments.pain001.schema import NAMESPACE

SUPPORTED_VERSIONS = ("pain.001.001.09",)
MAX_BYTES = 64 * 1024 * 1024

_NAMESPACE_PREFIX = "urn:iso:std:iso:20022:tech:xsd:"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECLARED_ENCODING = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
# What may stand before the root element without being a DOCTYPE: white space, the declaration, comments, instructions.
_PROLOG_ITEM = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A file that is a valid pain.001.001.09 document; whether its *content* holds together is for `checks`.

    `root` is the same document as `message`, kept because it knows the source lines.
    """

    message: CustomerCreditTransferInitiationV09
    root: etree._Element
    sha256: str
    size_bytes: int


def read_payment_file(path: Path) -> PaymentFile:
    """Read and validate `path`, or raise `FileRefused` with the line and reason of every problem.

    Raises OSError when the file cannot be read. Stores nothing.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise refuse(line=0, reason=_too_large(size))
    # Bounded even when the file grows between the two calls.
    with path.open("rb") as source:
        content = source.read(MAX_BYTES + 1)
    return parse_payment_file(content)


def parse_payment_file(content: bytes) -> PaymentFile:
    """Validate the bytes of a file, or raise `FileRefused`."""
    if len(content) > MAX_BYTES:
        raise refuse(line=0, reason=_too_large(len(content)))
    _refuse_other_encodings(content)
    _refuse_doctype(content)
    root = _parse_xml(content)
    _refuse_other_messages(root)
    if problems := violations(root):
        raise FileRefused(problems=problems)
    return PaymentFile(
        message=_to_dataclasses(root),
        root=root,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
    )


def _too_large(size: int) -> str:
    return (
        f"{size:,} bytes or more; the limit is {MAX_BYTES:,} bytes ({MAX_BYTES // 1024**2} MiB). "
        "Split the file into several messages, each with its own MsgId."
    )


def _refuse_other_encodings(content: bytes) -> None:
    declared = _DECLARED_ENCODING.match(content.removeprefix(_BYTE_ORDER_MARK))
    if declared and declared[1].upper() not in {b"UTF-8", b"US-ASCII", b"ASCII"}:
        raise refuse(
            line=1,
            reason=f"the file declares the encoding {declared[1].decode('ascii')}; "
            "ISO 20022 files are UTF-8. Save the file as UTF-8 and declare it so.",
        )
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(
            line=content.count(b"\n", 0, error.start) + 1,
            reason=f"byte 0x{content[error.start]:02X} at offset {error.start} is not UTF-8 ({error.reason}). "
            "ISO 20022 files are UTF-8; this one was probably saved in another encoding.",
        ) from error


def _refuse_doctype(content: bytes) -> None:
    position = len(_BYTE_ORDER_MARK) if content.startswith(_BYTE_ORDER_MARK) else 0
    while item := _PROLOG_ITEM.match(content, position):
        position = item.end()
    if content[position : position + 9].upper() == b"<!DOCTYPE":
        raise refuse(
            line=content.count(b"\n", 0, position) + 1,
            reason="a DOCTYPE is not allowed: it can pull in other files or blow up memory, and ISO 20022 has none. "
            "Remove it.",
        )


def _parse_xml(content: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        # Otherwise <InstdAmt>1<!-- -->000</InstdAmt> would read as 1 here and as 1000 elsewhere.
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise refuse(line=error.lineno or 0, reason=f"not well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise refuse(line=1, reason="a DOCTYPE is not allowed. Remove it.")
    return root


def _refuse_other_messages(root: etree._Element) -> None:
    if root.tag == f"{{{NAMESPACE}}}Document":
        return
    name = etree.QName(root)
    namespace = name.namespace or ""
    found = namespace.removeprefix(_NAMESPACE_PREFIX) if namespace.startswith(_NAMESPACE_PREFIX) else ""
    what = f"this is a {found} message" if found else f"the root element is {name.localname} in {namespace!r}"
    raise refuse(
        line=line_of(root),
        path=f"/{name.localname}",
        reason=f"{what}; supported: {', '.join(SUPPORTED_VERSIONS)} (root element Document in {NAMESPACE!r}).",
    )


def _to_dataclasses(root: etree._Element) -> CustomerCreditTransferInitiationV09:
    parser = XmlParser(
        config=ParserConfig(fail_on_unknown_properties=True, fail_on_unknown_attributes=True),
        handler=LxmlEventHandler,
    )
    # The handler empties the elements that it has read, and the checks need them for their lines.
    document: Document = parser.parse(copy.deepcopy(root), Document)
    return document.cstmr_cdt_trf_initn

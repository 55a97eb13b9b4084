"""The transactions of a payment file, each with its place in the file."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree
from pyiso20022.pain.pain_001_001_09 import CreditTransferTransaction34, PaymentInstruction30

from payments.pain001.document import PaymentFile
from payments.pain001.problems import Problem, line_of
from payments.pain001.schema import NAMESPACE

_MESSAGE_PATH = "/Document/CstmrCdtTrfInitn"


@dataclass(frozen=True, slots=True)
class Place:
    """An element of the file: where a problem is reported."""

    element: etree._Element
    path: str

    def problem(self, reason: str, *, at: str = "") -> Problem:
        """A problem at the descendant `at` ("Amt/InstdAmt"), or at its nearest ancestor that exists."""
        found = self.element
        for name in at.split("/") if at else ():
            child = found.find(f"{{{NAMESPACE}}}{name}")
            if child is None:
                break
            found = child
        return Problem(line=line_of(found), path=f"{self.path}/{at}" if at else self.path, reason=reason)


@dataclass(frozen=True, slots=True)
class PaymentInformation:
    """One PmtInf: a debtor account, a date and the transactions charged to it."""

    content: PaymentInstruction30
    place: Place

    def transactions(self) -> Iterator["Transaction"]:
        """The CdtTrfTxInf of this PmtInf in the order of the file, counted from 1."""
        elements = self.place.element.iterchildren(f"{{{NAMESPACE}}}CdtTrfTxInf")
        pairs = zip(self.content.cdt_trf_tx_inf, elements, strict=True)
        for position, (content, element) in enumerate(pairs, start=1):
            yield Transaction(
                content=content,
                payment_information=self,
                position=position,
                place=Place(element=element, path=f"{self.place.path}/CdtTrfTxInf[{position}]"),
            )


@dataclass(frozen=True, slots=True)
class Transaction:
    """One CdtTrfTxInf: one payment. `position` counts from 1 within its PmtInf."""

    content: CreditTransferTransaction34
    payment_information: PaymentInformation
    position: int
    place: Place


def group_header(file: PaymentFile) -> Place:
    """Where the GrpHdr stands."""
    element = next(_message(file).iterchildren(f"{{{NAMESPACE}}}GrpHdr"))
    return Place(element=element, path=f"{_MESSAGE_PATH}/GrpHdr")


def payment_informations(file: PaymentFile) -> Iterator[PaymentInformation]:
    """Every PmtInf in the order of the file."""
    elements = _message(file).iterchildren(f"{{{NAMESPACE}}}PmtInf")
    for number, (content, element) in enumerate(zip(file.message.pmt_inf, elements, strict=True), start=1):
        yield PaymentInformation(
            content=content, place=Place(element=element, path=f"{_MESSAGE_PATH}/PmtInf[{number}]")
        )


def _message(file: PaymentFile) -> etree._Element:
    return file.root[0]

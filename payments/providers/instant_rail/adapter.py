"""How the domain reaches the instant rail, and what each of its answers means for the money."""

from datetime import timedelta
from typing import NoReturn
from urllib.parse import quote
from uuid import UUID

import httpx
from django.conf import settings
from moneyed import Money
from pydantic import ValidationError

from payments.providers.instant_rail.messages import (
    Accepted,
    CreditTransferOrder,
    Pending,
    RailProblem,
    RailReceipt,
    Refusal,
    TransferStatus,
)
from sagas import Happened, NotFound, OutcomeUnknown, Refused, Rejected, Retryable, StillPending
from sagas.exchange import Exchange, Reply, pooled_client

_INVALID = "urn:instant-rail:invalid-request"
_UNKNOWN_KEY = "urn:instant-rail:unknown-key"
_PROBLEM = "application/problem+json"


class InstantRail:
    """A client of the instant rail. Thread-safe; all clients of a process share one pool of connections per address."""

    def __init__(self, *, base_url: str | None = None, client: httpx.Client | None = None) -> None:
        """`base_url` is `settings.INSTANT_RAIL_URL` unless given; a `client` is used as it is, base URL included."""
        self._exchange = Exchange(
            client=client or pooled_client(base_url=base_url or settings.INSTANT_RAIL_URL),
            provider="the instant rail",
        )

    def submit(
        self,
        *,
        idempotency_key: str,
        uetr: UUID,
        end_to_end_id: str,
        amount: Money,
        debtor_iban: str,
        creditor_iban: str,
        creditor_name: str,
        remittance_information: str | None,
        timeout: timedelta,
    ) -> RailReceipt:
        """Send the order; the receipt says that the money is on the creditor's account.

        The rail honours the key: the same order under it has one effect, however often it is sent. Raises `Retryable`
        (certainly not applied: no connection, or 429), `Rejected` (final: RJCT with its ISO reason, or FF01 for an
        order that is no order), `OutcomeUnknown` (anything else, an answer PDNG included): ask with `inquire`.
        """
        order = _order(
            uetr=str(uetr),
            end_to_end_id=end_to_end_id,
            amount=format(amount.amount, "f"),
            currency=amount.currency.code,
            debtor_iban=debtor_iban,
            creditor_iban=creditor_iban,
            creditor_name=creditor_name,
            remittance_information=remittance_information,
        )
        reply = self._exchange.send(
            method="POST",
            path="credit-transfers",
            timeout=timeout,
            headers={"Idempotency-Key": idempotency_key, "Content-Type": "application/json"},
            body=order.model_dump_json(exclude_none=True).encode(),
        )
        if reply.status != httpx.codes.OK:
            _raise_not_accepted(reply)
        status = _status(reply, idempotency_key=idempotency_key)
        _require_ours(status, reply, uetr=uetr, amount=amount)
        match status:
            case Accepted():
                return status.receipt
            case Refusal():
                raise Rejected(status.reason, status.explanation)
            case Pending():
                raise OutcomeUnknown("The instant rail has taken the transfer in and has not decided it (PDNG): ask it")

    def inquire(
        self, *, idempotency_key: str, uetr: UUID, amount: Money, timeout: timedelta
    ) -> Happened[RailReceipt] | Refused | NotFound | StillPending:
        """Ask what became of the order of this money that was sent under the key; nothing is changed by asking.

        `NotFound` says that the rail has not taken it in so far: one on its way may still arrive. Where the rail could
        not be asked, or does not make sense, raises `OutcomeUnknown`, never `Retryable`: that a *question* was not sent
        says nothing about the order.
        """
        try:
            reply = self._exchange.send(
                method="GET", path=f"credit-transfers/{quote(idempotency_key, safe='')}", timeout=timeout
            )
        except Retryable as error:
            raise OutcomeUnknown(f"{error.reason}. What became of the transfer is still unknown") from error
        if reply.status == httpx.codes.NOT_FOUND and _problem(reply).type == _UNKNOWN_KEY:
            return NotFound()
        if reply.status != httpx.codes.OK:
            # A 404 of any other kind too: a wrong path or a proxy has not looked into the rail's book.
            raise reply.unexpected("that is no answer to an inquiry")
        status = _status(reply, idempotency_key=idempotency_key)
        _require_ours(status, reply, uetr=uetr, amount=amount)
        match status:
            case Accepted():
                return Happened(status.receipt)
            case Refusal():
                return Refused(status.reason, status.explanation)
            case Pending():
                return StillPending()


def _order(**fields: str | None) -> CreditTransferOrder:
    try:
        return CreditTransferOrder.model_validate(fields)
    except ValidationError as error:
        # Never sent, and every attempt is made from the same values: a final no, with the field and without its value.
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise Rejected("FF01", f"{first['loc'][0]} is not as the rail requires ({first['type']})") from None


def _raise_not_accepted(reply: Reply) -> NoReturn:
    if reply.status == httpx.codes.BAD_REQUEST and (problem := _problem(reply)).type == _INVALID:
        # Our bug, but certainly not applied: the rail checks the form before the key and before its book. Every attempt
        # sends the same bytes, so no earlier one can have been accepted either. A final no releases the customer's
        # money at once, where "unknown" would hold it until somebody looks. Only the rail's own word counts: a 400 of
        # a proxy is not about the order.
        raise Rejected("FF01", f"The instant rail cannot read the order: {problem.field or 'a field'} is not accepted")
    if reply.status == httpx.codes.UNPROCESSABLE_ENTITY:
        # Another order went out under this key. That one may have been booked: neither success nor failure of ours.
        raise reply.unexpected("the idempotency key was used with another order, which may have been booked")
    raise reply.unexpected("the rail has no such answer to an order")


def _status(reply: Reply, *, idempotency_key: str) -> Accepted | Refusal | Pending:
    status = reply.decoded(TransferStatus).root
    if status.idempotency_key != idempotency_key:
        raise reply.unexpected("it speaks of another idempotency key")
    return status


def _require_ours(status: Accepted | Refusal | Pending, reply: Reply, *, uetr: UUID, amount: Money) -> None:
    # Another order may have gone out under our key (the rail's 422 leads to an inquiry): what became of that one, or of
    # another amount, is neither success nor failure of ours.
    ours = (str(uetr), format(amount.amount, "f"), amount.currency.code)
    if (status.uetr, status.amount, status.currency) != ours:
        raise reply.unexpected("it speaks of another transfer under our key")


def _problem(reply: Reply) -> RailProblem:
    if reply.content_type != _PROBLEM:
        raise reply.unexpected("it is not in the words of the rail")
    return reply.decoded(RailProblem)

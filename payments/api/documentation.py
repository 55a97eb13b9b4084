"""What the OpenAPI document says of payments beyond their serializers: headers and examples."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from payments.api.serializers import (
    AcceptedPaymentSerializer,
    PaymentFilterSerializer,
    PaymentOrderSerializer,
    PaymentSerializer,
)
from sagas.api.idempotency import IDEMPOTENCY_KEY

_ID: Final = "019a9f6e-1c40-7a51-8f6e-3b1f5f0d9a77"
_SAGA_ID: Final = "019a9f6e-1c41-7d0c-9a53-5a4f1f7c2b10"
_UETR: Final = "eb6305c9-1f7f-49de-aed0-16487c27b42d"

_ORDER: Final = {
    "debtor_iban": "NL19RCRS0004100001",
    "creditor_iban": "DE89370400440532013000",
    "creditor_name": "Ben Bakker",
    "amount": {"amount": "12.34", "currency": "EUR"},
    "end_to_end_id": "INV-2026-0815",
    "remittance_information": "Invoice 815",
}
_LINKS: Final = {"self": f"/api/v1/payments/{_ID}", "saga": f"/api/v1/sagas/{_SAGA_ID}"}
_PAYMENT: Final = {
    "id": _ID,
    "state": "rejected",
    "reason": {"code": "AM04", "text": "the account has less available than is needed"},
    **_ORDER,
    "creditor_bic": None,
    "requested_execution_on": "2026-11-20",
    "uetr": _UETR,
    "rail_reference": None,
    "created_at": "2026-11-20T09:00:00.000000Z",
    "updated_at": "2026-11-20T09:00:00.120000Z",
    "settled_at": None,
    "saga_id": _SAGA_ID,
    "links": _LINKS,
}


def _answers(name: str, description: str, *, on: int, kind: type = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=description, response=[on])


_ETAG: Final = (
    OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="ETags that you have; 304 if current."),
    _answers("ETag", "Names this state of what you asked for.", on=200),
)

ORDER_PAYMENT: Final[dict[str, Any]] = {
    "operation_id": "order_payment",
    "summary": "Order a credit transfer",
    "tags": ["Payments"],
    "request": PaymentOrderSerializer,
    "responses": {202: AcceptedPaymentSerializer},
    "parameters": [
        IDEMPOTENCY_KEY,
        _answers("Location", "Where the payment is.", on=202),
        _answers("Retry-After", "Seconds to wait before looking there.", on=202, kind=int),
        _answers("Idempotent-Replayed", "`true` when an earlier request with this key made the payment.", on=202),
    ],
    "examples": [
        OpenApiExample("An invoice", value=_ORDER, request_only=True),
        OpenApiExample(
            "Accepted",
            value={"id": _ID, "saga_id": _SAGA_ID, "uetr": _UETR, "links": _LINKS},
            response_only=True,
            status_codes=["202"],
        ),
    ],
}

GET_PAYMENT: Final[dict[str, Any]] = {
    "operation_id": "get_payment",
    "summary": "One payment of yours",
    "tags": ["Payments"],
    "responses": PaymentSerializer,
    "parameters": [*_ETAG],
    "examples": [OpenApiExample("Rejected", value=_PAYMENT, response_only=True, status_codes=["200"])],
}

LIST_PAYMENTS: Final[dict[str, Any]] = {
    "operation_id": "list_payments",
    "summary": "Your payments",
    "tags": ["Payments"],
    "parameters": [PaymentFilterSerializer, *_ETAG],
    "examples": [OpenApiExample("A payment", value=_PAYMENT, response_only=True, status_codes=["200"])],
}

"""Order a payment, look at one, list them. A channel sees its own payments; those of others do not exist for it."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from payments.api import documentation
from payments.api.serializers import (
    AcceptedPaymentSerializer,
    PaymentFilterSerializer,
    PaymentOrderSerializer,
    PaymentSerializer,
    links,
)
from payments.errors import FieldRefused
from payments.intake import accept_payment
from payments.models import Payment
from sagas import IdempotencyConflict
from sagas.api.channel import channel_of
from sagas.api.idempotency import idempotency_key
from sagas.api.problems import IdempotencyKeyReused


@method_decorator(conditional_page, name="dispatch")
class PaymentsView(ListAPIView[Payment]):
    required_alternate_scopes: ClassVar = {"GET": [["payments:read"]], "POST": [["payments:write"]]}
    serializer_class = PaymentSerializer
    ordering = "-id"  # UUIDv7: the newest first

    @extend_schema(**documentation.ORDER_PAYMENT)
    def post(self, request: Request) -> Response:
        """Order a credit transfer: durable when this answers, executed at once, at most once per Idempotency-Key."""
        channel, key = channel_of(request), idempotency_key(request)
        order = PaymentOrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        instruction = order.validated_data["instruction"]
        try:
            accepted = accept_payment(instruction=instruction, channel=channel, idempotency_key=key)
        except FieldRefused as refused:
            raise ValidationError({refused.field: [refused.problem]}) from refused
        except IdempotencyConflict as conflict:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was used with another request, which stands. Nothing was stored or moved now. "
                "Use a new key for a new order."
            ) from conflict
        payment = Payment.objects.only("id", "saga_id", "uetr").get(pk=accepted.payment_id)
        response = Response(AcceptedPaymentSerializer(payment).data, status=202)
        response["Location"] = links(payment)["self"]
        response["Retry-After"] = "1"
        if not accepted.created:
            response["Idempotent-Replayed"] = "true"
        return response

    @extend_schema(**documentation.LIST_PAYMENTS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your payments, the newest first."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Payment]:
        if getattr(self, "swagger_fake_view", False):  # drf-spectacular asks without a request
            nothing: QuerySet[Payment] = Payment.objects.none()
            return nothing
        query = self.request.query_params.dict()
        filters = PaymentFilterSerializer(data={name: query[name] for name in query.keys() - {"cursor", "limit"}})
        filters.is_valid(raise_exception=True)
        found: QuerySet[Payment] = Payment.objects.select_related("debtor_account").filter(
            channel=channel_of(self.request), **filters.validated_data
        )
        return found


@method_decorator(conditional_page, name="dispatch")
class PaymentView(APIView):
    required_alternate_scopes: ClassVar = {"GET": [["payments:read"]]}

    @extend_schema(**documentation.GET_PAYMENT)
    def get(self, request: Request, payment_id: UUID) -> Response:
        """Where the payment stands. Send the ETag back in If-None-Match: 304 says that nothing has changed."""
        payment = get_object_or_404(
            Payment.objects.select_related("debtor_account"), pk=payment_id, channel=channel_of(request)
        )
        return Response(PaymentSerializer(payment).data)

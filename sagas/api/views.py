"""The sagas that a channel started, with the proof of what they did."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sagas.api.channel import channel_of
from sagas.api.serializers import EntrySerializer, SagaSerializer
from sagas.models import LedgerEntry, SagaStatus


@method_decorator(conditional_page, name="dispatch")
class SagaView(APIView):
    required_alternate_scopes: ClassVar = {"GET": [["sagas:read"]]}

    @extend_schema(operation_id="get_saga", summary="One saga of yours", tags=["Sagas"], responses=SagaSerializer)
    def get(self, request: Request, saga_id: UUID) -> Response:
        """Where the saga stands, and whether its hash chain verifies. Sagas of other clients are not found."""
        status = get_object_or_404(
            SagaStatus.objects.select_related("saga"), saga_id=saga_id, channel=channel_of(request)
        )
        return Response(SagaSerializer(status).data)


@method_decorator(conditional_page, name="dispatch")
class SagaEntriesView(ListAPIView[LedgerEntry]):
    required_alternate_scopes: ClassVar = {"GET": [["sagas:read"]]}
    serializer_class = EntrySerializer
    ordering = "seq"

    def get_queryset(self) -> QuerySet[LedgerEntry]:
        if getattr(self, "swagger_fake_view", False):  # drf-spectacular asks without a request
            return LedgerEntry.objects.none()
        saga_id = self.kwargs["saga_id"]
        get_object_or_404(SagaStatus, saga_id=saga_id, channel=channel_of(self.request))
        return LedgerEntry.objects.filter(saga_id=saga_id)

    @extend_schema(operation_id="list_saga_entries", summary="The ledger of a saga of yours", tags=["Sagas"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every entry of the saga's ledger, in order. Each entry's hash covers the one before it."""
        return super().get(request, *args, **kwargs)

"""Sagas and their ledgers as channels see them. Nothing here is ever written."""

import json
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from sagas.entries import Direction, EntryType
from sagas.models import LedgerEntry, SagaStatus, Status
from sagas.proof import broken_chains


class HexField(serializers.Field[bytes, Any, str, bytes]):
    """Bytes as lower-case hexadecimal digits."""

    def to_representation(self, value: bytes) -> str:
        return bytes(value).hex()


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{64}$"})
class DigestField(HexField):
    """A SHA-256 digest."""


class HeadSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField(source="head_seq", help_text="The number of entries in the saga's ledger.")
    hash = DigestField(source="head_hash", help_text="The hash of the last of them.")


class SagaLinksSerializer(serializers.Serializer[Any]):
    self = serializers.CharField()
    entries = serializers.CharField()


class SagaSerializer(serializers.Serializer[SagaStatus]):
    id = serializers.UUIDField(source="saga_id")
    definition = serializers.CharField()
    version = serializers.IntegerField(help_text="The version of the definition that it runs to its end.")
    status = serializers.ChoiceField(choices=Status.choices)
    started_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField(help_text="When its status last changed.")
    ended_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(help_text="Why it is parked or was undone; else empty.")
    waiting_until = serializers.SerializerMethodField(
        help_text="When it goes on by itself; null while it runs, when it has ended, and when it waits for a person."
    )
    head = HeadSerializer(source="saga")
    chain_verified = serializers.SerializerMethodField(
        help_text="Whether every entry's hash, recomputed for this answer, leads to the head."
    )
    links = serializers.SerializerMethodField()

    @extend_schema_field({"type": ["string", "null"], "format": "date-time"})
    def get_waiting_until(self, status: SagaStatus) -> str | None:
        saga = status.saga
        if saga.ended or saga.lease_token is not None or saga.wake_at is None:
            return None
        return str(serializers.DateTimeField().to_representation(saga.wake_at))

    def get_chain_verified(self, status: SagaStatus) -> bool:
        return not broken_chains([status.saga_id])

    @extend_schema_field(SagaLinksSerializer)
    def get_links(self, status: SagaStatus) -> dict[str, str]:
        return {
            "self": reverse("saga", args=[status.saga_id]),
            "entries": reverse("saga-entries", args=[status.saga_id]),
        }


class EntrySerializer(serializers.Serializer[LedgerEntry]):
    seq = serializers.IntegerField()
    type = serializers.ChoiceField(choices=[(str(kind), str(kind)) for kind in EntryType])
    step = serializers.CharField()
    path = serializers.CharField(help_text="The place in the saga's run; empty for the saga itself.")
    direction = serializers.ChoiceField(choices=[(str(way), str(way)) for way in Direction])
    attempt = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    body = serializers.SerializerMethodField(help_text="What was recorded: references, never personal data.")
    prev_hash = DigestField()
    hash = DigestField()

    @extend_schema_field(OpenApiTypes.ANY)
    def get_body(self, entry: LedgerEntry) -> Any:
        return None if entry.body is None else json.loads(entry.body)

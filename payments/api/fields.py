"""Strict input: what is not exactly a string is refused, never converted, and a field we do not know is named."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class Text(serializers.CharField):
    """A JSON string, taken as it stands."""

    default_error_messages: ClassVar = {"not_a_string": "must be a JSON string, in quotes"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("not_a_string")
        return data


@extend_schema_field(OpenApiTypes.DATE)
class Day(serializers.Field[date, Any, str, Any]):
    """A calendar date, written YYYY-MM-DD."""

    default_error_messages: ClassVar = {"not_a_date": "must be a date of the form YYYY-MM-DD"}

    def to_internal_value(self, data: object) -> date:
        try:
            day = date.fromisoformat(data) if isinstance(data, str) else None
        except ValueError:
            day = None
        # fromisoformat() also takes 20261120 and 2026-W47-5.
        if day is None or day.isoformat() != data:
            self.fail("not_a_date")
        return day

    def to_representation(self, value: date) -> str:
        return value.isoformat()


@extend_schema_field(OpenApiTypes.UUID)
class Uuid(serializers.Field[UUID, Any, str, Any]):
    """A UUID in its usual form of 36 characters."""

    default_error_messages: ClassVar = {"not_a_uuid": "must be a UUID of the form 8-4-4-4-12 hexadecimal digits"}

    def to_internal_value(self, data: object) -> UUID:
        try:
            found = UUID(data) if isinstance(data, str) else None
        except ValueError:
            found = None
        # UUID() also takes braces, urn:uuid: and missing hyphens.
        if found is None or str(found) != str(data).lower():
            self.fail("not_a_uuid")
        return found

    def to_representation(self, value: UUID) -> str:
        return str(value)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not have, by their names: a mistyped optional field must not be ignored."""

    default_error_messages: ClassVar = {"invalid": "must be a JSON object"}

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        errors: dict[str, Any] = {name: ["is not a field of this request"] for name in unknown}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as refused:
            if not unknown or not isinstance(refused.detail, dict):
                raise
            errors = refused.detail | errors
        if errors:
            raise serializers.ValidationError(errors)
        return values

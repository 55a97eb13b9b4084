"""The OpenAPI document: every operation with its problems, and how to authenticate."""

from typing import Any

from drf_spectacular.contrib.django_oauth_toolkit import DjangoOAuthToolkitScheme
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers


class ProblemTypeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    explanation = serializers.CharField()


class FieldProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field's name, with a dot for each level: amount.currency.")
    problem = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem (RFC 9457)."""

    type = serializers.CharField(help_text="Names the kind of problem; its address documents it.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, what it means for the money, what to do next.")
    instance = serializers.CharField()
    # Serializers take their fields off the class, so this hides nothing.
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]
    required_scopes = serializers.CharField(required=False, help_text="With status 403.")


_EXAMPLE = OpenApiExample(
    "A field refused",
    value={
        "type": "/api/v1/problems/validation-failed",
        "title": "Fields of the request are not acceptable",
        "status": 400,
        "detail": "amount.amount: not accepted. Nothing was stored.",
        "instance": "/api/v1/payments",
        "errors": [{"field": "amount.amount", "problem": "must be a JSON string, in quotes"}],
    },
)

_PROBLEMS = {
    400: "The request, or a field of it, is not acceptable.",
    401: "The access token is missing, expired or revoked.",
    403: "The access token lacks a scope.",
    404: "It does not exist, or it belongs to another client.",
    406: "Only application/json can be answered.",
    413: "The body is too large. Nothing was stored.",
    415: "The body is not application/json. Nothing was stored.",
    422: "The Idempotency-Key was used for another request. Nothing was stored now.",
    500: "An error of ours. Repeat the request with the same Idempotency-Key.",
    503: "Temporarily unavailable. Repeat the request with the same Idempotency-Key.",
}


class ProblemAwareSchema(AutoSchema):
    """Adds to each operation the problems that it can answer, so that no view has to."""

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for status in self._statuses():
            answer = OpenApiResponse(
                ProblemSerializer, description=_PROBLEMS[status], examples=[_EXAMPLE] if status == 400 else []
            )
            bodies.setdefault(str(status), self._described(answer, str(status), direction))
        return dict(sorted(bodies.items()))

    def _described(self, answer: OpenApiResponse, status: str, direction: Any) -> Any:
        describe: Any = self._get_response_for_code
        return describe(answer, status, ["application/problem+json"], direction)

    def _statuses(self) -> list[int]:
        found = {400, 406, 500, 503}
        if self.get_auth():
            found |= {401, 403}
        if "{" in self.path:
            found.add(404)
        if self.method == "POST":
            found |= {413, 415, 422}
        return sorted(found)


class ChannelScheme(DjangoOAuthToolkitScheme):  # type: ignore[no-untyped-call]  # drf-spectacular's, half typed
    """Tells drf-spectacular that our authentication is django-oauth-toolkit's."""

    target_class = "config.api.authentication.ChannelAuthentication"

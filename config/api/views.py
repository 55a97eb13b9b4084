"""Pages of the API itself: what a type of problem means, and that nothing else is here."""

from typing import Any, NoReturn

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.catalogue import catalogue
from config.api.schema import ProblemTypeSerializer


class _Public(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class ProblemTypeView(_Public):
    @extend_schema(
        operation_id="get_problem_type",
        summary="What a problem means",
        tags=["Problems"],
        responses=ProblemTypeSerializer,
        auth=[],
    )
    def get(self, request: Request, code: str) -> Response:
        """The documentation of a type of problem: what it means for the money and what to do next."""
        kind = catalogue().get(code)
        if kind is None:
            raise NotFound
        return Response(ProblemTypeSerializer(kind).data)


class NothingHere(_Public):
    """Any other address below /api/: 404 as a problem, whatever the method and with DEBUG too."""

    schema = None

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise NotFound

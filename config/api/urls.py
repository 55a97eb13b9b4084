"""Everything below /api/v1/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from config.api.views import ProblemTypeView

urlpatterns = [
    path("", include("payments.api.urls")),
    path("", include("sagas.api.urls")),
    path("problems/<slug:code>", ProblemTypeView.as_view(), name="problem-type"),
    path("schema", SpectacularJSONAPIView.as_view(), name="schema"),
]

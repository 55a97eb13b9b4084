from django.urls import path

from sagas.api.views import SagaEntriesView, SagaView

urlpatterns = [
    path("sagas/<uuid:saga_id>", SagaView.as_view(), name="saga"),
    path("sagas/<uuid:saga_id>/entries", SagaEntriesView.as_view(), name="saga-entries"),
]

from django.urls import path

from payments.api.views import PaymentsView, PaymentView

urlpatterns = [
    path("payments", PaymentsView.as_view(), name="payments"),
    path("payments/<uuid:payment_id>", PaymentView.as_view(), name="payment"),
]

"""Payments as channels send and see them. Amounts are strings with a currency; times are ISO 8601 in UTC."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from moneyed import Money
from rest_framework import serializers
from rest_framework.reverse import reverse

from payments.api.fields import Day, StrictSerializer, Text, Uuid
from payments.api.instructions import ChannelInstruction
from payments.errors import FieldRefused
from payments.models import Payment, PaymentState
from payments.money import exponent_of, positive_money


class AmountSerializer(StrictSerializer):
    amount = Text(
        max_length=21, help_text="A plain decimal number in quotes, with no more digits than the currency has."
    )
    currency = Text(max_length=3, help_text="ISO 4217.")

    def to_internal_value(self, data: Any) -> Money:
        values = super().to_internal_value(data)
        for field, check in (
            ("currency", lambda: exponent_of(currency=values["currency"], field="currency")),
            ("amount", lambda: positive_money(**values, field="amount")),
        ):
            try:
                check()
            except FieldRefused as refused:
                raise serializers.ValidationError({field: [refused.problem]}) from refused
        return positive_money(**values, field="amount")

    def to_representation(self, instance: Money) -> dict[str, str]:
        return {"amount": str(instance.amount), "currency": instance.currency.code}


class PaymentOrderSerializer(StrictSerializer):
    """What a channel posts. `validated_data["instruction"]` is the instruction with every field checked."""

    debtor_iban = Text(max_length=34, help_text="The account here that pays, in electronic form.")
    creditor_iban = Text(max_length=34, help_text="In electronic form: capitals, no spaces.")
    creditor_bic = Text(max_length=11, required=False, allow_null=True, default=None)
    creditor_name = Text(max_length=140)
    amount = AmountSerializer()
    end_to_end_id = Text(max_length=35, help_text="Your reference; it travels with the payment to the creditor.")
    remittance_information = Text(max_length=140, required=False, allow_blank=True, default="")
    requested_execution_on = Day(
        required=False,
        allow_null=True,
        default=None,
        help_text="Today (UTC) if left out. Later days are refused: payments are executed at once.",
    )
    uetr = Uuid(required=False, allow_null=True, default=None, help_text="Version 4; made for you if left out.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"instruction": ChannelInstruction.of(**attrs)}
        except FieldRefused as refused:
            raise serializers.ValidationError({refused.field: [refused.problem]}) from refused


class PaymentLinksSerializer(serializers.Serializer[Any]):
    self = serializers.CharField()
    saga = serializers.CharField()


def links(payment: Payment) -> dict[str, str]:
    return {"self": reverse("payment", args=[payment.pk]), "saga": reverse("saga", args=[payment.saga_id])}


class AcceptedPaymentSerializer(serializers.Serializer[Payment]):
    """Only what never changes, so that a replay answers the same bytes."""

    id = serializers.UUIDField()
    saga_id = serializers.UUIDField()
    uetr = serializers.UUIDField()
    links = serializers.SerializerMethodField()

    @extend_schema_field(PaymentLinksSerializer)
    def get_links(self, payment: Payment) -> dict[str, str]:
        return links(payment)


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="ISO 20022 external status reason, AM04 for instance.")
    text = serializers.CharField()


class PaymentSerializer(serializers.Serializer[Payment]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=PaymentState.choices)
    reason = serializers.SerializerMethodField(help_text="Why it was rejected; null in every other state.")
    amount = AmountSerializer(source="money")
    debtor_iban = serializers.CharField(source="debtor_account.iban")
    creditor_iban = serializers.CharField()
    creditor_bic = serializers.CharField(allow_null=True)
    creditor_name = serializers.CharField()
    end_to_end_id = serializers.CharField()
    remittance_information = serializers.CharField()
    requested_execution_on = serializers.DateField()
    uetr = serializers.UUIDField()
    rail_reference = serializers.SerializerMethodField(help_text="The rail's own reference; null while there is none.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    saga_id = serializers.UUIDField()
    links = serializers.SerializerMethodField()

    def get_rail_reference(self, payment: Payment) -> str | None:
        return payment.rail_reference or None

    @extend_schema_field(ReasonSerializer(allow_null=True))
    def get_reason(self, payment: Payment) -> dict[str, str] | None:
        return {"code": payment.reason_code, "text": payment.reason_text} if payment.reason_code else None

    @extend_schema_field(PaymentLinksSerializer)
    def get_links(self, payment: Payment) -> dict[str, str]:
        return links(payment)


class PaymentFilterSerializer(StrictSerializer):
    """The filters of the list; a mistyped one is refused, for ignoring it would list everything."""

    state = serializers.ChoiceField(choices=PaymentState.choices, required=False)
    end_to_end_id = serializers.CharField(max_length=35, required=False, trim_whitespace=False)

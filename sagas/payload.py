"""Types for what a ledger entry may hold: exact, immutable, without personal data (R34)."""

from decimal import Decimal
from typing import Annotated, Any, cast

import moneyed
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Payload(BaseModel):
    """Base of saga inputs, step results and the like: frozen, and an unknown field is an error, not a loss."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Personal:
    """Marks a field as personal data, `Annotated[str, Personal()]`: the codec refuses it. Pass an id instead."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: dict[str, Any] = {**handler(source)}
        schema["metadata"] = {**schema.get("metadata", {}), "recourse_personal": True}
        return cast("CoreSchema", schema)


def _money_from(value: Any) -> moneyed.Money:
    if isinstance(value, moneyed.Money):
        return value
    if not isinstance(value, dict) or set(value) != {"amount", "currency"} or not isinstance(value["amount"], str):
        raise ValueError("money is {'amount': '12.34', 'currency': 'EUR'}, the amount a string")
    return moneyed.Money(Decimal(value["amount"]), value["currency"])


def _money_to(value: moneyed.Money) -> dict[str, str]:
    return {"amount": format(value.amount, "f"), "currency": value.currency.code}


class _MoneyInPayload:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _money_from, serialization=core_schema.plain_serializer_function_ser_schema(_money_to)
        )


#: An amount with its currency, exact: `MoneyAmount` in a payload is a `moneyed.Money` in code.
MoneyAmount = Annotated[moneyed.Money, _MoneyInPayload()]

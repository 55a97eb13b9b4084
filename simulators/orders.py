"""A credit-transfer order as the rail accepts it: every field checked, every refusal naming the field."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from simulators.answers import Problem

INVALID = "urn:instant-rail:invalid-request"
#: The currencies that settle instantly on TIPS; all have two decimals.
CURRENCIES = frozenset({"EUR", "DKK", "SEK"})


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the debtor's bank asks for; `amount` is kept as it was written, `"12.34"`."""

    uetr: str
    end_to_end_id: str
    amount: str
    currency: str
    debtor_iban: str
    creditor_iban: str
    creditor_name: str
    remittance_information: str | None = None

    @property
    def value(self) -> Decimal:
        return Decimal(self.amount)

    @property
    def fingerprint(self) -> str:
        """Equal for equal orders, whatever the order of the JSON members was."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def parsed(body: bytes) -> Order:
    """The order in a request's body; `Problem` 400 names the first field that is missing, unknown or wrong."""
    members = _members(body)
    for name, (check, rule, required) in _RULES.items():
        if members.get(name) is None:
            if required:
                raise invalid(field=name, rule=f"is required: {rule}")
            continue
        if not isinstance(members[name], str) or not check(members[name]):
            raise invalid(field=name, rule=f"must be {rule}")
    if members["currency"] in CURRENCIES and not re.fullmatch(r"\d+\.\d{2}", members["amount"]):
        raise invalid(field="amount", rule=f"must have two decimals in {members['currency']}")
    return Order(**members)


def invalid(*, field: str, rule: str) -> Problem:
    return Problem(
        status=400,
        type=INVALID,
        title="The request is not valid",
        detail=f"{field} {rule}. Nothing was booked.",
        field=field,
    )


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid(field="body", rule="must be JSON in UTF-8") from None
    if not isinstance(members, dict):
        raise invalid(field="body", rule="must be a JSON object")
    for name in members:
        if name not in _RULES:
            raise invalid(field=name[:64], rule="is not a field of a credit transfer")
    return members


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _is_amount(value: str) -> bool:
    return re.fullmatch(r"(0|[1-9]\d{0,15})(\.\d{1,4})?", value, re.ASCII) is not None and Decimal(value) > 0


def _is_iban(value: str) -> bool:
    """ISO 13616: its form, and its check digits by ISO 7064 MOD 97-10."""
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", value, re.ASCII):
        return False
    return int("".join(str(int(letter, 36)) for letter in value[4:] + value[:4])) % 97 == 1


def _is_text(limit: int) -> Callable[[str], bool]:
    return lambda value: 0 < len(value) <= limit and value.isprintable() and not value.isspace()


#: For each field: its check, the rule in words, whether it is required.
_RULES: dict[str, tuple[Callable[[str], bool], str, bool]] = {
    "uetr": (
        _matching(r"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}"),
        "a version 4 UUID in lower case (ISO 20022 UUIDv4Identifier)",
        True,
    ),
    "end_to_end_id": (_is_text(35), "1 to 35 printable characters", True),
    "amount": (_is_amount, 'a string with a positive decimal number, such as "12.34"', True),
    "currency": (_matching(r"[A-Z]{3}"), "an ISO 4217 code, such as EUR", True),
    "debtor_iban": (_is_iban, "an IBAN without spaces whose check digits are right", True),
    "creditor_iban": (_is_iban, "an IBAN without spaces whose check digits are right", True),
    "creditor_name": (_is_text(140), "1 to 140 printable characters", True),
    "remittance_information": (_is_text(140), "1 to 140 printable characters", False),
}

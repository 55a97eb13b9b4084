"""The simple types of ISO 20022: whether a text is a valid amount, date, code, identifier.

Each check returns None or what is wrong, as XML Schema 1.0 defines it: strings and codes are compared with their
white space, numbers and booleans without the white space around them. White space around a date is refused, as libxml2
refuses it, although XML Schema would strip it.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

from xsdata.models.datatype import XmlDate, XmlDateTime

XML_SPACE = " \t\r\n"

SimpleType = Callable[[str], str | None]

_DECIMAL = re.compile(r"[+-]?(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))")
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_DATE = re.compile(rf"(-?(?:[1-9][0-9]{{4,}}|[0-9]{{4}}))-([0-9]{{2}})-([0-9]{{2}}){_ZONE}")
_DATE_TIME = re.compile(
    r"(-?(?:[1-9][0-9]{4,}|[0-9]{4})-[0-9]{2}-[0-9]{2})"
    rf"T(?:([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?){_ZONE}"
)


def simple_type(value_type: type, metadata: Mapping[str, Any]) -> SimpleType:
    """The check for one field of a pyiso20022 dataclass."""
    if value_type is Decimal:
        return partial(
            _check_decimal,
            total_digits=metadata.get("total_digits"),
            fraction_digits=metadata.get("fraction_digits"),
            min_inclusive=metadata.get("min_inclusive"),
        )
    if value_type is XmlDate:
        return check_date
    if value_type is XmlDateTime:
        return check_date_time
    if value_type is bool:
        return _check_boolean
    if issubclass(value_type, Enum):
        return partial(_check_code, allowed=tuple(str(member.value) for member in value_type))
    if value_type is str:
        pattern = metadata.get("pattern")
        return partial(
            _check_text,
            min_length=metadata.get("min_length", 0),
            max_length=metadata.get("max_length"),
            pattern=re.compile(pattern) if pattern else None,
        )
    # A new type in a later pyiso20022 must fail here, not slip through unchecked.
    raise TypeError(f"no rule for values of type {value_type!r}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}…")


def _check_text(text: str, *, min_length: int, max_length: int | None, pattern: re.Pattern[str] | None) -> str | None:
    if len(text) < min_length:
        return f"is empty, needs at least {min_length} character{'s' if min_length > 1 else ''}"
    if max_length is not None and len(text) > max_length:
        return f"has {len(text)} characters, the limit is {max_length}: {_shown(text)}"
    if pattern is not None and not pattern.fullmatch(text):
        return f"{_shown(text)} does not have the form {pattern.pattern}"
    return None


def _check_code(text: str, *, allowed: tuple[str, ...]) -> str | None:
    if text in allowed:
        return None
    return f"{_shown(text)} is not one of {', '.join(allowed)}"


def _check_boolean(text: str) -> str | None:
    if text.strip(XML_SPACE) in {"true", "false", "1", "0"}:
        return None
    return f"{_shown(text)} is not true or false"


def _check_decimal(
    text: str, *, total_digits: int | None, fraction_digits: int | None, min_inclusive: Decimal | None
) -> str | None:
    number = text.strip(XML_SPACE)
    form = _DECIMAL.fullmatch(number)
    if not form:
        return f"{_shown(text)} is not a decimal number"
    # The facets count digits of the value: 00.10 has one digit, one of them a fraction.
    whole = (form[1] or "").lstrip("0")
    fraction = (form[2] or form[3] or "").rstrip("0")
    if fraction_digits is not None and len(fraction) > fraction_digits:
        return f"{_shown(text)} has {len(fraction)} decimal places, the limit is {fraction_digits}"
    if total_digits is not None and len(whole) + len(fraction) > total_digits:
        return f"{_shown(text)} has {len(whole) + len(fraction)} digits, the limit is {total_digits}"
    if min_inclusive is not None and Decimal(number) < min_inclusive:
        return f"{_shown(text)} is less than {min_inclusive}"
    return None


def check_date(text: str) -> str | None:
    """An ISO date such as 2026-01-31, with or without a zone."""
    form = _DATE.fullmatch(text)
    if not form:
        return f"{_shown(text)} is not a date (YYYY-MM-DD)"
    year, month, day = int(form[1]), int(form[2]), int(form[3])
    if year == 0 or not 1 <= month <= 12:
        return f"{_shown(text)} is not a date in the calendar"
    last = 29 if month == 2 and calendar.isleap(year) else (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
    return None if 1 <= day <= last else f"{_shown(text)} is not a date in the calendar"


def check_date_time(text: str) -> str | None:
    """An ISO date and time such as 2026-01-31T09:30:00+01:00, with or without a zone."""
    form = _DATE_TIME.fullmatch(text)
    if not form:
        return f"{_shown(text)} is not a date and time (YYYY-MM-DDThh:mm:ss)"
    return check_date(form[1])

"""The instant credit-transfer rail (SCT Inst)."""

from payments.providers.instant_rail.adapter import InstantRail
from payments.providers.instant_rail.messages import RailReceipt

__all__ = ["InstantRail", "RailReceipt"]

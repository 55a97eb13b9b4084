"""How an activation ends from within: these derive from BaseException, so that `except Exception` in saga code
cannot swallow them, and every later context call raises them again (R11)."""


class ActivationEnded(BaseException):
    """This activation is over; the ledger says where the next one goes on."""


class Suspended(ActivationEnded):
    """The saga waits or has parked: durable, lease released."""


class LeaseLost(ActivationEnded):
    """Another worker holds the saga, or may: nothing of ours was written, nothing more may be called (R15)."""


class FlushUnknown(ActivationEnded):
    """A flush was sent and its answer lost: it may have been committed. Never sent again; the token is released later
    (R19)."""


class FlushRefused(ActivationEnded):
    """The database says no to a flush for a reason that will not pass by itself: nothing of it is durable."""


class ReplayNeeded(ActivationEnded):
    """The ledger has to be read again under the same lease: the inbox has changed (R30) or a transaction was rolled
    back through no fault of a step (R18)."""

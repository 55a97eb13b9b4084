"""The console for sagas: a list, and a page per saga with its timeline and its ledger. It changes nothing."""

from sagas.admin import sagas

__all__ = ["sagas"]

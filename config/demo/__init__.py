"""`manage.py demo`: payments through killed workers, then the books and the ledger proved; see `show.py`."""

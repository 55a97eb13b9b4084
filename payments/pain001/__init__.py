"""ISO 20022 pain.001.001.09 (customer credit transfer initiation): from a file to payments.

`payments.pain001.importer.import_file` is the way in. It is not imported here because it needs Django's models; the
reading and checking below need neither Django nor a database.
"""

from payments.pain001.document import PaymentFile, parse_payment_file, read_payment_file
from payments.pain001.problems import FileRefused, Problem

__all__ = ["FileRefused", "PaymentFile", "Problem", "parse_payment_file", "read_payment_file"]

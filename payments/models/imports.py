"""Messages that channels sent us as files: the record that makes the same message start nothing twice."""

from django.db import models
from django.db.models.functions import Now

from sagas.ids import uuid7


class ImportedMessage(models.Model):
    """One message, known by who sent it and the MsgId they gave it; its content is pinned by the file's SHA-256.

    The row is written before the first payment of the file and completed after the last, so an import that died in
    between is visible (`completed_at` is empty) and is continued by importing the same file again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message_type = models.CharField(max_length=35)
    initiating_party = models.CharField(max_length=140)
    message_id = models.CharField(max_length=35)
    sha256 = models.CharField(max_length=64)
    file_name = models.CharField(max_length=255)
    channel = models.CharField(max_length=100)
    transactions = models.PositiveIntegerField()
    imported_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["initiating_party", "message_id"], name="imported_message_once"),
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="imported_message_sha256_is_hex"
            ),
        )

    def __str__(self) -> str:
        return f"{self.message_type} {self.message_id}"

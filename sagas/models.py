"""The engine's tables. Only the engine writes them (`sagas/ledger.py`, `sagas/services.py`); Django reads.

| table            | a row is                                                                                   |
|------------------|--------------------------------------------------------------------------------------------|
| Saga             | one run: narrow, HOT-updatable; claimed by (queue, priority, begun, wake_at)                |
| SagaStatus       | what people search and see of a run; changes only when its phase changes                    |
| LedgerEntry      | one event of one saga, append-only, hash-chained; partitioned by saga id, thus by time       |
| IdempotencyKey   | (channel, definition, key) -> the saga it started and the request's fingerprint; kept for ever |
| Correlation      | (definition, business key) -> saga: the lock that start and signal-before-start share        |
| InboxMessage     | what others tell a saga; sealed on arrival                                                   |
| Queue            | whether a hint is on its way to the workers of a queue                                       |
"""

import uuid
from typing import Any, NoReturn

from django.db import models


class Priority(models.IntegerChoices):
    """Bands, claimed one after the other (a lower number first)."""

    URGENT = 0
    NORMAL = 1
    BULK = 2


class EngineOnly(models.Model):
    """A model that Django only reads: saving or deleting is refused, here and by the database's triggers."""

    class Meta:
        abstract = True

    def save(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} rows are written by the engine only: use the services in sagas")

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} rows are never deleted: they are the audit trail")


class Saga(EngineOnly):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    definition = models.TextField()
    version = models.IntegerField()
    queue = models.TextField()
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)
    #: Whether a worker ever claimed it: in its band it then comes before those that wait for their first turn.
    begun = models.BooleanField(default=False)
    #: When a worker should look at it; while leased, the lease's end; null when only a message or nothing moves it.
    wake_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    inbox_seq = models.BigIntegerField(default=0)
    #: Starts of activations that followed a crash and made no progress (R6).
    starts = models.SmallIntegerField(default=0)
    head_seq = models.IntegerField()
    head_hash = models.BinaryField()
    ended = models.BooleanField(default=False)
    parent_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["queue", "priority", "begun", "wake_at"],
                name="sagas_due",
                condition=models.Q(wake_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.definition} {self.id}"


class Status(models.TextChoices):
    RUNNING = "running", "running"
    UNDOING = "undoing", "being undone"
    PARKED = "parked", "parked, waits for a person"
    COMPLETED = "completed", "completed"
    UNDONE = "undone", "undone"


class SagaStatus(EngineOnly):
    saga = models.OneToOneField(Saga, on_delete=models.PROTECT, primary_key=True, related_name="status")
    definition = models.TextField()
    version = models.IntegerField()
    status = models.TextField(choices=Status, default=Status.RUNNING)
    channel = models.TextField()
    business_key = models.TextField(blank=True)
    started_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    #: Why the saga parked or was undone, for people.
    reason = models.TextField(blank=True)
    parked_owner = models.TextField(blank=True)
    parked_due_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "saga"
        verbose_name_plural = "sagas"
        indexes = [
            models.Index(fields=["status", "-started_at"], name="sagas_by_status"),
            models.Index(fields=["business_key"], name="sagas_by_business_key"),
            models.Index(fields=["-started_at"], name="sagas_by_start"),
            models.Index(fields=["definition", "-started_at"], name="sagas_by_definition"),
        ]
        constraints = [
            models.CheckConstraint(
                name="sagas_parked_has_owner_and_due_time",
                condition=~models.Q(status="parked")
                | (~models.Q(parked_owner="") & models.Q(parked_due_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="sagas_ended_has_time",
                condition=models.Q(status__in=["completed", "undone"], ended_at__isnull=False)
                | models.Q(status__in=["running", "undoing", "parked"], ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.definition} v{self.version} {self.saga_id}"


class LedgerEntry(EngineOnly):
    pk = models.CompositePrimaryKey("saga_id", "seq")
    # No foreign key: the flush inserts entries only for saga rows it has just fenced, and partitions may be detached.
    saga_id = models.UUIDField()
    seq = models.IntegerField()
    type = models.TextField()
    path = models.TextField()
    step = models.TextField()
    direction = models.TextField()
    attempt = models.IntegerField()
    idempotency_key = models.TextField()
    body = models.TextField(null=True)  # noqa: DJ001 - null: purged; empty would be a body
    salt = models.BinaryField(null=True)
    prev_hash = models.BinaryField()
    hash = models.BinaryField()
    at = models.DateTimeField()
    actor = models.TextField()

    class Meta:
        verbose_name_plural = "ledger entries"
        ordering = ["saga_id", "seq"]

    def __str__(self) -> str:
        return f"{self.saga_id}#{self.seq} {self.type}"


class IdempotencyKey(EngineOnly):
    channel = models.TextField()
    definition = models.TextField()
    key = models.CharField(max_length=255)
    salt = models.BinaryField()
    fingerprint = models.BinaryField()
    saga_id = models.UUIDField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "definition", "key"], name="sagas_one_start_per_key"),
            models.CheckConstraint(name="sagas_key_not_empty", condition=~models.Q(key="")),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.definition} {self.key}"


class Correlation(EngineOnly):
    definition = models.TextField()
    business_key = models.TextField()
    saga_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["definition", "business_key"], name="sagas_one_correlation_per_key")
        ]

    def __str__(self) -> str:
        return f"{self.definition} {self.business_key}"


class InboxKind(models.TextChoices):
    RESUME = "resume", "resume"


class InboxMessage(EngineOnly):
    saga = models.ForeignKey(Saga, on_delete=models.PROTECT, related_name="inbox")
    seq = models.BigIntegerField()
    kind = models.TextField(choices=InboxKind)
    dedupe_id = models.TextField()
    sender = models.TextField()
    body = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["saga", "seq"], name="sagas_inbox_order"),
            models.UniqueConstraint(fields=["saga", "kind", "dedupe_id"], name="sagas_inbox_deduplicated"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.saga_id}"


class Queue(EngineOnly):
    name = models.TextField(primary_key=True)
    hinted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

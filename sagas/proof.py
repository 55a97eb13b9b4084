"""Proves sagas' chains: recomputes every hash and compares the end with the head that the engine keeps."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from audit import chain
from sagas import ledger
from sagas.models import Saga

_BATCH = 500


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """A saga whose ledger is not what the engine wrote, and where."""

    saga_id: UUID
    problem: str


def broken_chains(ids: Iterable[UUID] | None = None) -> list[BrokenChain]:
    """Every saga (or of these) whose chain does not verify; empty when all do."""
    return list(_broken(ids))


def _broken(ids: Iterable[UUID] | None) -> Iterator[BrokenChain]:
    wanted = Saga.objects.order_by("id").values_list("id", flat=True)
    if ids is not None:
        wanted = wanted.filter(id__in=list(ids))
    batch: list[UUID] = []
    for saga_id in wanted.iterator(chunk_size=_BATCH):
        batch.append(saga_id)
        if len(batch) == _BATCH:
            yield from _check(batch)
            batch = []
    yield from _check(batch)


def _check(batch: list[UUID]) -> Iterator[BrokenChain]:
    # Heads first: a saga that moves in between has entries past the head we read, which are left out.
    heads = {row[0]: row[1:] for row in Saga.objects.filter(id__in=batch).values_list("id", "head_seq", "head_hash")}
    entries = ledger.load(batch)
    for saga_id in batch:
        seq, digest = heads[saga_id]
        links = [entry for entry in entries.get(saga_id, []) if entry.seq <= seq]
        problem = chain.first_break(links, head_seq=seq, head_hash=bytes(digest))
        if problem is not None:
            yield BrokenChain(saga_id, problem)

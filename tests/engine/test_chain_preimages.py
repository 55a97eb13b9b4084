"""What the chain's hashes and the engine's clock rest on."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from audit import chain
from sagas.clock import DatabaseClock
from sagas.entries import ChainHead, EntryType
from tests.engine.conftest import sql

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def digest(*facts: str, actor: str = "worker", salt: bytes = b"salt", body: str = "{}") -> bytes:
    return chain.entry_hash(
        stream=UUID(int=1), seq=1, prev=chain.GENESIS, facts=facts, at=AT, actor=actor, salt=salt, body=body
    )


def test_r33_no_two_entries_have_one_preimage() -> None:
    """Every part is length-prefixed: what moves from one column to the next changes the hash."""
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4


def test_r33_an_entry_rewritten_with_a_hash_of_its_own_is_named_by_its_successor() -> None:
    """Whoever rewrites one entry can recompute its hash, and then has to rewrite all that follow."""
    head = ChainHead(saga_id=UUID(int=1))
    first, second, third = (head.link(EntryType.PARKED, at=AT, actor="worker", body=f"[{n}]") for n in range(3))
    assert chain.first_break([first, second, third], head_seq=head.seq, head_hash=head.hash) is None
    forged = replace(second, body="[9]")
    forged = replace(forged, hash=forged.recomputed_hash())
    problem = chain.first_break([first, forged, third], head_seq=head.seq, head_hash=head.hash)
    assert "entry 3 does not follow entry 2" in str(problem)


def test_r33_the_head_is_compared_by_its_hash_and_not_by_its_number_alone() -> None:
    """A whole chain, rewritten by somebody who recomputed all hashes, still ends in another hash."""
    assert chain.first_break([], head_seq=0, head_hash=chain.GENESIS) is None
    assert "head's hash" in str(chain.first_break([], head_seq=0, head_hash=bytes(31) + b"\1"))


def test_r33_the_clock_takes_over_what_the_database_says(database: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monotonic clock that stood still while the machine slept is corrected by the next answer."""
    fresh = DatabaseClock()
    fresh._seen = (AT - timedelta(days=1), time.monotonic() - 120)
    ((told,),) = sql("SELECT clock_timestamp()")
    assert fresh.now() >= told

"""Hash chains: each entry commits to the one before it, so that a changed, dropped or inserted entry is named (R33).

    hash = H(tag, stream, seq, prev, facts…, at, actor, H(salt ‖ body))

Every part is length-prefixed, so no two different entries have one preimage. The body enters as a salted digest: it
can be withheld or purged without breaking the chain, and a small body cannot be guessed from its hash.
"""

import hashlib
import os
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

TAG = b"recourse/entry/v1"
GENESIS = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Link(Protocol):
    """What a chain needs to know of an entry."""

    @property
    def seq(self) -> int: ...
    @property
    def prev_hash(self) -> bytes: ...
    @property
    def hash(self) -> bytes: ...
    def recomputed_hash(self) -> bytes: ...


def new_salt() -> bytes:
    return os.urandom(16)


def entry_hash(
    *, stream: UUID, seq: int, prev: bytes, facts: tuple[str, ...], at: datetime, actor: str, salt: bytes, body: str
) -> bytes:
    """The hash of one entry; `facts` are its short columns (type, path, step, …) in a fixed order."""
    body_digest = hashlib.sha256(salt + body.encode()).digest()
    parts = [TAG, stream.bytes, seq.to_bytes(8, "big"), prev]
    parts += [fact.encode() for fact in facts]
    parts += [((at - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True), actor.encode(), body_digest]
    return hashlib.sha256(b"".join(struct.pack(">I", len(part)) + part for part in parts)).digest()


def first_break(links: Iterable[Link], *, head_seq: int, head_hash: bytes) -> str | None:
    """Say where a chain is broken, or None if it is whole and ends at the given head."""
    prev, seq = GENESIS, 0
    for link in links:
        if link.seq != seq + 1:
            return f"entry {seq + 1} is missing (found {link.seq})"
        if link.prev_hash != prev:
            return f"entry {link.seq} does not follow entry {seq}: its predecessor was changed or exchanged"
        if link.recomputed_hash() != link.hash:
            return f"entry {link.seq} was changed after it was written"
        prev, seq = link.hash, link.seq
    if seq != head_seq:
        return f"the chain ends at entry {seq}, its head says {head_seq}: entries were cut off"
    if prev != head_hash:
        return f"the head's hash is not that of entry {seq}"
    return None

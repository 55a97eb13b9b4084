"""The SQL of the hot path, each statement with what it promises. Tables: see `sagas/models.py`.

`statement_timestamp()` is the database's clock when the statement arrived; a scalar sub-select of `clock_timestamp()`
lets the planner use it as an index bound.
"""

#: R1, R3: key, saga, correlation, first entry and status in one statement; no row: somebody was first with this key.
START = """
WITH key AS (
    INSERT INTO sagas_idempotencykey (channel, definition, key, salt, fingerprint, saga_id, created_at)
    VALUES (%(channel)s, %(definition)s, %(key)s, %(key_salt)s, %(fingerprint)s, %(id)s, %(at)s)
    ON CONFLICT (channel, definition, key) DO NOTHING
    RETURNING saga_id
), saga AS (
    INSERT INTO sagas_saga (id, definition, version, queue, priority, begun, wake_at, inbox_seq, starts,
                            head_seq, head_hash, ended)
    SELECT saga_id, %(definition)s, %(version)s, %(queue)s, %(priority)s, false, %(at)s, 0, 0, 1, %(hash)s, false
    FROM key
    RETURNING id
), correlation AS (
    INSERT INTO sagas_correlation (definition, business_key, saga_id)
    SELECT %(definition)s, %(business_key)s, id FROM saga WHERE %(business_key)s <> ''
), entry AS (
    INSERT INTO sagas_ledgerentry (saga_id, seq, type, path, step, direction, attempt, idempotency_key, body, salt,
                                   prev_hash, hash, at, actor)
    SELECT id, 1, %(type)s, '', '', 'forward', 0, '', %(body)s, %(salt)s, %(prev_hash)s, %(hash)s, %(at)s, %(actor)s
    FROM saga
)
INSERT INTO sagas_sagastatus (saga_id, definition, version, status, channel, business_key, started_at, changed_at,
                              reason, parked_owner)
SELECT id, %(definition)s, %(version)s, 'running', %(channel)s, %(business_key)s, %(at)s, %(at)s, '', '' FROM saga
RETURNING saga_id
"""

#: R1: a second statement, because the first one's snapshot cannot see the row it lost to.
WINNER = """
SELECT saga_id, salt, fingerprint FROM sagas_idempotencykey
WHERE channel = %(channel)s AND definition = %(definition)s AND key = %(key)s
"""

#: R4: due or abandoned sagas, one priority band at a time, locked ones skipped; a lease token each, by the database.
#: In a band those that have begun come first: money is on hold, outcomes are unknown, people wait.
CLAIM = """
WITH due AS (
    SELECT d.id, d.lease_token AS abandoned
    FROM unnest(%(bands)s::smallint[]) AS band(priority),
    unnest(ARRAY[true, false]) AS state(begun),
    LATERAL (
        SELECT id, lease_token FROM sagas_saga
        WHERE queue = %(queue)s AND priority = band.priority AND begun = state.begun
          AND wake_at <= (SELECT clock_timestamp())
        ORDER BY wake_at LIMIT %(limit)s
        FOR NO KEY UPDATE SKIP LOCKED
    ) d
    LIMIT %(limit)s
)
UPDATE sagas_saga s
SET lease_token = gen_random_uuid(),
    lease_expires_at = statement_timestamp() + %(lease)s,
    wake_at = statement_timestamp() + %(lease)s,
    begun = true
FROM due WHERE s.id = due.id
RETURNING s.id, s.definition, s.version, s.lease_token, s.inbox_seq, s.head_seq, s.head_hash,
          due.abandoned IS NOT NULL, s.starts, clock_timestamp()
"""

#: The ledgers of claimed sagas; a statement after the claim, whose snapshot may be older than the row's last flush.
LOAD = """
SELECT saga_id, seq, type, path, step, direction, attempt, idempotency_key, body, salt, prev_hash, hash, at, actor
FROM sagas_ledgerentry WHERE saga_id = ANY(%(ids)s) ORDER BY saga_id, seq
"""

#: What others have told these sagas.
INBOX = """
SELECT saga_id, seq, kind, sender, body FROM sagas_inboxmessage WHERE saga_id = ANY(%(ids)s) ORDER BY saga_id, seq
"""

#: R6: counted before an activation that follows a crash runs, so that a saga which kills its process is found out.
COUNT_START = """
UPDATE sagas_saga SET starts = starts + 1 WHERE id = %(id)s AND lease_token = %(token)s RETURNING starts
"""

#: R14: opens a transaction with business rows; the row lock holds claimers and senders off until its commit.
FENCE = """
SELECT inbox_seq, clock_timestamp() FROM sagas_saga
WHERE id = %(id)s AND lease_token = %(token)s FOR NO KEY UPDATE
"""

#: R14, R30: a saga's entries, its chain's head, its wake-up and its status; fenced out, nothing is inserted anywhere.
#: `seen` (null: any) is compared on the target row, whose newest version the update locks and rechecks.
FLUSH = """
WITH given AS (
    SELECT * FROM unnest(
        %(id)s::uuid[], %(token)s::uuid[], %(head_seq)s::int[], %(head_hash)s::bytea[], %(seen)s::bigint[],
        %(leaves)s::bool[], %(wake_at)s::timestamptz[], %(ended)s::bool[], %(progress)s::bool[], %(extend)s::bool[],
        %(status)s::text[], %(reason)s::text[], %(owner)s::text[], %(due_at)s::timestamptz[], %(at)s::timestamptz[]
    ) AS t(id, token, head_seq, head_hash, seen, leaves, wake_at, ended, progress, extend,
           status, reason, owner, due_at, at)
), fence AS (
    UPDATE sagas_saga s SET
        head_seq = given.head_seq,
        head_hash = given.head_hash,
        lease_token = CASE WHEN given.leaves THEN NULL ELSE s.lease_token END,
        lease_expires_at = CASE WHEN given.leaves THEN NULL
                                WHEN given.extend THEN statement_timestamp() + %(lease)s
                                ELSE s.lease_expires_at END,
        wake_at = CASE WHEN given.leaves THEN given.wake_at
                       WHEN given.extend THEN statement_timestamp() + %(lease)s
                       ELSE s.wake_at END,
        ended = given.ended,
        starts = CASE WHEN given.progress THEN 0 ELSE s.starts END
    FROM given
    WHERE s.id = given.id AND s.lease_token = given.token AND (given.seen IS NULL OR s.inbox_seq = given.seen)
    RETURNING s.id, s.inbox_seq, given.token
), entries AS (
    INSERT INTO sagas_ledgerentry (saga_id, seq, type, path, step, direction, attempt, idempotency_key, body, salt,
                                   prev_hash, hash, at, actor)
    SELECT e.* FROM unnest(
        %(e_saga_id)s::uuid[], %(e_seq)s::int[], %(e_type)s::text[], %(e_path)s::text[], %(e_step)s::text[],
        %(e_direction)s::text[], %(e_attempt)s::int[], %(e_key)s::text[], %(e_body)s::text[], %(e_salt)s::bytea[],
        %(e_prev_hash)s::bytea[], %(e_hash)s::bytea[], %(e_at)s::timestamptz[], %(e_actor)s::text[]
    ) AS e(saga_id, seq, type, path, step, direction, attempt, idempotency_key, body, salt, prev_hash, hash, at, actor)
    JOIN fence ON fence.id = e.saga_id
), status AS (
    UPDATE sagas_sagastatus st SET
        status = given.status,
        reason = coalesce(given.reason, st.reason),
        parked_owner = coalesce(given.owner, ''),
        parked_due_at = given.due_at,
        ended_at = CASE WHEN given.ended THEN given.at END,
        changed_at = given.at
    FROM given JOIN fence ON fence.id = given.id AND fence.token = given.token
    WHERE st.saga_id = given.id AND given.status IS NOT NULL
)
SELECT id, inbox_seq, clock_timestamp() FROM fence
"""

#: R21: the same past sagas whose row somebody has locked (a sender with an open transaction). The rows are locked
#: first, in the very way that the update would.
FLUSH_PAST_LOCKS = FLUSH.replace(
    "), fence AS (",
    """), free AS (
    SELECT s.id FROM sagas_saga s JOIN given ON given.id = s.id FOR NO KEY UPDATE OF s SKIP LOCKED
), fence AS (""",
).replace("    FROM given\n    WHERE", "    FROM given JOIN free ON free.id = given.id\n    WHERE")

#: R5, R7: a longer lease for who still holds the token; a finished saga's token is null, so it cannot be revived.
EXTEND = """
UPDATE sagas_saga
SET lease_expires_at = statement_timestamp() + %(lease)s, wake_at = statement_timestamp() + %(lease)s
WHERE id = %(id)s AND lease_token = %(token)s RETURNING clock_timestamp()
"""

#: R6, R19: give a saga back, at once due, if the token still holds it; a graceful end does not count as a start.
RELEASE = """
UPDATE sagas_saga
SET lease_token = NULL, lease_expires_at = NULL, wake_at = statement_timestamp() + %(delay)s,
    starts = greatest(starts - %(uncount)s, 0)
WHERE id = %(id)s AND lease_token = %(token)s
"""

#: R6: give back what was claimed from a silent holder and not started: it stays known as abandoned.
GIVE_BACK_ABANDONED = """
UPDATE sagas_saga SET lease_expires_at = statement_timestamp(), wake_at = statement_timestamp()
WHERE id = %(id)s AND lease_token = %(token)s
"""

#: R30: why a flush was refused: no row, the token is lost; a row, the inbox has moved on.
HOLDS = "SELECT inbox_seq FROM sagas_saga WHERE id = %(id)s AND lease_token = %(token)s"

#: R29: a message's place in the saga's inbox; wakes the saga unless a live lease will see it.
KNOCK = """
UPDATE sagas_saga
SET inbox_seq = inbox_seq + 1,
    wake_at = CASE WHEN lease_token IS NULL THEN statement_timestamp() ELSE wake_at END
WHERE id = %(id)s AND NOT ended
RETURNING inbox_seq, queue
"""

#: What a KNOCK announced, in the same transaction; a repeated message is found by its dedupe id before knocking.
DELIVER = """
INSERT INTO sagas_inboxmessage (saga_id, seq, kind, dedupe_id, sender, body, received_at)
VALUES (%(id)s, %(seq)s, %(kind)s, %(dedupe_id)s, %(sender)s, %(body)s, statement_timestamp())
"""

#: R22: at most one hint per queue is under way; a flag older than a second is taken for a lost message.
RAISE_HINT = """
INSERT INTO sagas_queue AS q (name, hinted_at) VALUES (%(queue)s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET hinted_at = clock_timestamp()
WHERE q.hinted_at IS NULL OR q.hinted_at < clock_timestamp() - interval '1 second'
RETURNING name
"""

#: R22: lowered before the last claim of a drain, so that a start committed after that claim hints again.
LOWER_HINT = "UPDATE sagas_queue SET hinted_at = NULL WHERE name = %(queue)s AND hinted_at IS NOT NULL"

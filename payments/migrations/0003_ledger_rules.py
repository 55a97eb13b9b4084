"""The ledger's rules, kept by PostgreSQL whoever writes: services, the shell, a bulk update, psql.

Every refusal is a check_violation whose constraint name says which rule was broken (`payments/services/refusals.py`
translates the names), and whose detail is JSON for the program. No refusal shows a name or an IBAN.

Locks. Counters move in statement-level AFTER INSERT triggers: one statement locks all accounts of the inserted rows in
id order, one moves them. FOR NO KEY UPDATE does not collide with the foreign-key checks (FOR KEY SHARE) of others.
"""

from django.db import migrations

CURRENCY_KEYS = """
ALTER TABLE payments_posting ADD CONSTRAINT posting_is_in_its_accounts_currency
    FOREIGN KEY (account_id, currency) REFERENCES payments_account (id, currency);
ALTER TABLE payments_hold ADD CONSTRAINT hold_is_in_its_accounts_currency
    FOREIGN KEY (account_id, currency) REFERENCES payments_account (id, currency);
-- No index hangs on the counters: with room on the page their updates stay HOT.
ALTER TABLE payments_account SET (fillfactor = 70);
"""

ACCOUNT = """
CREATE FUNCTION payments_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = TG_ARGV[0], TABLE = TG_TABLE_NAME,
        MESSAGE = format('%s on %s is refused: %s', TG_OP, TG_TABLE_NAME, TG_ARGV[1]);
END $$;

CREATE TRIGGER account_starts_at_zero BEFORE INSERT ON payments_account FOR EACH ROW
    WHEN (NEW.debits_pending <> 0 OR NEW.debits_posted <> 0 OR NEW.credits_pending <> 0 OR NEW.credits_posted <> 0
          OR NEW.version <> 0 OR NEW.closed_at IS NOT NULL)
    EXECUTE FUNCTION payments_refuse('account_starts_at_zero', 'an account starts open, at zero; post its first money');

-- Depth 0 is a statement from outside; the ledger's own triggers update from depth 1.
CREATE TRIGGER account_counters_are_the_ledgers BEFORE UPDATE ON payments_account FOR EACH ROW
    WHEN (pg_trigger_depth() = 0
          AND (OLD.debits_pending, OLD.debits_posted, OLD.credits_pending, OLD.credits_posted, OLD.version)
              IS DISTINCT FROM
              (NEW.debits_pending, NEW.debits_posted, NEW.credits_pending, NEW.credits_posted, NEW.version))
    EXECUTE FUNCTION payments_refuse('account_counters_are_the_ledgers', 'counters move only with postings and holds');

CREATE TRIGGER account_identity_is_fixed BEFORE UPDATE ON payments_account FOR EACH ROW
    WHEN ((OLD.id, OLD.iban, OLD.code, OLD.currency, OLD.kind, OLD.normal_side, OLD.opened_at)
          IS DISTINCT FROM (NEW.id, NEW.iban, NEW.code, NEW.currency, NEW.kind, NEW.normal_side, NEW.opened_at)
          OR (OLD.closed_at IS NOT NULL AND NEW.closed_at IS DISTINCT FROM OLD.closed_at))
    EXECUTE FUNCTION payments_refuse('account_identity_is_fixed',
                                     'what an account is does not change, and a closed one stays closed');

CREATE TRIGGER account_is_never_deleted BEFORE DELETE OR TRUNCATE ON payments_account FOR EACH STATEMENT
    EXECUTE FUNCTION payments_refuse('account_is_never_deleted', 'an account is closed, never deleted');
ALTER TABLE payments_account ENABLE ALWAYS TRIGGER account_is_never_deleted;
ALTER TABLE payments_account ENABLE ALWAYS TRIGGER account_counters_are_the_ledgers;
"""

# What an account may still give away above its floor, if `debits` and `credits` were posted and pending changed by
# `held`; NULL without a floor.
HEADROOM = """
CREATE FUNCTION payments_headroom(a payments_account, debits numeric, credits numeric, held numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE a.normal_side
    WHEN 'credit' THEN a.credits_posted + credits - a.debits_posted - debits - a.debits_pending - held
    ELSE a.debits_posted + debits - a.credits_posted - credits - a.credits_pending
END - a.floor;

-- Says why an account did not take a movement; returns if neither closure nor funds are the reason.
CREATE FUNCTION payments_explain(account uuid, debits numeric, credits numeric, held numeric) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    a payments_account;
    room numeric;
BEGIN
    SELECT * INTO a FROM payments_account WHERE id = account;
    IF a.closed_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'account_is_open', TABLE = 'payments_account',
            MESSAGE = format('account %s is closed; nothing can be posted or held on it', a.id),
            DETAIL = json_build_object('account', a.id);
    END IF;
    IF payments_headroom(a, debits, credits, held) < 0 THEN
        room := payments_headroom(a, 0, 0, 0);
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'account_has_funds', TABLE = 'payments_account',
            MESSAGE = format('account %s has %s %s available above its floor', a.id, room, a.currency),
            DETAIL = json_build_object('account', a.id, 'currency', a.currency, 'headroom', room::text,
                                       'needed', (room - payments_headroom(a, debits, credits, held))::text);
    END IF;
END $$;
"""


HOLDS = """
CREATE FUNCTION payments_holds_reserve() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stopped record;
BEGIN
    PERFORM FROM payments_account WHERE id IN (SELECT account_id FROM added) ORDER BY id FOR NO KEY UPDATE;

    WITH m AS (
        SELECT account_id, sum(amount) AS held FROM added GROUP BY account_id
    ), moved AS (
        UPDATE payments_account a SET debits_pending = a.debits_pending + m.held
          FROM m
         WHERE a.id = m.account_id AND a.closed_at IS NULL AND a.normal_side = 'credit'
           AND coalesce(payments_headroom(a, 0, 0, m.held) >= 0, true)
        RETURNING a.id
    )
    SELECT m.* INTO stopped FROM m WHERE m.account_id NOT IN (SELECT id FROM moved) ORDER BY m.account_id LIMIT 1;

    IF FOUND THEN
        PERFORM payments_explain(stopped.account_id, 0, 0, stopped.held);
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'hold_is_on_money_we_owe',
            TABLE = 'payments_hold', MESSAGE = 'a hold reserves money that we owe: its account must be credit-normal';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER holds_reserve AFTER INSERT ON payments_hold REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION payments_holds_reserve();

-- A voided hold is released here. A posted one is released together with the postings of its journal, so that all
-- accounts of a settlement are locked in id order; therefore it must be there before them.
CREATE FUNCTION payments_resolutions_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added r JOIN payments_posting p ON p.journal_id = r.journal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'resolution_precedes_its_postings',
            TABLE = 'payments_holdresolution', MESSAGE = 'a hold is posted with a new journal, before its postings';
    END IF;
    IF NOT EXISTS (SELECT FROM added WHERE kind = 'voided') THEN
        RETURN NULL;
    END IF;

    PERFORM FROM payments_account
      WHERE id IN (SELECT h.account_id FROM added r JOIN payments_hold h ON h.id = r.hold_id WHERE r.kind = 'voided')
      ORDER BY id FOR NO KEY UPDATE;

    UPDATE payments_account a SET debits_pending = a.debits_pending - m.released
      FROM (SELECT h.account_id, sum(h.amount) AS released FROM added r JOIN payments_hold h ON h.id = r.hold_id
             WHERE r.kind = 'voided' GROUP BY h.account_id) m
     WHERE a.id = m.account_id;
    RETURN NULL;
END $$;
CREATE TRIGGER resolutions_release AFTER INSERT ON payments_holdresolution REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION payments_resolutions_release();
"""

POSTINGS = """
CREATE FUNCTION payments_postings_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stopped record;
BEGIN
    -- A journal that was committed has postings, so this also refuses to add to an older journal.
    IF EXISTS (SELECT FROM (SELECT journal_id, count(*) AS legs FROM added GROUP BY journal_id) n
                WHERE n.legs <> (SELECT count(*) FROM payments_posting p WHERE p.journal_id = n.journal_id)) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_is_posted_at_once',
            TABLE = 'payments_posting', MESSAGE = 'all postings of a journal are inserted by one statement';
    END IF;

    PERFORM FROM payments_account WHERE id IN (SELECT account_id FROM added) ORDER BY id FOR NO KEY UPDATE;

    WITH leg AS (
        SELECT n.*, n.balance_after - sum(n.amount) OVER (PARTITION BY n.account_id ORDER BY n.account_version) AS start
          FROM added n
    ), released AS (
        SELECT h.account_id, sum(h.amount) AS amount
          FROM payments_holdresolution r JOIN payments_hold h ON h.id = r.hold_id
         WHERE r.journal_id IN (SELECT journal_id FROM added)
         GROUP BY h.account_id
    ), m AS (
        SELECT leg.account_id, count(*) AS legs,
               coalesce(sum(leg.amount) FILTER (WHERE leg.amount > 0), 0) AS debits,
               coalesce(-sum(leg.amount) FILTER (WHERE leg.amount < 0), 0) AS credits,
               coalesce((SELECT released.amount FROM released WHERE released.account_id = leg.account_id), 0) AS released,
               min(leg.account_version) AS first_version, max(leg.account_version) AS last_version,
               min(leg.start) AS start_low, max(leg.start) AS start_high
          FROM leg GROUP BY leg.account_id
    ), moved AS (
        UPDATE payments_account a
           SET debits_posted = a.debits_posted + m.debits, credits_posted = a.credits_posted + m.credits,
               debits_pending = a.debits_pending - m.released, version = a.version + m.legs
          FROM m
         WHERE a.id = m.account_id AND a.closed_at IS NULL
           AND coalesce(payments_headroom(a, m.debits, m.credits, -m.released) >= 0, true)
           AND m.first_version = a.version + 1 AND m.last_version = a.version + m.legs
           AND m.start_low = a.debits_posted - a.credits_posted AND m.start_high = m.start_low
        RETURNING a.id
    )
    SELECT m.* INTO stopped FROM m WHERE m.account_id NOT IN (SELECT id FROM moved) ORDER BY m.account_id LIMIT 1;

    IF FOUND THEN
        PERFORM payments_explain(stopped.account_id, stopped.debits, stopped.credits, -stopped.released);
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_continues_its_account',
            TABLE = 'payments_posting',
            MESSAGE = format('the postings on account %s do not continue its version and balance', stopped.account_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_move AFTER INSERT ON payments_posting REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION payments_postings_move();

-- Checked at commit, or at the end of a saga step (SET CONSTRAINTS ALL IMMEDIATE). One check per journal is enough: its
-- postings come in one statement, so nothing can follow a check that passed.
CREATE FUNCTION payments_journal_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    off record;
BEGIN
    IF NOT EXISTS (SELECT FROM payments_posting WHERE journal_id = NEW.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances', TABLE = 'payments_journal',
            MESSAGE = format('journal %s has no postings', NEW.id);
    END IF;
    SELECT currency, sum(amount) AS amount INTO off FROM payments_posting WHERE journal_id = NEW.id
     GROUP BY currency HAVING sum(amount) <> 0 ORDER BY currency LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances', TABLE = 'payments_journal',
            MESSAGE = format('the postings of journal %s sum to %s %s, not to zero', NEW.id, off.amount, off.currency);
    END IF;
    IF EXISTS (SELECT FROM payments_holdresolution r JOIN payments_hold h ON h.id = r.hold_id
                WHERE r.journal_id = NEW.id
                  AND NOT EXISTS (SELECT FROM payments_posting p WHERE p.journal_id = NEW.id
                                     AND p.account_id = h.account_id AND p.amount = h.amount)) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_debits_the_hold',
            TABLE = 'payments_journal',
            MESSAGE = format('journal %s posts a hold but does not debit its account with its amount', NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_is_whole AFTER INSERT ON payments_journal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION payments_journal_is_whole();
"""

APPEND_ONLY_TABLES = ("payments_journal", "payments_posting", "payments_hold", "payments_holdresolution")


def append_only(table: str) -> str:
    # ALWAYS: not even a session in replica role, where ordinary triggers rest, may rewrite the ledger.
    return f"""
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION payments_refuse('ledger_is_append_only', 'ledger rows are only ever added; book a correction');
ALTER TABLE {table} ENABLE ALWAYS TRIGGER ledger_is_append_only;
"""


UNDO = """
DROP TRIGGER journal_is_whole ON payments_journal;
DROP TRIGGER postings_move ON payments_posting;
DROP TRIGGER resolutions_release ON payments_holdresolution;
DROP TRIGGER holds_reserve ON payments_hold;
DROP TRIGGER account_is_never_deleted ON payments_account;
DROP TRIGGER account_identity_is_fixed ON payments_account;
DROP TRIGGER account_counters_are_the_ledgers ON payments_account;
DROP TRIGGER account_starts_at_zero ON payments_account;
DROP FUNCTION payments_journal_is_whole(), payments_postings_move(), payments_resolutions_release(),
    payments_holds_reserve(), payments_explain(uuid, numeric, numeric, numeric),
    payments_headroom(payments_account, numeric, numeric, numeric);
ALTER TABLE payments_hold DROP CONSTRAINT hold_is_in_its_accounts_currency;
ALTER TABLE payments_posting DROP CONSTRAINT posting_is_in_its_accounts_currency;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_tables")]

    operations = [
        migrations.RunSQL(CURRENCY_KEYS + ACCOUNT + HEADROOM + HOLDS + POSTINGS, UNDO + "DROP FUNCTION payments_refuse();"),
        *(
            migrations.RunSQL(append_only(table), f"DROP TRIGGER ledger_is_append_only ON {table}")
            for table in APPEND_ONLY_TABLES
        ),
    ]

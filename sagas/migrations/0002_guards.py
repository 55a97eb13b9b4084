from django.db import migrations

# Append-only by the database, whoever connects: the triggers fire even where session_replication_role is replica.
APPEND_ONLY = """
CREATE FUNCTION sagas_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'RC001', HINT = 'The ledger is the audit trail; record a new entry instead.';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sagas_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION sagas_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON sagas_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION sagas_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON sagas_ledgerentry_default
    FOR EACH STATEMENT EXECUTE FUNCTION sagas_refuse_change();
ALTER TABLE sagas_ledgerentry ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE sagas_ledgerentry_default ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE sagas_ledgerentry ENABLE ALWAYS TRIGGER append_only_truncate;
ALTER TABLE sagas_ledgerentry_default ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE TRIGGER kept_for_ever BEFORE UPDATE OR DELETE ON sagas_idempotencykey
    FOR EACH ROW EXECUTE FUNCTION sagas_refuse_change();
CREATE TRIGGER kept_for_ever_truncate BEFORE TRUNCATE ON sagas_idempotencykey
    FOR EACH STATEMENT EXECUTE FUNCTION sagas_refuse_change();
ALTER TABLE sagas_idempotencykey ENABLE ALWAYS TRIGGER kept_for_ever;
ALTER TABLE sagas_idempotencykey ENABLE ALWAYS TRIGGER kept_for_ever_truncate;
"""

# A finished saga never reopens (R27), holds no lease and is never due; a lease has its three parts or none (R4).
SAGA = """
ALTER TABLE sagas_saga SET (fillfactor = 70);
ALTER TABLE sagas_saga
    ADD CONSTRAINT sagas_ended_is_at_rest CHECK (NOT ended OR (lease_token IS NULL AND wake_at IS NULL)),
    ADD CONSTRAINT sagas_lease_is_whole CHECK (
        (lease_token IS NULL) = (lease_expires_at IS NULL)
        AND (lease_token IS NULL OR wake_at IS NOT DISTINCT FROM lease_expires_at)),
    ADD CONSTRAINT sagas_head_hash_length CHECK (length(head_hash) = 32);

CREATE FUNCTION sagas_refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'saga % has ended and never reopens', OLD.id USING ERRCODE = 'RC002';
END $$;
CREATE TRIGGER never_reopens BEFORE UPDATE ON sagas_saga
    FOR EACH ROW WHEN (OLD.ended) EXECUTE FUNCTION sagas_refuse_reopening();
CREATE TRIGGER never_deleted BEFORE DELETE ON sagas_saga
    FOR EACH ROW EXECUTE FUNCTION sagas_refuse_change();
ALTER TABLE sagas_saga ENABLE ALWAYS TRIGGER never_reopens;
ALTER TABLE sagas_saga ENABLE ALWAYS TRIGGER never_deleted;
"""


class Migration(migrations.Migration):
    dependencies = [("sagas", "0001_tables")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(SAGA, migrations.RunSQL.noop),
    ]

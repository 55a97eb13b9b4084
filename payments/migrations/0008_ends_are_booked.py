"""How a payment ended is what the ledger says: settled with a settlement booked for it, rejected with nothing on hold."""

from django.db import migrations

RULES = """
CREATE FUNCTION payments_end_is_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'settled' AND NOT EXISTS (
        SELECT FROM payments_journal j WHERE j.payment_id = NEW.id AND j.kind = 'settlement')
    THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_settled_is_booked',
            TABLE = TG_TABLE_NAME, MESSAGE = format('payment %s is settled, but no settlement is booked for it', NEW.id);
    END IF;
    IF NEW.state = 'rejected' AND EXISTS (
        SELECT FROM payments_hold h WHERE h.payment_id = NEW.id
           AND NOT EXISTS (SELECT FROM payments_holdresolution r WHERE r.hold_id = h.id))
    THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_rejected_holds_nothing',
            TABLE = TG_TABLE_NAME, MESSAGE = format('payment %s is rejected, but its money is still on hold', NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER payment_end_is_booked AFTER UPDATE ON payments_payment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state IN ('settled', 'rejected'))
    EXECUTE FUNCTION payments_end_is_booked();
ALTER TABLE payments_payment ENABLE ALWAYS TRIGGER payment_end_is_booked;
"""

UNDO = """
DROP TRIGGER payment_end_is_booked ON payments_payment;
DROP FUNCTION payments_end_is_booked();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_rules_in_replica_role")]

    operations = [migrations.RunSQL(RULES, UNDO)]

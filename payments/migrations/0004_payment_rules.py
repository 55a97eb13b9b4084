"""A payment's states and values, guarded where `update()`, the shell and psql pass too."""

from django.db import migrations

RULES = """
-- The edges of the django-fsm machine in payments/models/payment.py; a test compares the two, both ways.
CREATE FUNCTION payment_may_move(source text, target text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (source, target) IN (
    ('received', 'validated'),
    ('validated', 'funds_reserved'),
    ('funds_reserved', 'sending'),
    ('sending', 'settled'),
    ('sending', 'outcome_unknown'),
    ('outcome_unknown', 'sending'),
    ('outcome_unknown', 'settled'),
    ('received', 'rejected'),
    ('validated', 'rejected'),
    ('funds_reserved', 'rejected'),
    ('sending', 'rejected'),
    ('outcome_unknown', 'rejected')
);

CREATE TRIGGER payment_starts_received BEFORE INSERT ON payments_payment FOR EACH ROW
    WHEN (NEW.state <> 'received')
    EXECUTE FUNCTION payments_refuse('payment_starts_received', 'a payment starts as received');

CREATE TRIGGER payment_moves_along_its_states BEFORE UPDATE ON payments_payment FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NOT payment_may_move(OLD.state, NEW.state))
    EXECUTE FUNCTION payments_refuse('payment_moves_along_its_states', 'there is no such transition');

CREATE TRIGGER payment_order_is_fixed BEFORE UPDATE ON payments_payment FOR EACH ROW
    WHEN ((OLD.id, OLD.channel, OLD.saga_id, OLD.uetr, OLD.end_to_end_id, OLD.debtor_account_id, OLD.debtor_name,
           OLD.creditor_name, OLD.creditor_iban, OLD.creditor_bic, OLD.currency, OLD.amount,
           OLD.remittance_information, OLD.requested_execution_on, OLD.created_at)
          IS DISTINCT FROM
          (NEW.id, NEW.channel, NEW.saga_id, NEW.uetr, NEW.end_to_end_id, NEW.debtor_account_id, NEW.debtor_name,
           NEW.creditor_name, NEW.creditor_iban, NEW.creditor_bic, NEW.currency, NEW.amount,
           NEW.remittance_information, NEW.requested_execution_on, NEW.created_at))
    EXECUTE FUNCTION payments_refuse('payment_order_is_fixed', 'what was ordered does not change; order anew');

-- How it ended is written with the end, once. (That it leaves its end is for payment_moves_along_its_states to refuse.)
CREATE TRIGGER payment_end_is_fixed BEFORE UPDATE ON payments_payment FOR EACH ROW
    WHEN (OLD.state IN ('settled', 'rejected') AND NEW.state = OLD.state
          AND (OLD.reason_code, OLD.reason_text, OLD.rail_reference, OLD.settled_at)
              IS DISTINCT FROM (NEW.reason_code, NEW.reason_text, NEW.rail_reference, NEW.settled_at))
    EXECUTE FUNCTION payments_refuse('payment_end_is_fixed', 'how a payment ended does not change');

CREATE FUNCTION payments_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER payment_touch BEFORE UPDATE ON payments_payment FOR EACH ROW EXECUTE FUNCTION payments_touch();

CREATE TRIGGER payment_is_never_deleted BEFORE DELETE OR TRUNCATE ON payments_payment FOR EACH STATEMENT
    EXECUTE FUNCTION payments_refuse('payment_is_never_deleted', 'a payment is rejected or settled, never deleted');
ALTER TABLE payments_payment ENABLE ALWAYS TRIGGER payment_is_never_deleted;
ALTER TABLE payments_payment ENABLE ALWAYS TRIGGER payment_moves_along_its_states;
ALTER TABLE payments_payment ENABLE ALWAYS TRIGGER payment_order_is_fixed;
"""

UNDO = """
DROP TRIGGER payment_is_never_deleted ON payments_payment;
DROP TRIGGER payment_touch ON payments_payment;
DROP FUNCTION payments_touch();
DROP TRIGGER payment_end_is_fixed ON payments_payment;
DROP TRIGGER payment_order_is_fixed ON payments_payment;
DROP TRIGGER payment_moves_along_its_states ON payments_payment;
DROP TRIGGER payment_starts_received ON payments_payment;
DROP FUNCTION payment_may_move(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_ledger_rules")]

    operations = [migrations.RunSQL(RULES, UNDO)]

"""What exact money is, in the database: used by the CHECK constraints of every amount.

The bodies are SQL-standard (RETURN), bound when they are made: they do not depend on a search path, so a dump restores,
and the planner can inline them.
"""

from django.db import migrations

EXPONENT = """
CREATE FUNCTION iso4217_exponent(code text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN code IN (
        'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
        'XAF', 'XOF', 'XPF'
    ) THEN 0
    WHEN code IN (
        'AED', 'AFN', 'ALL', 'AMD', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BMD', 'BND',
        'BOB', 'BOV', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHE', 'CHF', 'CHW', 'CNY',
        'COP', 'COU', 'CRC', 'CUP', 'CVE', 'CZK', 'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR', 'FJD',
        'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GTQ', 'GYD', 'HKD', 'HNL', 'HTG', 'HUF', 'IDR', 'ILS',
        'INR', 'IRR', 'JMD', 'KES', 'KGS', 'KHR', 'KPW', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL',
        'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MXV', 'MYR',
        'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'QAR',
        'RON', 'RSD', 'RUB', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK', 'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP',
        'STN', 'SVC', 'SYP', 'SZL', 'THB', 'TJS', 'TMT', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'USD',
        'USN', 'UYU', 'UZS', 'VED', 'VES', 'WST', 'XCD', 'YER', 'ZAR', 'ZMW'
    ) THEN 2
    WHEN code IN (
        'BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'
    ) THEN 3
    WHEN code IN (
        'CLF', 'UYW'
    ) THEN 4
END;
COMMENT ON FUNCTION iso4217_exponent(text) IS
    'Fraction digits of an active ISO 4217 currency; NULL for a currency that payments may not be in.';
"""

# A CHECK passes on NULL, so an unknown currency must be false here. NaN equals itself in PostgreSQL and is the greatest
# number, so it would pass every other check.
EXACT = """
CREATE FUNCTION is_exact_money(amount numeric, currency text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(amount <> 'NaN'::numeric AND amount = round(amount, iso4217_exponent(currency)), false);
COMMENT ON FUNCTION is_exact_money(numeric, text) IS
    'True if the amount has no more fraction digits than ISO 4217 gives its currency.';
"""


class Migration(migrations.Migration):
    dependencies = []

    operations = [
        migrations.RunSQL(EXPONENT, "DROP FUNCTION iso4217_exponent(text)"),
        migrations.RunSQL(EXACT, "DROP FUNCTION is_exact_money(numeric, text)"),
    ]

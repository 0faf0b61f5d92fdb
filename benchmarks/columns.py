"""What copies of real rows have of their own: SQL by column, for each table.

It reads the rows of ``bench_document`` and ``bench_payment``, and what
:func:`documents.insert` knows.
"""

NARRATION = (
    "<p>Payable within 30 days without deduction. Goods remain our property until "
    "they are paid in full. Claims are to be made within eight days of delivery. "
    "Place of performance and jurisdiction is Springfield. Thank you!</p>"
)

MOVE = {
    "id": "%(move)s + number",
    "name": "%(prefix)s || '/' || number",
    "payment_reference": "%(prefix)s || '/' || number",
    # What real documents carry along makes them wide: reading all of them takes longer
    "ref": "'PO-' || number * 7919::bigint %% 1000000",
    "invoice_origin": "'S' || number",
    "invoice_partner_display_name": "'Customer ' || customer",
    "access_token": "gen_random_uuid()::varchar",
    "narration": "%(narration)s",
    "sequence_prefix": "%(prefix)s || '/'",
    "sequence_number": "number",
    "move_type": "CASE sign WHEN 1 THEN 'out_invoice' ELSE 'out_refund' END",
    "partner_id": "customer",
    "commercial_partner_id": "customer",
    "partner_shipping_id": "customer",
    "date": "day",
    "invoice_date": "day",
    "invoice_date_due": "due",
    "currency_id": "source.currency_id",
    "invoice_currency_rate": "rate",
    "payment_state": "CASE WHEN is_paid THEN 'paid' ELSE 'not_paid' END",
    "amount_untaxed": "price",
    "amount_total": "price",
    "amount_residual": "CASE WHEN is_paid THEN 0 ELSE price END",
    "amount_untaxed_signed": "sign * value",
    "amount_untaxed_in_currency_signed": "sign * price",
    "amount_total_signed": "sign * value",
    "amount_total_in_currency_signed": "sign * price",
    "amount_residual_signed": "CASE WHEN is_paid THEN 0 ELSE sign * value END",
    "create_date": "day",
    "write_date": "CASE WHEN is_paid THEN paid_day ELSE day END",
}
LINE = {
    "move_name": "%(prefix)s || '/' || number",
    "currency_id": "source.currency_id",
    "partner_id": "customer",
    "date": "day",
    "invoice_date": "day",
    "create_date": "day",
}
RECEIVABLE = {
    **LINE,
    "id": "%(receivable)s + number",
    "move_id": "%(move)s + number",
    "name": "%(prefix)s || '/' || number",
    "date_maturity": "due",
    "debit": "CASE sign WHEN 1 THEN value ELSE 0 END",
    "credit": "CASE sign WHEN 1 THEN 0 ELSE value END",
    "balance": "sign * value",
    "amount_currency": "sign * price",
    "amount_residual": "CASE WHEN is_paid THEN 0 ELSE sign * value END",
    "amount_residual_currency": "CASE WHEN is_paid THEN 0 ELSE sign * price END",
    "reconciled": "is_paid",
    "full_reconcile_id": "%(full)s + payment",
    "matching_number": "(%(full)s + payment)::varchar",
    "write_date": "CASE WHEN is_paid THEN paid_day ELSE day END",
}
PRODUCT_LINE = {
    **LINE,
    "id": "%(product_line)s + number",
    "move_id": "%(move)s + number",
    "product_id": "(%(products)s)[1 + product %% %(product_count)s]",
    "debit": "CASE sign WHEN 1 THEN 0 ELSE value END",
    "credit": "CASE sign WHEN 1 THEN value ELSE 0 END",
    "balance": "-sign * value",
    "amount_currency": "-sign * price",
    "price_unit": "price",
    "price_subtotal": "price",
    "price_total": "price",
    "write_date": "day",
}
PAYMENT_MOVE = {
    "id": "%(payment_move)s + number",
    "name": "%(prefix)s || '/PAY/' || number",
    "sequence_prefix": "%(prefix)s || '/PAY/'",
    "sequence_number": "number",
    "partner_id": "customer",
    "commercial_partner_id": "customer",
    "date": "paid_day",
    "currency_id": "source.currency_id",
    "origin_payment_id": "%(payment)s + number",
    "amount_total": "price",
    "amount_total_signed": "value",
    "amount_total_in_currency_signed": "price",
    "create_date": "paid_day",
    "write_date": "paid_day",
}
PAYMENT = {
    "id": "%(payment)s + number",
    "move_id": "%(payment_move)s + number",
    "name": "%(prefix)s || '/PAY/' || number",
    "partner_id": "customer",
    "currency_id": "source.currency_id",
    "date": "paid_day",
    "amount": "price",
    "amount_company_currency_signed": "sign * value",
    "payment_type": "CASE sign WHEN 1 THEN 'inbound' ELSE 'outbound' END",
    "create_date": "paid_day",
    "write_date": "paid_day",
}
PAYMENT_LINE = {
    "id": "%(payment_line)s + number",
    "move_id": "%(payment_move)s + number",
    "move_name": "%(prefix)s || '/PAY/' || number",
    "payment_id": "%(payment)s + number",
    "currency_id": "source.currency_id",
    "partner_id": "customer",
    "date": "paid_day",
    "date_maturity": "paid_day",
    "debit": "CASE sign WHEN 1 THEN 0 ELSE value END",
    "credit": "CASE sign WHEN 1 THEN value ELSE 0 END",
    "balance": "-sign * value",
    "amount_currency": "-sign * price",
    "full_reconcile_id": "%(full)s + number",
    "matching_number": "(%(full)s + number)::varchar",
    "create_date": "paid_day",
    "write_date": "paid_day",
}
FULL = {"id": "%(full)s + number"}
PARTIAL = {
    "id": "%(partial)s + number",
    "debit_move_id": "CASE sign WHEN 1 THEN %(receivable)s + number"
    " ELSE %(payment_line)s + payment END",
    "credit_move_id": "CASE sign WHEN 1 THEN %(payment_line)s + payment"
    " ELSE %(receivable)s + number END",
    "full_reconcile_id": "%(full)s + payment",
    "debit_currency_id": "source.currency_id",
    "credit_currency_id": "source.currency_id",
    "max_date": "paid_day",
    "amount": "value",
    "debit_amount_currency": "price",
    "credit_amount_currency": "price",
    "create_date": "paid_day",
    "write_date": "paid_day",
}

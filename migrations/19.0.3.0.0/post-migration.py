"""From 19.0.2.0.0: what people had follows into its new form, with nothing lost."""

import logging
import re

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Metrics that shipped as custom ones and are built in from now on, by code
BUILT_IN = [
    "main_product_category_id",
    "oldest_overdue_date",
    "open_amount",
    "overdue_amount",
    "overdue_invoices",
]
#: The codes that those had whose code is another one now
FORMER_CODES = {"main_product_category_id": "main_product_category"}
#: Where results and frozen versions name fields of the contact: besides the places
#: that the register of usage knows
FROZEN_TEXTS = {
    "customer.dimension.level": ["field_name"],
    "customer.ruleset": ["company_settings", "settings"],
    "customer.ruleset.rule": ["domain"],
}


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    env.flush_all()
    _follow_renamed_metrics(env)
    for code in BUILT_IN:
        _build_in(env, code)
    env.invalidate_all()


def _follow_renamed_metrics(env):
    """Let what names the field of a metric that was renamed name the new one."""
    metrics = env["customer.metric"].with_context(active_test=False)
    built_in = metrics._get_built_in_codes()
    for metric in metrics.search([("kind", "=", "custom")]):
        former = metric.code.removesuffix(f"_{metric.id}")
        if former != metric.code and former in built_in:
            _rename_in_texts(env, f"x_met_{former}", f"x_met_{metric.code}")


def _build_in(env, code):
    """Make a metric that shipped as a custom one a built-in figure."""
    metric = env.ref(f"customer_classification.metric_{code}", raise_if_not_found=False)
    if not metric or metric.kind == "figure":
        return
    _logger.info(
        "Metric %s is built in from now on; it counted %s of %s",
        code,
        metric.domain,
        metric.model_name,
    )
    former = f"x_met_{FORMER_CODES.get(code, code)}"
    name = f"customer_{code}"
    _rename_in_texts(env, former, name)
    _rename_in_references(env, former, name)
    metric._remove_values()
    metric._remove_partner_fields()
    # not by `write`, which refuses to change what a metric is
    env.flush_all()
    env.cr.execute(
        SQL(
            """
            UPDATE customer_metric
               SET kind = 'figure', model_name = NULL, partner_path = NULL,
                   domain = '[]', measure = NULL, measure_path = NULL,
                   reference_path = NULL, date_path = NULL, window_days = 0,
                   overdue_path = NULL, is_company_aware = TRUE, company_path = NULL,
                   is_waiting = FALSE, is_broken = FALSE, error = NULL
             WHERE id = %s
            """,
            metric.id,
        )
    )
    env.invalidate_all()


def _rename_in_texts(env, former, name):
    """Replace a field's name as a whole word, wherever a text may have it."""
    places = env["customer.usage"]._get_text_fields()
    for model_name, texts in FROZEN_TEXTS.items():
        places[model_name] = texts + places.get(model_name, [])
    env.flush_all()
    for model_name, texts in places.items():
        Model = env[model_name]
        for text in texts:
            env.cr.execute(
                SQL(
                    """
                    UPDATE %(table)s
                       SET %(column)s = regexp_replace(
                               %(column)s::text, %(former)s, %(name)s, 'g'
                           )::%(type)s
                     WHERE %(column)s::text ~ %(former)s
                    """,
                    table=SQL.identifier(Model._table),
                    column=SQL.identifier(text),
                    former=rf"\y{re.escape(former)}\y",
                    name=name,
                    type=SQL(Model._fields[text].column_type[0]),
                )
            )
    env.invalidate_all()


def _rename_in_references(env, former, name):
    """Let automations that refer to the record of a field refer to the other's."""
    Field = env["ir.model.fields"]
    old, new = Field._get("res.partner", former), Field._get("res.partner", name)
    for record, field in env["customer.usage"]._find_fields([former]):
        value = record[field.name]
        record[field.name] = (value - old) | new
    levels = env["customer.dimension.level"].search([("field_id", "in", old.ids)])
    levels.field_id = new
    _rename_in_inputs(env, levels.dimension_id, former, name)


def _rename_in_inputs(env, dimensions, former, name):
    """Let the explanation of what a field decided name the field."""
    for table in ("customer_assignment", "customer_assignment_history"):
        env.cr.execute(
            SQL(
                """
                UPDATE %s
                   SET inputs = regexp_replace(inputs::text, %s, %s, 'g')::jsonb
                 WHERE dimension_id = ANY(%s)
                   AND inputs ? 'fields'
                """,
                SQL.identifier(table),
                rf"\y{re.escape(former)}\y",
                name,
                dimensions.ids,
            )
        )

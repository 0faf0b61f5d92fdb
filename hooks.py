"""What Odoo calls when the addon leaves a database."""

import re

from odoo.tools import SQL

ADDON = "customer_classification"
#: Tables that refer to categories, which Odoo deletes before it drops any table
REFERRING_TABLES = (
    "customer_audience_all_category_rel",
    "customer_audience_any_category_rel",
    "customer_audience_none_category_rel",
    "customer_audience_change",
    "customer_staging",
    "customer_category_change",
    "customer_assignment_history",
    "customer_override",
    "customer_assignment",
    "customer_ruleset_limit",
)


def uninstall_hook(env):
    """Remove what Odoo would stumble over or leave behind.

    The fields of the dimensions and metrics on ``res.partner`` are custom fields:
    without the code that computes them they would stay, broken. Rows that refer to
    categories would stop Odoo from deleting those, with errors in the log.
    """
    env["customer.change"]._drop_triggers()
    env["res.partner"]._remove_customer_statistics()
    _drop_indexes(env)
    dimensions = env["customer.dimension"].with_context(active_test=False).search([])
    metrics = env["customer.metric"].with_context(active_test=False)
    metrics = metrics.search([("kind", "=", "custom")])
    _remove_filters(
        env,
        dimensions.mapped("partner_field_name") + metrics.mapped("partner_field_name"),
    )
    dimensions._remove_partner_fields()
    metrics._remove_partner_fields()
    for table in REFERRING_TABLES:
        env.execute_query(SQL("DELETE FROM %s", SQL.identifier(table)))
    _remove_inheritances(env)
    # Odoo drops foreign keys with their columns, but keeps its records of them
    env.execute_query(
        SQL(
            """
            DELETE FROM ir_model_constraint AS recorded
             USING ir_module_module AS module
             WHERE module.id = recorded.module
               AND module.name = %s
               AND recorded.type = 'f'
            """,
            ADDON,
        )
    )


def _drop_indexes(env):
    """Drop the addon's indexes on the tables of other addons."""
    for model in map(env.get, env.registry):
        if not model._auto or model._abstract or model._original_module == ADDON:
            continue
        for index in model._table_objects.values():
            if index._module == ADDON:
                name = SQL.identifier(index.full_name(model))
                env.execute_query(SQL("DROP INDEX IF EXISTS %s", name))


def _remove_inheritances(env):
    """Remove what other addons note of models they extend by extending a mixin."""
    prefixes = tuple(
        f"model_inherit__{name.replace('.', '_')}__"
        for name in env
        if env[name]._original_module == ADDON
    )
    noted = env["ir.model.data"].search(
        [("model", "=", "ir.model.inherit"), ("module", "!=", ADDON)]
    )
    noted.filtered(lambda data: data.name.startswith(prefixes)).unlink()


def _remove_filters(env, added_fields):
    """Remove the filters that people saved and that could not be evaluated any more.

    One of them as the default filter would make the list of contacts fail.
    """
    models = {name for name in env if env[name]._original_module == ADDON}
    partner_fields = [
        name
        for name, field in env["res.partner"]._fields.items()
        if field._module == ADDON
    ]
    names = "|".join([*partner_fields, *added_fields])
    on_contact, via_contact = rf"\b({names})\b", rf"\.({names})\b"

    def is_broken(row):
        used = " ".join([row.domain, row.context, row.sort])
        pattern = on_contact if row.model_id == "res.partner" else via_contact
        return row.model_id in models or re.search(pattern, used)

    filters = env["ir.filters"].with_context(active_test=False).search([])
    filters.filtered(is_broken).unlink()
    # a mailing made with one of these would stop the queue of all mailings
    favourites = env["mailing.filter"].search([])
    favourites.filtered(
        lambda row: re.search(
            on_contact if row.mailing_model_name == "res.partner" else via_contact,
            row.mailing_domain,
        )
    ).unlink()

"""What Odoo calls when the addon leaves a database."""

import re
from ast import literal_eval

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
    added = dimensions.mapped("partner_field_name")
    added += metrics.mapped("partner_field_name")
    uses = _find_uses(env, added)
    _stop_mailings(env, uses)
    _freeze_mailings(env, uses)
    _remove_filters(env, uses)
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
    """Remove what other addons note of models that extend one of their mixins, or ours.

    That they extend it, and the choices of the fields that come with it.
    """
    names = [name.replace(".", "_") for name in env if _is_ours(env[name])]
    for model, prefix in (
        ("ir.model.inherit", "model_inherit"),
        ("ir.model.fields.selection", "selection"),
    ):
        prefixes = tuple(f"{prefix}__{name}__" for name in names)
        noted = env["ir.model.data"].search(
            [("model", "=", model), ("module", "!=", ADDON)]
        )
        noted.filtered(lambda data, p=prefixes: data.name.startswith(p)).unlink()


def _is_ours(model):
    return model._original_module == ADDON


def _find_uses(env, added_fields):
    """Return a function of a model and a text that says whether it names a field.

    :param added_fields: custom fields of the contact, besides those of the addon
    """
    partner_fields = [
        name
        for name, field in env["res.partner"]._fields.items()
        if field._module == ADDON
    ]
    names = "|".join([*partner_fields, *added_fields])
    on_contact, via_contact = rf"\b({names})\b", rf"\.({names})\b"

    def uses(model_name, text):
        pattern = on_contact if model_name == "res.partner" else via_contact
        return bool(re.search(pattern, text or ""))

    return uses


def _stop_mailings(env, uses):
    """Put back to draft what should not be sent any more without a look at it.

    Nobody compares the recipients of campaigns with those approved any more; their
    mailings keep the list of them. A text that names a missing field, as object.name,
    would stop the queue of all mailings.
    """
    mailings = env["mailing.mailing"].search([("state", "in", ("in_queue", "sending"))])
    texts = ("subject", "preview", "body_html", "body_plaintext")
    for mailing in mailings:
        if mailing.customer_campaign_id or any(
            uses("res.partner", mailing[text]) for text in texts
        ):
            mailing._write_approved({"state": "draft"})


def _freeze_mailings(env, uses):
    """Let mailings that are not sent yet go to whom they would go to now.

    One whose condition names a missing field would stop the queue of all mailings. Who
    cannot be found any more gets nothing: it is a draft then.
    """
    mailings = env["mailing.mailing"].search([("state", "!=", "done")])
    for mailing in mailings:
        model_name = mailing.mailing_model_real
        if not uses(model_name, mailing.mailing_domain):
            continue
        values = {"mailing_filter_id": False}
        try:
            with env.cr.savepoint():
                found = env[model_name].search(literal_eval(mailing.mailing_domain))
                values["mailing_domain"] = repr([("id", "in", found.ids)])
        except Exception:
            values |= {"mailing_domain": repr([("id", "in", [])]), "state": "draft"}
        mailing._write_approved(values)


def _remove_filters(env, uses):
    """Remove the filters that people saved and that could not be evaluated any more.

    One of them as the default filter would make the list of contacts fail.
    """
    models = {name for name in env if _is_ours(env[name])}
    filters = env["ir.filters"].with_context(active_test=False).search([])
    filters.filtered(
        lambda row: (
            row.model_id in models
            or uses(row.model_id, " ".join([row.domain, row.context, row.sort]))
        )
    ).unlink()
    favourites = env["mailing.filter"].search([])
    favourites.filtered(
        lambda row: uses(row.mailing_model_name, row.mailing_domain)
    ).unlink()

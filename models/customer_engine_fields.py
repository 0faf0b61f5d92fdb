"""Links of the tables that the engine fills for every customer."""

from odoo import fields


class EngineMany2one(fields.Many2one):
    """A many2one that the database does not check.

    Checking a foreign key takes longer than writing the narrow row that has it. The
    engine links only what it has just read; rows whose record was deleted are removed
    by whoever deletes it, see :func:`get_engine_columns`.
    """

    def update_db_foreign_key(self, model, column):
        """Add none."""


def get_engine_columns(env, comodel_name):
    """Return the columns that link to a model unchecked, as pairs of table and column.

    Whoever deletes records of the model removes the rows that link to them.
    """
    return sorted(
        (model._table, name)
        for model in map(env.get, env.registry)
        if model._auto and not model._abstract
        for name, field in model._fields.items()
        if isinstance(field, EngineMany2one)
        and field.store
        and field.comodel_name == comodel_name
    )

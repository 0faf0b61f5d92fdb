"""Links of the tables that the engine fills for every customer."""

from odoo import fields
from odoo.tools import SQL


class EngineMany2one(fields.Many2one):
    """A many2one that the database does not check.

    Checking a foreign key takes longer than writing the narrow row that has it. The
    engine links only what it has just read; what becomes of rows whose record is
    deleted is done by whoever deletes it: ``customer.engine.links.mixin`` for records
    of the addon, a trigger for contacts. There, ``ondelete`` means what it always does.
    """

    def update_db_foreign_key(self, model, column):
        """Add none."""


def get_unlinking(table, column, ondelete):
    """Return the beginning of a statement that does what ``ondelete`` says.

    Up to the column of the condition: whose rows it is about comes after it.

    :param str ondelete: ``cascade`` or ``set null``
    """
    names = {"table": SQL.identifier(table), "column": SQL.identifier(column)}
    if ondelete == "cascade":
        return SQL("DELETE FROM %(table)s WHERE %(column)s", **names)
    return SQL("UPDATE %(table)s SET %(column)s = NULL WHERE %(column)s", **names)


def get_engine_columns(env, comodel_name, ondelete=None):
    """Return the columns that link to a model unchecked, as pairs of table and column.

    Whoever deletes records of the model removes the rows that link to them.

    :param str ondelete: only the columns that say this; None for all
    """
    return sorted(
        (model._table, name)
        for model in map(env.get, env.registry)
        if model._auto and not model._abstract
        for name, field in model._fields.items()
        if isinstance(field, EngineMany2one)
        and field.store
        and field.comodel_name == comodel_name
        and ondelete in (None, field.ondelete)
    )

from odoo import api, fields, models
from odoo.tools import SQL

#: What the events do; of the others the row says it
EFFECTS = {
    "run": "computed",
    "set": "decided",
    "none": "decided",
    "add": "decided",
    "exclude": "decided",
    "withdrawn": "released",
    "expired": "released",
}


class CustomerAssignmentHistory(models.Model):
    """What a row of the history says of the two layers: computed, and by hand.

    A computed row ends an interval: ``old_category_id`` was the computed category from
    ``old_since`` until ``date``. A row of people begins or ends a decision, which holds
    to the end of ``date_end``. So what was shown at any time can be told from the rows
    after it and from the last decision before it, and needs no older ones.

    The history of a merged contact follows to the remaining one and keeps whose it
    was, so that both can be told apart for the days before.
    """

    _inherit = "customer.assignment.history"

    event = fields.Selection(
        selection_add=[("moved", "Taken over from a merged contact")],
        ondelete={"moved": "cascade"},
    )
    effect = fields.Selection(
        [
            ("computed", "The computed category changed"),
            ("decided", "A decision by hand holds from here"),
            ("released", "No decision by hand holds from here"),
        ],
        readonly=True,
        help="Only of merges: what the other events do is certain.",
    )
    is_hidden = fields.Boolean(
        "Under a Decision by Hand",
        readonly=True,
        help="The computed category changed while a decision by hand was in force: "
        "nobody saw it.",
    )
    # not a link: the contact is gone
    former_partner_id = fields.Integer(
        "Former Contact",
        readonly=True,
        aggregator=None,
        help="The id of the merged contact whose history this was.",
    )
    former_name = fields.Char("Merged Contact", readonly=True)

    # Decisions are few among the changes; a past day asks for all before it
    _by_hand_idx = models.Index("(dimension_id, date) WHERE event <> 'run'")

    @api.model
    def _get_effect_sql(self, alias):
        """Return SQL for the effect of a row, NULL where it only informs."""
        return SQL(
            "CASE %s %s ELSE %s END",
            SQL.identifier(alias, "event"),
            SQL(" ").join(SQL("WHEN %s THEN %s", *pair) for pair in EFFECTS.items()),
            SQL.identifier(alias, "effect"),
        )

    @api.model
    def _get_identity_sql(self, alias):
        """Return SQL for the contact that a row was about at the time."""
        return SQL(
            "COALESCE(%s, %s)",
            SQL.identifier(alias, "former_partner_id"),
            SQL.identifier(alias, "partner_id"),
        )

    @api.model
    def _get_is_hidden_sql(self, alias, today):
        """Return SQL for whether a decision in force hides a computed row.

        :param str alias: of rows with the columns of an assignment's key
        :param today: the day it is for the rows' company
        """
        return SQL(
            """
            EXISTS (
                SELECT
                  FROM customer_override AS override
                 WHERE override.partner_id = %(alias)s.partner_id
                   AND override.dimension_id = %(alias)s.dimension_id
                   AND override.company_id IS NOT DISTINCT FROM %(alias)s.company_id
                   AND override.slot = %(alias)s.slot
                   AND (override.date_end IS NULL OR override.date_end >= %(today)s)
            )
            """,
            alias=SQL.identifier(alias),
            today=today,
        )

    def _get_effect(self):
        """Return the effect of the row, as :meth:`_get_effect_sql` does."""
        self.ensure_one()
        return EFFECTS.get(self.event, self.effect)

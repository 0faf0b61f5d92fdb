from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_rights import MANAGER_GROUP


class CustomerMovement(models.Model):
    """The history as movements between categories, to be counted.

    A view with the ids of the history: what is not asked for, such as the direction or
    the salesperson, is not joined, and a page of the list is found by the ids.

    ``revenue`` is the net revenue in the period as it was stored when the category
    changed, whatever decided. Where it is unknown, as of what all companies share, it
    is empty, not 0.
    """

    _name = "customer.movement"
    _inherit = ["customer.rows.mixin"]
    _description = "Customer Movement"
    _order = "date desc, id desc"
    _rec_name = "partner_id"
    _auto = False
    _log_access = False
    _depends = {
        "customer.assignment.history": [
            "partner_id",
            "company_id",
            "dimension_id",
            "event",
            "date",
            "old_category_id",
            "new_category_id",
            "run_id",
            "ruleset_id",
            "user_id",
            "inputs",
            "revenue",
            "is_hidden",
        ],
        "customer.category": ["sequence", "is_lost"],
        "customer.dimension": ["is_ranked"],
        "customer.ruleset.criterion": ["ruleset_id", "metric"],
        "res.partner": ["user_id"],
    }

    partner_id = fields.Many2one(required=False)
    dimension_id = fields.Many2one("customer.dimension", readonly=True)
    date = fields.Datetime(readonly=True)
    event = fields.Selection(
        selection=lambda self: (
            self.env["customer.assignment.history"]
            ._fields["event"]
            ._description_selection(self.env)
        ),
        readonly=True,
    )
    direction = fields.Selection(
        [
            ("up", "Upgrade"),
            ("down", "Downgrade"),
            ("side", "Sideways"),
            ("entered", "From none"),
            ("left", "Left"),
            ("merged", "Merged"),
            ("same", "No movement"),
        ],
        readonly=True,
        help="Upgrades and downgrades follow the order of the categories, where their "
        "dimension is ranked. Left: to none, or to a category that counts as lost.",
    )
    old_category_id = fields.Many2one("customer.category", string="From", readonly=True)
    new_category_id = fields.Many2one("customer.category", string="To", readonly=True)
    is_hidden = fields.Boolean(
        "Under a Decision by Hand",
        readonly=True,
        help="Computed while a decision by hand was in force: nobody saw it.",
    )
    is_by_hand = fields.Boolean("By Hand", readonly=True)
    run_id = fields.Many2one("customer.classification.run", readonly=True)
    ruleset_id = fields.Many2one("customer.ruleset", string="Version", readonly=True)
    user_id = fields.Many2one("res.users", string="By", readonly=True)
    salesperson_id = fields.Many2one(
        "res.users", string="Salesperson Today", readonly=True
    )
    revenue = fields.Monetary(
        "Revenue at That Time",
        currency_field="currency_id",
        readonly=True,
        help="The net revenue in the period, as it was computed when this changed. "
        "Empty where none was known.",
    )
    has_revenue = fields.Boolean(
        "Revenue Is Known",
        readonly=True,
        help="Whether there is a number: a page shows 0 where there is none.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    explanation = fields.Char("Why", compute="_compute_explanation")

    def _compute_explanation(self):
        History = self.env["customer.assignment.history"]
        for movement in self:
            movement.explanation = History.browse(movement.id).explanation

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT movement.*, movement.revenue IS NOT NULL AS has_revenue
              FROM (%s) AS movement
            """,
            self._get_movements_query(),
        )

    @api.model
    def _get_movements_query(self):
        return SQL(
            """
            SELECT history.id, history.partner_id, history.company_id,
                   history.dimension_id, history.date, history.event,
                   history.old_category_id, history.new_category_id,
                   history.run_id, history.ruleset_id, history.user_id,
                   COALESCE(history.is_hidden, FALSE) AS is_hidden,
                   history.event <> 'run' AS is_by_hand,
                   partner.user_id AS salesperson_id,
                   CASE WHEN history.event IN ('merged', 'moved') THEN 'merged'
                        WHEN history.old_category_id
                             IS NOT DISTINCT FROM history.new_category_id
                        THEN 'same'
                        WHEN history.new_category_id IS NULL THEN 'left'
                        WHEN is_new.is_lost AND is_old.is_lost IS NOT TRUE THEN 'left'
                        WHEN history.old_category_id IS NULL THEN 'entered'
                        WHEN dimension.is_ranked IS NOT TRUE THEN 'side'
                        WHEN (is_new.sequence, is_new.id)
                             < (is_old.sequence, is_old.id)
                        THEN 'up'
                        ELSE 'down'
                   END AS direction,
                   -- rows of former versions have it where it decided; read as
                   -- `_expand_inputs` does: by name, or by position
                   COALESCE(
                       history.revenue,
                       CASE jsonb_typeof(history.inputs)
                            WHEN 'object' THEN history.inputs ->> 'revenue_window'
                            WHEN 'array' THEN history.inputs ->> revenue.place
                       END::numeric
                   ) AS revenue
              FROM customer_assignment_history AS history
              LEFT JOIN customer_category AS is_old
                ON is_old.id = history.old_category_id
              LEFT JOIN customer_category AS is_new
                ON is_new.id = history.new_category_id
              LEFT JOIN customer_dimension AS dimension
                ON dimension.id = history.dimension_id
              LEFT JOIN res_partner AS partner ON partner.id = history.partner_id
              LEFT JOIN (
                   SELECT ruleset_id,
                          2 * max(number) FILTER (WHERE metric = 'revenue_window')::int
                          AS place
                     FROM (
                         SELECT ruleset_id, metric,
                                row_number() OVER (
                                    PARTITION BY ruleset_id ORDER BY id
                                ) AS number
                           FROM customer_ruleset_criterion
                     ) AS numbered
                    GROUP BY ruleset_id
                   ) AS revenue ON revenue.ruleset_id = history.ruleset_id
            """
        )

    @api.model
    def _get_visible_domain(self):
        domain = super()._get_visible_domain()
        if self.env.user.has_group(MANAGER_GROUP):
            domain |= Domain("partner_id", "=", False)
        return domain

    def _get_hidden(self):
        History = self.env["customer.assignment.history"]
        return self.browse(History.browse(self.ids)._get_hidden().ids)

    @api.depends("partner_id")
    def _compute_display_name(self):
        result = super()._compute_display_name()
        for movement in self.filtered(lambda m: not m.partner_id):
            movement.display_name = self.env._("Anonymized customer")
        return result

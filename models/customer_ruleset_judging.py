from odoo import api, models
from odoo.tools import SQL

from .customer_scope import EVERYONE


class CustomerRuleset(models.Model):
    """How a version judges each customer: by its score, its rules or its fields."""

    _inherit = "customer.ruleset"

    def _get_judged(self, as_of, figures, scope=EVERYONE):
        """Return SQL with a row for each customer and category, and SQL to explain it.

        The rows have the columns ``partner_id``, ``slot``, ``category_id`` (NULL: none)
        and, of a score only, those of ``SCORE_COLUMNS``. Where a customer has one
        category, everyone whom the dimension applies to has a row, as far as they may
        get a category by it. The explanation is an expression over such a row.

        :param date as_of: the day of the computation
        :param SQL figures: a table expression with the figures of those in the scope
        :param Scope scope: whom the step is about; of nobody else anything is read
        """
        self.ensure_one()
        if self.method == "rule":
            return self._get_matched_judged(scope), self._get_matched_inputs(as_of)
        if self.method == "field":
            return self._get_mirrored_judged(scope), self._get_mirrored_inputs(as_of)
        figures = self._get_applicable_figures(self._get_settings(), figures, scope)
        judged = self._get_score_judged(as_of, figures, scope)
        return judged, self._get_score_inputs(as_of)

    @api.model
    def _get_applicable_figures(self, settings, figures, scope=EVERYONE):
        """Return the figures of those whom the dimension applies to.

        Where there is a default category, customers without any figures have a row,
        too.

        :param dict settings: as ``customer.dimension._get_settings`` returns them
        """
        if self._are_about_buyers(settings):
            return figures
        return SQL(
            """(SELECT customer.partner_id, %(columns)s
                  FROM (%(applicable)s) AS customer
                  LEFT JOIN %(figures)s AS figures
                    ON figures.partner_id = customer.partner_id)""",
            columns=self.env["customer.figures"]._get_columns("figures"),
            applicable=self.env["customer.population"]._get_applicable(settings, scope),
            figures=figures,
        )

    def _is_about_buyers(self):
        """Return whether the version judges who has figures, whoever that is."""
        return self._are_about_buyers(self._get_settings())

    @api.model
    def _are_about_buyers(self, settings):
        everyone = settings["applies_to"] == settings["applies_invoices"] == "all"
        return settings["method"] == "score" and everyone and not settings["default"]

from odoo import api, fields, models


class CustomerRuleset(models.Model):
    """Versions that came of a draft."""

    _inherit = "customer.ruleset"

    draft_id = fields.Many2one(
        "customer.draft",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The draft that was applied.",
    )

    @api.model
    def _create_version(self, dimension, company, settings, cuts, **values):
        if values.get("origin") in ("settings", "refresh"):
            draft = self.env["customer.draft"]._find_applied(
                dimension, company, settings
            )
            if draft:
                values |= {"origin": "draft", "draft_id": draft.id}
        return super()._create_version(dimension, company, settings, cuts, **values)


class CustomerDraft(models.Model):
    _inherit = "customer.draft"

    @api.model
    def _find_applied(self, dimension, company, settings):
        """Return the draft that gave a dimension these settings, if it was the last.

        And if no version of the company came of it yet.
        """
        last = self.search(
            [("dimension_id", "=", dimension.id), ("state", "=", "applied")],
            order="applied_at desc, id desc",
            limit=1,
        )
        if not last or company in last.ruleset_ids.mapped("company_id"):
            return last.browse()
        return last if last._get_settings(company) == settings else last.browse()

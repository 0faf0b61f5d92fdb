from odoo import fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one


class CustomerCampaignChoice(models.Model):
    """A contact chosen in a list for a campaign without an audience.

    Its customer is whom the campaign is about; a person that was chosen is written to.
    """

    _name = "customer.campaign.choice"
    _inherit = ["customer.rows.mixin"]
    _description = "Contact Chosen for a Campaign"
    _rec_name = "partner_id"
    _log_access = False  # a narrow row for each of many

    partner_id = EngineMany2one(string="Contact")
    company_id = fields.Many2one(related="campaign_id.company_id")
    campaign_id = fields.Many2one(
        "customer.campaign", required=True, readonly=True, ondelete="cascade"
    )

    _campaign_partner_idx = models.Index("(campaign_id, partner_id)")
    # contacts are deleted and merged
    _partner_idx = models.Index("(partner_id)")


class CustomerCampaign(models.Model):
    """Whom a campaign without an audience is about."""

    _inherit = "customer.campaign"

    choice_count = fields.Integer("Chosen Contacts", compute="_compute_choice_count")

    def _compute_choice_count(self):
        counts = dict(
            # sudo: how many they are; which ones, only who may see them learns
            self.env["customer.campaign.choice"]
            .sudo()
            ._read_group(
                [("campaign_id", "in", self.ids)], ["campaign_id"], ["__count"]
            )
        )
        for campaign in self:
            campaign.choice_count = counts.get(campaign._origin, 0)

    def action_open_choices(self):
        """Open the chosen contacts."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_campaign_choice_action"
        )
        return {**action, "domain": [("campaign_id", "=", self.id)]}

    def _add_choices(self, domain, active_test=True):
        """Let the campaign be about contacts that match, as the user sees them.

        :param bool active_test: whether to leave out archived ones
        """
        self.ensure_one()
        self._check_is_draft()
        partners = self.env["res.partner"]._search(domain, active_test=active_test)
        Choice = self.env["customer.campaign.choice"]
        Choice.flush_model()
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_campaign_choice (campaign_id, partner_id)
                SELECT %(campaign)s, id
                  FROM (%(partners)s) AS chosen
                 WHERE id NOT IN (
                       SELECT partner_id
                         FROM customer_campaign_choice
                        WHERE campaign_id = %(campaign)s
                       )
                """,
                campaign=self.id,
                partners=partners.select(),
            )
        )
        Choice.invalidate_model()
        self.invalidate_recordset(["choice_count", "choice_ids"])

    def _copy_choices(self, campaign):
        """Let the campaign be about the contacts that were chosen for another."""
        self.ensure_one()
        if campaign.choice_count:
            chosen = self.env["customer.campaign.choice"]._search(
                [("campaign_id", "=", campaign.id)]
            )
            self._add_choices(
                [("id", "in", chosen.subselect("partner_id"))], active_test=False
            )

    def _get_chosen_customers_query(self):
        """Return SQL that selects the ids of the chosen contacts' customers.

        As the user may see them; none is a company of the database.
        """
        self.ensure_one()
        Partner = self.env["res.partner"]
        Partner.flush_model(["commercial_partner_id"])
        visible = Partner._search([], active_test=False)
        return SQL(
            """
            SELECT DISTINCT contact.commercial_partner_id AS id
              FROM res_partner AS contact
             WHERE contact.id IN %(chosen)s
               AND contact.commercial_partner_id IN %(visible)s
               AND contact.commercial_partner_id NOT IN (
                   SELECT partner_id FROM res_company
                   )
            """,
            chosen=self._get_chosen().subselect("partner_id"),
            visible=visible.subselect(),
        )

    def _get_chosen(self):
        """Return the query of the chosen contacts that the user may see."""
        return self.env["customer.campaign.choice"]._search(
            [("campaign_id", "in", self._origin.ids)]
        )

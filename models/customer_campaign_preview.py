from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_list

from .customer_campaign_member import REASONS


class CustomerCampaign(models.Model):
    """How many customers a campaign is about: now in a draft, else as approved."""

    _inherit = "customer.campaign"

    customer_count = fields.Integer("Customers", compute="_compute_member_counts")
    target_count = fields.Integer("To Write To", compute="_compute_member_counts")
    holdout_count = fields.Integer("Held Out", compute="_compute_member_counts")
    control_count = fields.Integer("Control Group", compute="_compute_member_counts")
    excluded_count = fields.Integer("Not Reachable", compute="_compute_member_counts")
    preview = fields.Html(
        compute="_compute_preview",
        sanitize=False,
        help="What approving would give now.",
    )

    def _compute_member_counts(self):
        rows = self.env.execute_query(
            SQL(
                """
                SELECT campaign_id, role, count(*)
                  FROM customer_campaign_member
                 WHERE campaign_id = ANY(%s)
                   AND reason IS DISTINCT FROM 'present'
                 GROUP BY campaign_id, role
                """,
                self._origin.ids,
            )
        )
        counts = {}
        for campaign_id, role, count in rows:
            counts.setdefault(campaign_id, {})[role] = count
        for campaign in self:
            by_role = counts.get(campaign._origin.id, {})
            campaign.customer_count = sum(by_role.values())
            for role in ("target", "holdout", "control", "excluded"):
                campaign[f"{role}_count"] = by_role.get(role, 0)

    @api.depends(
        "state",
        "audience_id",
        "is_standing",
        "includes_present",
        "channel",
        "company_id",
        "holdout_share",
        "gap_days",
        "schedule_date",
    )
    @api.depends_context("uid", "lang")
    def _compute_preview(self):
        for campaign in self:
            campaign.preview = (
                campaign._render_preview() if campaign.state == "draft" else False
            )

    def _render_preview(self):
        """Return the numbers of a draft as a table, or why there are none."""
        self.ensure_one()
        values = {"campaign": self, "error": False, "lines": [], "reasons": []}
        if not self.audience_id and not self.choice_count:
            values["error"] = self.env._("Choose an audience.")
        else:
            try:
                with self.env.cr.savepoint():
                    numbers = self._preview_members()
            except UserError as error:
                values["error"] = str(error)
            else:
                values["lines"] = self._get_number_lines(numbers)
                values["reasons"] = self._get_reason_lines(numbers)
        return self.env["ir.qweb"]._render(
            "customer_classification.campaign_preview", values
        )

    def _preview_members(self):
        """Count whom approving would freeze now, by role and reason."""
        self.ensure_one()
        self.env["customer.campaign.member"].flush_model()
        return self._get_numbers(
            SQL("(%s)", self._get_cohort_query(self._get_customers_query()))
        )

    def _count_members(self):
        """Count those whom the campaign is about, by role and reason."""
        self.ensure_one()
        self.env["customer.campaign.member"].flush_model()
        return self._get_numbers(
            SQL(
                """(SELECT role, reason
                      FROM customer_campaign_member
                     WHERE campaign_id = %s
                       AND reason IS DISTINCT FROM 'present')""",
                self.id,
            )
        )

    def _get_numbers(self, rows):
        """Return the numbers of rows by their role and reason.

        :param SQL rows: a query in brackets
        """
        return {
            (role, reason): count
            for role, reason, count in self.env.execute_query(
                SQL(
                    "SELECT role, reason, count(*) FROM %s AS cohort GROUP BY 1, 2",
                    rows,
                )
            )
        }

    @api.model
    def _get_number_lines(self, numbers):
        """Return label and number of each role, all together first."""
        by_role = {}
        for (role, _reason), count in numbers.items():
            by_role[role] = by_role.get(role, 0) + count
        labels = {
            "target": self.env._("Will be written to"),
            "holdout": self.env._("Held out"),
            "control": self.env._("Control group"),
            "excluded": self.env._("Not reachable"),
        }
        return [
            ("all", self.env._("Customers"), sum(by_role.values())),
            *((role, label, by_role.get(role, 0)) for role, label in labels.items()),
        ]

    @api.model
    def _get_reason_lines(self, numbers):
        """Return label and number of each reason for which somebody is excluded."""
        labels = dict(
            self.env["customer.campaign.member"]
            ._fields["reason"]
            ._description_selection(self.env)
        )
        return [
            (labels[reason], numbers["excluded", reason])
            for reason, _label in REASONS
            if numbers.get(("excluded", reason))
        ]

    def _describe_numbers(self, numbers):
        """Return the numbers as a sentence, or nothing where there are none."""
        if not numbers:
            return ""
        lines = [
            self.env._("%(label)s: %(count)s", label=label, count=count)
            for role, label, count in self._get_number_lines(numbers)
            if count and role != "excluded"
        ]
        lines += [
            self.env._("%(label)s: %(count)s", label=label, count=count)
            for label, count in self._get_reason_lines(numbers)
        ]
        return format_list(self.env, lines)

    def _describe_members(self):
        """Return the numbers of whom the campaign is about, for its log."""
        numbers = self._describe_numbers(self._count_members())
        if not numbers:
            return self.env._(
                "Approved. It writes to those who come into the audience."
            )
        return self.env._("Approved. %(numbers)s", numbers=numbers)

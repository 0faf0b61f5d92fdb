from odoo import api, fields, models
from odoo.tools import format_amount, format_date


def _round_up(count):
    """Return a number that is an estimate with its first two digits only."""
    unit = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // unit) * unit


class CustomerCampaign(models.Model):
    """What a campaign earned, in plain sentences."""

    _inherit = "customer.campaign"

    result_text = fields.Char("Result", compute="_compute_result_text")
    result_notes = fields.Text("About the Result", compute="_compute_result_text")

    @api.depends(
        "state",
        "sent_on",
        "result_date",
        "result_target_count",
        "result_other_count",
        "comparison_role",
        "lift",
        "lift_low",
        "lift_high",
        "lift_verdict",
        "effect",
        "effect_low",
        "effect_high",
        "needed_target_count",
        "needed_other_count",
        "ongoing_count",
        "counted_until",
        "revenue",
        "revenue_shared",
    )
    @api.depends_context("lang")
    def _compute_result_text(self):
        for campaign in self:
            campaign.result_text = campaign._get_result_sentence()
            campaign.result_notes = "\n".join(campaign._get_result_notes())
            campaign.effect_limits = campaign._get_effect_limits()

    def _get_result_sentence(self):
        """Return what can be said of the effect today, in one or two sentences."""
        if not self.sent_on:
            return self.env._("Nothing was sent yet.")
        if not self.result_date:
            return self.env._("Not counted yet: this is done every night.")
        if not self.result_target_count:
            return self.env._("No customer got a message.")
        if not self.comparison_role:
            return self.env._("No comparison: nobody was held out.")
        if self.lift_verdict == "none":
            return self._get_no_comparison_sentence()
        amounts = {
            "difference": self._format_result(abs(self.lift)),
            "low": self._format_result(self.lift_low),
            "high": self._format_result(self.lift_high),
            "effect": self._format_result(abs(self.effect)),
        }
        if self.lift_verdict == "more":
            return self.env._(
                "Customers with the message bought for %(difference)s more each "
                "(between %(low)s and %(high)s), %(effect)s in all.",
                **amounts,
            )
        if self.lift_verdict == "less":
            amounts["low"] = self._format_result(-self.lift_high)
            amounts["high"] = self._format_result(-self.lift_low)
            return self.env._(
                "Customers with the message bought for %(difference)s less each "
                "(between %(low)s and %(high)s), %(effect)s in all.",
                **amounts,
            )
        return self._get_unclear_sentence(amounts)

    def _get_effect_limits(self):
        """Return between which amounts the effect in all is, or nothing."""
        if self.lift_verdict not in ("more", "less", "unclear"):
            return False
        amounts = {
            "low": self._format_result(self.effect_low),
            "high": self._format_result(self.effect_high),
        }
        if self.lift_verdict == "unclear":
            return self.env._("may be chance: between %(low)s and %(high)s", **amounts)
        return self.env._("between %(low)s and %(high)s", **amounts)

    def _get_unclear_sentence(self, amounts):
        """Return the sentence about a difference that may be chance."""
        if not self.lift:
            return self.env._(
                "No effect can be shown: customers with and without the message bought "
                "for the same amount each (the difference is between %(low)s and "
                "%(high)s).",
                **amounts,
            )
        amounts["difference"] = self._format_result(self.lift)
        return self.env._(
            "No effect can be shown yet: the difference of %(difference)s per customer "
            "may be chance (between %(low)s and %(high)s). About %(targets)s customers "
            "with the message and %(others)s without would be needed to be certain of "
            "such a difference.",
            targets=self._format_count(_round_up(self.needed_target_count)),
            others=self._format_count(_round_up(self.needed_other_count)),
            **amounts,
        )

    def _get_no_comparison_sentence(self):
        """Return why a difference has no limits."""
        if min(self.result_target_count, self.result_other_count) < 2:
            return self.env._(
                "No comparison: it takes at least two customers with the message and "
                "two without."
            )
        return self.env._(
            "No comparison yet: so far all customers, with and without the message, "
            "bought for the same amount."
        )

    def _get_result_notes(self):
        """Return what has to be known to read the result, a sentence each."""
        notes = []
        if not self.result_target_count:
            return notes
        if self.comparison_role == "control":
            notes.append(
                self.env._(
                    "Nobody was held out: compared with the control group that no "
                    "campaign writes to."
                )
            )
        if self.ongoing_count:
            notes.append(
                self.env._(
                    "Not final: %(count)s customers are still counted, the last of "
                    "them until %(day)s.",
                    count=self._format_count(self.ongoing_count),
                    day=format_date(self.env, self.counted_until),
                )
            )
        if self.revenue_shared or self.overlap_ids:
            notes.append(
                self.env._(
                    "%(shared)s of the revenue of %(revenue)s also counts in other "
                    "campaigns: do not add them up.",
                    shared=self._format_result(self.revenue_shared),
                    revenue=self._format_result(self.revenue),
                )
            )
        return notes

    def _format_result(self, amount):
        return format_amount(self.env, amount, self.currency_id)

    def _format_count(self, count):
        """Return a number of customers as the user writes numbers."""
        lang = self.env["res.lang"]._lang_get(self.env.lang or "en_US")
        return lang.format("%d", count, grouping=True)

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from .customer_run_schedule import NIGHTLY_CRON


class NotAsShown(Exception):
    """The run gave other customers another category than the comparison showed."""


class CustomerDraft(models.Model):
    """Applies a draft: exactly what was shown, or nothing.

    The draft is compared once more. Where that moves other customers than people have
    seen, because an invoice came in between, nothing is applied; they look at the new
    result and decide again. Otherwise the draft becomes the dimension's settings, and
    an ordinary run makes the version and applies it: in the same transaction where it
    takes seconds, where what it did is compared with what was shown, too; in the
    background where there are very many customers.
    """

    _inherit = "customer.draft"

    message = fields.Text(
        readonly=True, copy=False, help="Why the draft was not applied."
    )
    applied_at = fields.Datetime("Applied On", readonly=True, copy=False)
    applied_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    ruleset_ids = fields.One2many(
        "customer.ruleset", "draft_id", string="Versions", readonly=True
    )

    def action_apply(self):
        """Apply the draft, where it still gives what was shown."""
        self.ensure_one()
        self._check_may_apply()
        self._check_editable()
        self._check_seen()
        made = self._compare(is_verification=True)
        if "pending" in made.mapped("state"):
            self.sudo().write({"state": "applying", "applied_by_id": self.env.uid})
        else:
            self._apply_if_same(is_at_once=True)

    def action_open_rulesets(self):
        """Open the versions that came of the draft."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Rules Versions"),
            "res_model": "customer.ruleset",
            "views": [[False, "list"], [False, "form"]],
            "domain": [("draft_id", "=", self.id)],
        }

    # Who may

    def _check_may_apply(self):
        """Refuse to go on where applying would change what the user may not.

        :raise AccessError: saying what, and who may
        :raise UserError: where no run would follow the draft
        """
        self._check_may_try()
        self._check_dimension()
        hidden = self._get_hidden_companies()
        if hidden:
            raise AccessError(
                self.env._(
                    "“%(dimension)s” is used in %(count)s companies that you may not "
                    "see, and its rules are the same there. Ask somebody who may see "
                    "all of them to apply the draft.",
                    dimension=self.dimension_id.name,
                    count=len(hidden),
                )
            )
        if self._has_other_period():
            self.company_id._check_may_set_customer_settings(["customer_window_days"])

    def _has_other_period(self):
        """Return whether applying changes the period of the company."""
        # sudo: how long the period is, is no secret to who configures
        present = self.company_id.sudo().customer_window_days
        return not self.is_shared and self.window_days != present

    def _check_seen(self):
        """Refuse to go on where nobody has seen what the draft does.

        :raise UserError: where it was not compared, or edited since
        """
        # sudo: how far the comparison is, is the same for everybody
        shown = self.sudo()._get_all_shown()
        if not shown or set(shown.mapped("state")) != {"done"} or self._was_edited():
            raise UserError(
                self.env._(
                    "Compare the draft first, as it is now, and look at what it would "
                    "change."
                )
            )

    # Applying

    def _after_comparison(self):
        """Go on, now that the last comparison in the background is at its end."""
        if self.state != "applying":
            return
        user = self.applied_by_id
        companies = user.company_ids.ids
        draft = self.with_user(user).with_context(allowed_company_ids=companies)
        try:
            with self.env.cr.savepoint():
                draft._check_may_apply()
                draft._apply_if_same()
        except (AccessError, UserError) as error:
            self.env.invalidate_all()
            self._give_up(str(error))

    def _apply_if_same(self, is_at_once=False):
        """Apply the draft where the last comparison moves whom people have seen.

        :param bool is_at_once: in this transaction, not by a scheduled action
        """
        # sudo: the comparisons are the engine's; the rights were checked
        draft = self.sudo()
        made = draft.comparison_ids.filtered("is_verification")
        shown = draft._get_all_shown()
        failed = made.filtered(lambda comparison: comparison.state == "failed")
        if failed:
            made._remove()
            self._give_up("\n".join(failed.mapped("error")))
            return
        differences = self._get_differences(shown, made)
        if differences:
            shown._remove()
            made.is_verification = False
            self._give_up(
                self.env._(
                    "Nothing was applied: something changed since the comparison, such "
                    "as an invoice. Here is the new result; apply the draft again if "
                    "it is what you want."
                )
                + "\n"
                + "\n".join(differences)
            )
            return
        made._remove()
        if is_at_once:
            self._apply_at_once(shown)
        else:
            self._write_settings()
            self._ask_for_run()

    def _get_differences(self, shown, made):
        """Return what differs between comparisons, as lines of text; none: nothing."""
        companies = {comparison.company_id: comparison for comparison in shown}
        differences = []
        for comparison in made:
            former = companies.pop(comparison.company_id, comparison.browse())
            if former and former._get_digest() == comparison._get_digest():
                continue
            lines = former._describe_differences(comparison)
            differences += lines or [
                self.env._("As many customers as before, but other ones.")
            ]
        return differences or [company.name for company in companies]

    def _apply_at_once(self, shown):
        """Apply the draft and classify; take it back where that is not as shown."""
        try:
            with self.env.cr.savepoint():
                self._write_settings()
                companies = self.env.user.company_ids.filtered_domain(
                    [("parent_id", "=", False)]
                )
                Run = self.env["customer.classification.run"]
                # sudo: what the run did is compared with what the engine has shown
                run = Run.classify(companies=companies).sudo()
                if not all(comparison._is_done_by(run) for comparison in shown):
                    raise NotAsShown(
                        "\n".join(filter(None, run.line_ids.mapped("error")))
                    )
        except NotAsShown as error:
            self.env.invalidate_all()
            # they may name categories that are gone again
            self.env.registry.clear_cache("stable")
            self.env.registry.clear_cache("templates")
            self._give_up(
                self.env._(
                    "Nothing was applied: a computation of today would give something "
                    "else than was shown, because other dimensions or metrics that the "
                    "rules read wait for it. Choose “Recompute Now”, then compare "
                    "again."
                )
                + "\n"
                + str(error)
            )

    def _give_up(self, message):
        """Let people edit and compare again; tell them, and the author, why."""
        # sudo: the state is the engine's
        self.sudo().write({"state": "draft", "message": message.strip()})
        if self.env.user != self.user_id:
            self.message_post(
                body=message,
                partner_ids=self.user_id.sudo().partner_id.ids,
                subtype_xmlid="mail.mt_comment",
            )

    def _write_settings(self):
        """Make the draft the settings of the dimension, from the next run on."""
        dimension = self.dimension_id
        company = self.env["res.company"] if self.is_shared else self.company_id
        settings = self._get_settings(company)
        settings.pop("rules", None)
        dimension._apply_settings(settings, company)
        if self.method == "rule":
            self._write_rules()
        if self.is_renewed:
            # sudo: the engine writes versions
            versions = dimension.sudo().ruleset_ids
            versions.filtered(lambda r: r.state == "active")._expire_cuts()
        self._set_waiting_aside()
        # sudo: the state is the engine's
        self.sudo().write(
            {
                "state": "applied",
                "message": False,
                "applied_at": fields.Datetime.now(),
                "applied_by_id": self.env.uid,
            }
        )

    def _set_waiting_aside(self):
        """Let no version wait for a decision: people have looked at what comes.

        One with the same settings would be found by the run, and stay held.
        """
        # sudo: the engine writes versions
        versions = self.env["customer.ruleset"].sudo()
        versions._get_waiting_anywhere(self.dimension_id)._set_aside()

    def _write_rules(self):
        """Make the draft's rules those of the dimension, in their order."""
        Rule = self.env["customer.dimension.rule"].with_context(active_test=False)
        kept = Rule
        tried = self.rule_ids.sorted(lambda rule: (rule.sequence, rule.id))
        for sequence, rule in enumerate(tried, 1):
            values = {
                "sequence": sequence,
                "active": True,
                "category_id": rule.category_id.id,
                "domain": rule.domain,
                "company_id": rule.company_id.id,
            }
            if rule.origin_id:
                rule.origin_id.write(values)
            else:
                rule.origin_id = Rule.create(
                    {**values, "dimension_id": self.dimension_id.id, "name": rule.name}
                )
            rule.origin_id._set_names(rule._get_names())
            kept += rule.origin_id
        (self.dimension_id.rule_ids - kept).active = False

    @api.model
    def _ask_for_run(self):
        """Have all companies classified as soon as possible."""
        # sudo: the engine writes the runs; scheduled actions are the administrators'
        runs = self.env["customer.classification.run"].sudo()
        runs._create_run("request", runs._get_all_companies())
        self.env.ref(NIGHTLY_CRON).sudo()._trigger()


class CustomerComparison(models.Model):
    _inherit = "customer.comparison"

    def _is_done_by(self, run):
        """Return whether a run changed exactly what this comparison shows."""
        self.ensure_one()
        [[different]] = self.env.execute_query(
            SQL(
                """
                WITH done AS (
                    SELECT partner_id, slot, category_id
                      FROM customer_assignment
                     WHERE run_id = %(run)s
                       AND dimension_id = %(dimension)s
                       AND company_id IS NOT DISTINCT FROM %(company)s
                ),
                shown AS (
                    SELECT partner_id, slot, to_id
                      FROM customer_comparison_row
                     WHERE comparison_id = %(comparison)s
                )
                SELECT EXISTS (
                    SELECT
                      FROM done
                      FULL JOIN shown USING (partner_id, slot)
                     WHERE done.category_id IS DISTINCT FROM shown.to_id
                        OR done.partner_id IS NULL AND shown.partner_id IS NULL
                )
                """,
                run=run.id,
                dimension=self.dimension_id.id,
                company=self.company_id.id or None,
                comparison=self.id,
            )
        )
        return not different

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL, float_repr, format_date

from .customer_rights import MANAGER_GROUP

#: One customer alone is never held, however few there are
ALONE = 1


class CustomerHold(models.Model):
    """A change of too many customers at once, which waits for a manager.

    * *New version*: it would change more than the dimension's share of the classified
      customers. The version before it decides meanwhile.
    * *Movement*: the invoices, payments and contacts of one day changed more than that
      share; those beyond it keep their category. Further movement in the dimension
      waits with them.

    Approved, an ordinary run does what waited. Rejected, a version stays out of force
    until the settings change again; movement waits until the next day only, since
    the facts are what they are: they are looked at again then.
    """

    _name = "customer.hold"
    _inherit = ["customer.engine.links.mixin", "mail.thread"]
    _description = "Held Change"
    _order = "id desc"
    _rec_name = "dimension_id"
    _mail_post_access = "read"
    _check_company_auto = True

    dimension_id = fields.Many2one(
        "customer.dimension",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        index=True,
        ondelete="cascade",
        help="Empty: a dimension that all companies share.",
    )
    kind = fields.Selection(
        [("version", "New version of the rules"), ("data", "Movement of a day")],
        required=True,
        readonly=True,
    )
    ruleset_id = fields.Many2one(
        "customer.ruleset",
        string="Version",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    run_id = fields.Many2one(
        "customer.classification.run",
        string="Held By",
        readonly=True,
        ondelete="set null",
    )
    state = fields.Selection(
        [
            ("held", "Waits for a Decision"),
            ("approved", "Approved"),
            ("rejected", "Rejected"),
            ("replaced", "No Longer Needed"),
        ],
        required=True,
        readonly=True,
        default="held",
    )
    day = fields.Date(required=True, readonly=True)
    share = fields.Float(
        "Allowed (%)", digits=(5, 2), readonly=True, help="Of the classified customers."
    )
    classified_count = fields.Integer("Classified Customers", readonly=True)
    passed_count = fields.Integer(
        "Changed Before",
        readonly=True,
        help="Customers who had changed on that day before it was held.",
    )
    counted = fields.Integer(
        "Customers Counted", readonly=True, help="Whom a new version would change."
    )
    moved_count = fields.Integer("Customers Who Would Change", compute="_compute_moved")
    moved_share = fields.Float(
        "Would Change (%)",
        digits=(5, 1),
        compute="_compute_moved",
        help="Of the classified customers, with those who had changed before.",
    )
    comparison_id = fields.Many2one(
        "customer.comparison", readonly=True, ondelete="set null"
    )
    comparison_state = fields.Selection(
        related="comparison_id.state", string="State of the Comparison"
    )
    cell_ids = fields.One2many(related="comparison_id.cell_ids")
    matrix = fields.Json(related="comparison_id.matrix")
    movement_ids = fields.One2many("customer.hold.customer", "hold_id", readonly=True)
    decided_by_id = fields.Many2one("res.users", readonly=True)
    decided_at = fields.Datetime("Decided", readonly=True)
    decided_day = fields.Date(
        readonly=True, help="The day of the decision, where the company is."
    )
    reason = fields.Char(readonly=True)

    _standing_unique = models.UniqueIndex(
        "(dimension_id, COALESCE(company_id, 0), kind) WHERE state = 'held'"
    )

    @api.depends("dimension_id", "day", "kind")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for hold in self:
            names = {
                "dimension": hold.dimension_id.name,
                "day": format_date(self.env, hold.day),
            }
            hold.display_name = (
                self.env._("%(dimension)s: new version of %(day)s", **names)
                if hold.kind == "version"
                else self.env._("%(dimension)s: movement of %(day)s", **names)
            )

    @api.depends("counted", "kind", "passed_count")
    def _compute_moved(self):
        waiting = self.env["customer.hold.customer"]._count_held(self)
        for hold in self:
            is_data = hold.kind == "data" and hold.state == "held"
            # the record is made before its customers are noted
            hold.moved_count = (is_data and waiting.get(hold.id)) or hold.counted
            moved = hold.moved_count + hold.passed_count
            hold.moved_share = (
                100.0 * moved / hold.classified_count if hold.classified_count else 0.0
            )

    # Holding

    @api.model
    def _get_standing(self, dimension, company, kind=None):
        """Return what waits for a decision in a dimension."""
        domain = [
            ("dimension_id", "=", dimension.id),
            ("company_id", "=", company.id or False),
            ("state", "=", "held"),
        ]
        if kind:
            domain.append(("kind", "=", kind))
        return self.search(domain)

    @api.model
    def _get_blocking(self, dimension, company, day):
        """Return what keeps the customers of a dimension where they are on a day."""
        rejected_today = self.search(
            [
                ("dimension_id", "=", dimension.id),
                ("company_id", "=", company.id or False),
                ("kind", "=", "data"),
                ("state", "=", "rejected"),
                ("decided_day", ">=", day),
            ],
            limit=1,
        )
        return self._get_standing(dimension, company, "data") or rejected_today

    @api.model
    def _count_classified(self, dimension, company, limit=None):
        """Return how many customers have a category by computation.

        :param int limit: count no further
        """
        [[count]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*)
                  FROM (
                      SELECT partner_id
                        FROM customer_assignment
                       WHERE dimension_id = %(dimension)s
                         AND %(in_company)s
                         AND category_id IS NOT NULL
                       %(grouped)s
                       LIMIT %(limit)s
                  ) AS classified
                """,
                # without several for a customer, the first ones of an index
                grouped=SQL("GROUP BY partner_id")
                if dimension.is_multiple
                else SQL("ORDER BY category_id"),
                dimension=dimension.id,
                in_company=SQL("company_id = %s", company.id)
                if company
                else SQL("company_id IS NULL"),
                limit=limit,
            )
        )
        return count

    @api.model
    def _is_too_much(self, dimension, company, moved):
        """Return whether so many are more than may change of the classified customers.

        In whole numbers: exactly the share passes. No more customers are counted than
        it takes to know, so that it costs what changed and not what there is.
        """
        if moved <= ALONE:
            return False
        share = round(dimension.brake_share * 100)
        enough = -(-moved * 10_000 // share)
        return self._count_classified(dimension, company, enough) < enough

    @api.model
    def _hold(self, line, dimension, **values):
        """Return a new record of what is held, and tell the managers."""
        hold = self.with_context(mail_create_nolog=True).create(
            {
                "dimension_id": dimension.id,
                "company_id": line.company_id.id,
                "run_id": line.run_id.id,
                "day": line.as_of,
                "share": dimension.brake_share,
                **values,
            }
        )
        hold._tell_managers()
        return hold

    def action_compare(self):
        """Work out what would change if this were approved now."""
        self.ensure_one()
        self._check_may_decide()._compare()

    def _compare(self):
        """Make the matrix: at once, or in the background where they are many."""
        self.ensure_one()
        Ruleset, Comparison = (
            self.env["customer.ruleset"],
            self.env["customer.comparison"],
        )
        ruleset = self.ruleset_id or Ruleset._get_in_force(
            self.dimension_id, self.company_id
        )
        if not ruleset:
            return
        former = self.comparison_id
        self.comparison_id = Comparison._begin(
            self.dimension_id, self.company_id, ruleset_id=ruleset.id
        )
        former.unlink()
        if Comparison._is_small():
            self.comparison_id._finish()
        else:
            Comparison._ask_for_step()

    def _tell_managers(self):
        """Ask the managers who work in the company for a decision."""
        self.ensure_one()
        managers = self.env.ref(MANAGER_GROUP).all_user_ids.filtered(
            lambda user: (
                user.active
                and (not self.company_id or self.company_id in user.company_ids)
            )
        )
        if not managers:
            return
        hold = self.with_context(lang=managers[:1].lang or self.env.lang)
        hold.message_post(
            body=Markup("<p>%s</p><p>%s</p>")
            % (
                hold._describe(),
                hold.env._("Please look at what would change, and approve or reject."),
            ),
            subject=hold.display_name,
            partner_ids=managers.partner_id.ids,
            subtype_xmlid="mail.mt_comment",
        )

    def _describe(self):
        """Say in a sentence or two what is held."""
        self.ensure_one()
        numbers = {
            "dimension": self.dimension_id.name,
            "moved": self.moved_count,
            "passed": self.passed_count,
            "classified": self.classified_count,
            "share": float_repr(self.share, 2).rstrip("0").rstrip("."),
        }
        if self.state == "rejected":
            return self.env._(
                "%(dimension)s: a manager decided that nobody changes category by "
                "computation any more today; they are looked at again tomorrow.",
                **numbers,
            )
        if self.kind == "version":
            return self.env._(
                "%(dimension)s: a new version of the rules would change the category "
                "of %(moved)s of %(classified)s customers, more than %(share)s%%. It "
                "waits for a decision; the version before it decides meanwhile.",
                **numbers,
            )
        return self.env._(
            "%(dimension)s: more than %(share)s%% of the %(classified)s customers "
            "would change category in one day. %(passed)s have changed; the others "
            "keep their category and wait for a decision.",
            **numbers,
        )

    @api.model
    def _describe_waiting(self, company, day):
        """Return what waits in a company, or is kept for the day, as text."""
        own = fields.Domain("company_id", "=", company.id or False)
        domain = own & fields.Domain("dimension_id.active", "=", True)
        kept = fields.Domain("state", "=", "rejected") & fields.Domain(
            [("kind", "=", "data"), ("decided_day", ">=", day)]
        )
        holds = self.search(domain & (fields.Domain("state", "=", "held") | kept))
        return "\n".join(hold._describe() for hold in holds.sorted("id")) or False


class CustomerComparison(models.Model):
    _inherit = "customer.comparison"

    def _has_happened(self):
        # sudo: whether it was approved is no secret to who sees the matrix
        approved = self.env["customer.hold"].sudo()
        return super()._has_happened() or bool(
            approved.search_count(
                [("comparison_id", "=", self.id), ("state", "=", "approved")], limit=1
            )
        )

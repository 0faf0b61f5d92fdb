from odoo import api, fields, models
from odoo.exceptions import UserError

#: What may still change on a version after it was activated
LIFECYCLE_FIELDS = {
    "state",
    "activated_at",
    "superseded_at",
    "refresh_on",
    "is_wanted",
}
#: Limits taken from fewer customers say little: they are renewed every day
FEW_CUSTOMERS = 30
#: The settings that say whom the cut points are taken from
POPULATION_SETTINGS = (
    "company",
    "applies_to",
    "applies_invoices",
    "minimum_kept_share",
    "minimum_purchases",
)


class CustomerRuleset(models.Model):
    """A frozen version of a dimension's settings for one company.

    It holds the weights, the limits of the categories, the period and the cut
    points of the scores. A run computes with exactly one version; assignments and
    history name theirs, so that "why?" has an answer years later. A version is
    made as a draft by a run, activated by it, and superseded by the next one. A
    run "as of" a past date keeps its version a draft: it never took effect. What else
    may become of a version, ``customer_ruleset_lifecycle.py`` says.
    """

    _name = "customer.ruleset"
    _inherit = ["customer.engine.links.mixin"]
    _description = "Classification Rules Version"
    _order = "dimension_id, company_id, version desc"
    _rec_names_search = ["dimension_id"]
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
    version = fields.Integer(
        readonly=True, help="Given when the version takes effect; drafts have none."
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("held", "Held"),
            ("active", "Active"),
            ("superseded", "Superseded"),
            ("rejected", "Rejected"),
            ("taken_back", "Taken Back"),
        ],
        required=True,
        readonly=True,
        default="draft",
    )
    origin = fields.Selection(
        [
            ("first", "First computation"),
            ("settings", "Settings changed"),
            ("draft", "Draft applied"),
            ("refresh", "Limits renewed"),
            ("as_of", "Computed for a past date"),
        ],
        string="Made Because",
        required=True,
        readonly=True,
    )
    activated_at = fields.Datetime("In Force Since", readonly=True)
    superseded_at = fields.Datetime("In Force Until", readonly=True)
    company_settings = fields.Json(
        readonly=True,
        help="Who was a customer and what counted, as `res.company` returns it.",
    )
    settings = fields.Json(
        readonly=True,
        help="Everything that was frozen, as `customer.dimension` returns it.",
    )
    method = fields.Selection(
        [("field", "Field of the contact"), ("rule", "Rules"), ("score", "Score")],
        string="Fed by",
        required=True,
        readonly=True,
        default="score",
    )
    window_days = fields.Integer("Period (Days)", readonly=True)
    minimum_kept_share = fields.Float(
        "Minimum Share Kept (%)", digits=(5, 2), readonly=True
    )
    minimum_purchases = fields.Integer(readonly=True)
    grace_days = fields.Integer("Grace Before a Downgrade (Days)", readonly=True)
    cuts_as_of = fields.Date(
        "Limits Taken On",
        readonly=True,
        help="The day whose customers gave the limits of the scores.",
    )
    refresh_on = fields.Date(
        "Renew Limits On",
        readonly=True,
        help="From this day on the next computation takes the limits anew.",
    )
    criterion_ids = fields.One2many(
        "customer.ruleset.criterion", "ruleset_id", string="Criteria", readonly=True
    )
    limit_ids = fields.One2many(
        "customer.ruleset.limit", "ruleset_id", string="Categories", readonly=True
    )
    rule_ids = fields.One2many(
        "customer.ruleset.rule", "ruleset_id", string="Rules", readonly=True
    )

    _version_unique = models.UniqueIndex(
        "(dimension_id, COALESCE(company_id, 0), version) WHERE version > 0",
        "This version exists already.",
    )
    _active_unique = models.UniqueIndex(
        "(dimension_id, COALESCE(company_id, 0)) WHERE state = 'active'",
        "Another version was activated at the same time; please try again.",
    )

    @api.depends("dimension_id", "version", "state")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for ruleset in self:
            ruleset.display_name = (
                self.env._(
                    "%(dimension)s, version %(version)s",
                    dimension=ruleset.dimension_id.name,
                    version=ruleset.version,
                )
                if ruleset.version
                else self.env._("%s, held", ruleset.dimension_id.name)
                if ruleset.state == "held"
                else self.env._("%s, draft", ruleset.dimension_id.name)
            )

    def write(self, vals):
        if not vals.keys() <= LIFECYCLE_FIELDS:
            self._check_draft()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self._check_draft()

    def _check_draft(self):
        """Refuse to go on where a version is no draft any more."""
        if self.filtered(lambda ruleset: ruleset.state != "draft"):
            raise UserError(
                self.env._(
                    "A version that was in force cannot change: it explains past "
                    "decisions. Edit the dimension; the next computation makes a "
                    "new version."
                )
            )

    # Making versions

    @api.model
    def _get_in_force(self, dimension, company):
        """Return the active version of ``dimension`` for ``company``, or none."""
        return self.search(
            [
                ("dimension_id", "=", dimension.id),
                ("company_id", "=", company.id or False),
                ("state", "=", "active"),
            ]
        )

    @api.model
    def _update_version(self, dimension, company, as_of, figures):
        """Return the version to compute with, making a new one where needed.

        A new version is made when the settings differ from the active one, or
        when its cut points are due *and* today's customers give other ones.

        :param company: an empty recordset for a dimension that all companies share
        :param date as_of: the day of the computation
        :param SQL figures: a table expression with the company's figures
        """
        ruleset = self._get_next_version(dimension, company, as_of, figures)
        if ruleset and ruleset.state != "active":
            ruleset._activate()
        return ruleset

    @api.model
    def _get_next_version(self, dimension, company, as_of, figures):
        """Return the version to compute with; where it is a new one, not yet in force.

        Its parameters are those of :meth:`_update_version`.
        """
        if dimension.method == "score":
            return self._get_next_scored(dimension, company, as_of, figures)
        active = self._get_in_force(dimension, company)
        settings = dimension._get_settings(company)
        if active and active._get_settings() == settings:
            return active
        return self._create_version(
            dimension, company, settings, {}, origin="settings" if active else "first"
        )

    @api.model
    def _get_next_scored(self, dimension, company, as_of, figures):
        """Do the same for a scored dimension, whose cut points grow old, too."""
        active = self._get_in_force(dimension, company)
        settings = dimension._get_settings(company)
        dimension.criterion_ids._check_computable()
        previous = active._get_settings() if active else {}
        is_due = bool(active.refresh_on and active.refresh_on <= as_of)
        if previous == settings and not is_due:
            return active
        # whom the dimension does not concern says nothing about the others' limits
        figures = self._get_applicable_figures(settings, figures)
        scored = self.env["customer.figures"]._count_scored(
            figures, settings["minimum_kept_share"], settings["minimum_purchases"]
        )
        if not active and not scored:
            return active
        reused = {} if is_due else active._get_kept_cuts(settings)
        cuts = self._compute_cuts(settings, company, figures, reused)
        if previous == settings and active._get_cuts() == cuts:
            active.refresh_on = self._get_refresh_date(dimension, as_of, scored)
            return active
        if not active:
            origin = "first"
        else:
            origin = "settings" if previous != settings else "refresh"
        return self._create_version(
            dimension,
            company,
            settings,
            cuts,
            origin=origin,
            cuts_as_of=active.cuts_as_of if reused else as_of,
            refresh_on=(
                active.refresh_on
                if reused
                else self._get_refresh_date(dimension, as_of, scored)
            ),
        )

    @api.model
    def _create_as_of(self, dimension, company, as_of, figures):
        """Return a draft: today's settings, cut points of the customers then."""
        settings = dimension._get_settings(company)
        dimension.criterion_ids._check_computable()
        figures = self._get_applicable_figures(settings, figures)
        cuts = self._compute_cuts(settings, company, figures, {}, as_of)
        return self._create_version(
            dimension, company, settings, cuts, origin="as_of", cuts_as_of=as_of
        )

    @api.model
    def _compute_cuts(self, settings, company, figures, reused, as_of=None):
        """Return the cut points of each criterion by metric.

        :param date as_of: a past day, of which metrics are wanted; None for today
        """
        codes = [criterion["metric"] for criterion in settings["criteria"]]
        return self.env["customer.ruleset.criterion"]._compute_cuts(
            settings,
            self.env["customer.metric"]._join_by_code(figures, codes, company, as_of),
            reused,
        )

    @api.model
    def _create_version(self, dimension, company, settings, cuts, **values):
        return self.create(
            {
                "dimension_id": dimension.id,
                "company_id": company.id,
                "settings": settings,
                "method": settings["method"],
                "company_settings": settings["company"],
                "window_days": settings["company"].get("window_days"),
                "minimum_kept_share": settings.get("minimum_kept_share"),
                "minimum_purchases": settings.get("minimum_purchases"),
                "grace_days": settings.get("grace_days"),
                "criterion_ids": [
                    fields.Command.create(
                        {
                            "metric": criterion["metric"],
                            "value_type": criterion["type"],
                            "axis": criterion["axis"],
                            "higher_is_better": criterion["higher"],
                            "weight": criterion["weight"],
                            "cut_mode": criterion["cut_mode"],
                            "cuts": cuts[criterion["metric"]],
                        }
                    )
                    for criterion in settings.get("criteria", ())
                ],
                "limit_ids": [
                    fields.Command.create(
                        {
                            "category_id": category_id,
                            "minimum_score": minimum_score,
                            "keep_score": keep_score,
                        }
                    )
                    for category_id, minimum_score, keep_score in settings.get(
                        "limits", ()
                    )
                ],
                "rule_ids": [
                    fields.Command.create(
                        {
                            "position": position,
                            "name": rule["name"],
                            "domain": rule["domain"],
                            "category_id": rule["category"],
                            "rule_id": rule["rule"],
                        }
                    )
                    for position, rule in enumerate(settings.get("rules", ()), 1)
                ],
                **values,
            }
        )

    def _expire_cuts(self):
        """Have the next computation take the cut points anew."""
        for ruleset in self:
            ruleset.refresh_on = ruleset.company_id._get_customer_today()

    @api.model
    def _get_refresh_date(self, dimension, as_of, scored):
        """Return the first day on which the cut points shall be taken anew.

        :param int scored: how many customers they were taken from
        """
        if not dimension.refresh_days:
            return False
        days = 1 if scored < FEW_CUSTOMERS else dimension.refresh_days
        return fields.Date.add(as_of, days=days)

    # Comparing and using versions

    def _get_settings(self):
        """Return the frozen settings, in the form of the dimension's own."""
        self.ensure_one()
        return self.settings or {}

    def _get_kept_cuts(self, settings):
        """Return the cut points that stay with ``settings``, by metric.

        A changed weight or limit must not move the cut points as well; whom they are
        taken from does.

        :param dict settings: of the version to follow this one, which may be none
        """
        previous = self._get_settings() if self else {}
        if any(previous.get(key) != settings[key] for key in POPULATION_SETTINGS):
            return {}
        return self._get_reusable_cuts(settings)

    def _get_reusable_cuts(self, settings):
        """Return the cut points of the criteria that still take them the same way."""
        taken = ("metric", "cut_mode", "higher", "limits")
        present = [
            [criterion[key] for key in taken] for criterion in settings["criteria"]
        ]
        before = self._get_settings().get("criteria", [])
        reusable = {
            criterion["metric"]
            for criterion in before
            if criterion["cut_mode"] != "fixed"
            and [criterion.get(key) for key in taken] in present
        }
        return {
            criterion.metric: criterion.cuts
            for criterion in self.criterion_ids
            if criterion.metric in reusable
        }

    def _get_cuts(self):
        """Return the cut points by metric."""
        return {criterion.metric: criterion.cuts for criterion in self.criterion_ids}

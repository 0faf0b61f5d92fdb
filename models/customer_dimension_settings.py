from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CustomerDimension(models.Model):
    """What the engine takes from a dimension, and in which order it takes them."""

    _inherit = "customer.dimension"

    has_pending_settings = fields.Boolean(
        compute="_compute_has_pending_settings",
        help="The settings differ from the version in force: they take effect "
        "with the next computation.",
    )

    @api.depends(
        "active_ruleset_id",
        "method",
        "applies_to",
        "applies_invoices",
        "default_category_id",
        "level_ids.field_name",
        "rule_ids.active",
        "rule_ids.name",
        "rule_ids.domain",
        "rule_ids.category_id",
        "rule_ids.company_id",
        "rule_ids.sequence",
        "minimum_kept_share",
        "criterion_ids.metric_id.axis",
        "criterion_ids.metric_id.value_type",
        "criterion_ids.metric_id.higher_is_better",
        "criterion_ids.weight",
        "minimum_purchases",
        "grace_days",
        "criterion_ids.cut_mode",
        "criterion_ids.cut_2",
        "criterion_ids.cut_3",
        "criterion_ids.cut_4",
        "criterion_ids.cut_5",
        "category_ids.active",
        "category_ids.minimum_score",
        "category_ids.keep_score",
    )
    @api.depends_context("company")
    def _compute_has_pending_settings(self):
        company = self.env.company.root_id
        for dimension in self:
            ruleset = dimension.active_ruleset_id
            dimension.has_pending_settings = bool(
                ruleset
                and dimension.method == ruleset.method
                and ruleset._get_settings()
                != dimension._get_settings(
                    company.browse() if dimension.is_shared else company
                )
            )

    def _get_settings(self, company):
        """Return the settings a ruleset freezes for ``company``, as plain data.

        Two equal results mean that the same version still applies.

        :param company: an empty recordset for a dimension that all companies share
        """
        self.ensure_one()
        settings = {
            "company": company._get_customer_settings() if company else {},
            "method": self.method,
            "multiple": self.is_multiple,
            "applies_to": self.applies_to,
            "applies_invoices": self.applies_invoices,
            "default": self.default_category_id.id,
        }
        if self.method == "score":
            settings |= {
                "minimum_kept_share": self.minimum_kept_share,
                "minimum_purchases": self.minimum_purchases,
                "grace_days": self.grace_days,
                "criteria": self.criterion_ids._get_settings(),
                "limits": self.category_ids._get_limits(),
            }
        elif self.method == "rule":
            settings["rules"] = self.rule_ids._get_settings(company)
        elif self.method == "field":
            settings["levels"] = self.level_ids.mapped("field_name")
        return settings

    @api.model
    def _get_shown(self):
        """Return the active dimensions, in the order people see them: by group."""
        return self.search([("active", "=", True)]).sorted(
            lambda d: (not d.group_id, d.group_id.sequence, d.group_id.id)
        )

    @api.model
    def _get_computed(self, shared=False):
        """Return the active dimensions that the engine feeds.

        :param bool shared: those that all companies share, instead of those that
            each company has its own of
        """
        return self.search(
            [("method", "!=", "manual"), ("is_shared", "=", shared)]
        )._without_gaps()

    def _without_gaps(self):
        """Leave out what names nothing to compute from."""

        def is_complete(dimension):
            match dimension.method:
                case "score":
                    return dimension.criterion_ids
                case "rule":
                    return dimension.rule_ids or dimension.default_category_id
                case "field":
                    return dimension.level_ids.filtered("field_id")

        return self.filtered(is_complete)

    def _is_about_buyers(self):
        """Return whether a score judges who has figures, whoever that is."""
        return self.env["customer.ruleset"]._are_about_buyers(
            {
                "method": self.method,
                "applies_to": self.applies_to,
                "applies_invoices": self.applies_invoices,
                "default": self.default_category_id.id,
            }
        )

    def _follows_figures(self):
        """Return whether only built-in figures decide, whose changes are noted."""
        metrics = self.criterion_ids.metric_id
        return self.method == "score" and set(metrics.mapped("kind")) == {"figure"}

    @api.model
    def _get_read_fields(self):
        """Return the names of the contact's fields that any dimension reads."""
        dimensions = self.search([("method", "in", ["rule", "field"])])
        return dimensions.rule_ids._get_field_names() | set(
            dimensions.level_ids.mapped("field_name")
        )

    # What companies share cannot depend on one of them

    def _check_shared(self):
        """Refuse a shared dimension that reads what differs by company.

        :raise ValidationError: naming the fields
        """
        for dimension in self.filtered("is_shared"):
            names = dimension.rule_ids.filtered("active")._get_field_names()
            names |= set(dimension.level_ids.mapped("field_name"))
            labels = self.env["res.partner"]._get_company_field_labels(names)
            if labels:
                raise ValidationError(
                    self.env._(
                        "All companies share “%(dimension)s”, so it cannot read what "
                        "differs by company: %(fields)s.",
                        dimension=dimension.name,
                        fields=", ".join(labels),
                    )
                )

    # Dimensions that read each other

    def _get_dependencies(self):
        """Return by dimension the other dimensions that its rules read."""
        by_field = self.env["res.partner"]._get_customer_dimension_fields()
        return {
            dimension: self.browse(
                {
                    by_field[name]
                    for name in dimension.rule_ids._get_field_names()
                    if name in by_field
                }
            )
            for dimension in self
        }

    def _get_stages(self):
        """Return the dimensions in stages: each reads only those of former stages."""
        dependencies = self._get_dependencies()
        stages, placed, left = [], self.browse(), self
        while left:
            stage = left.filtered(
                lambda d: not (dependencies[d] & left - d)  # noqa: B023 (used at once)
            )
            # a cycle cannot be saved; were there one, its members read old values
            stage = stage or left
            stages.append(stage)
            placed |= stage
            left -= stage
        return stages

    def _check_cycles(self):
        """Refuse rules that read, directly or by others, their own dimension.

        :raise ValidationError: with the path
        """
        every = self.sudo().with_context(active_test=False).search([])
        dependencies = every._get_dependencies()
        for dimension in self:
            path = dimension._find_path(dimension, dependencies, set())
            if path:
                raise ValidationError(
                    self.env._(
                        "The rules go round in a circle: %(path)s. Each reads the next "
                        "one's category, so none could be computed first.",
                        path=" → ".join(d.name for d in [dimension, *path]),
                    )
                )

    def _find_path(self, target, dependencies, seen):
        """Return the dimensions on a way from this one to ``target``, or None."""
        for needed in dependencies[self]:
            if needed == target:
                return [needed]
            if needed not in seen:
                seen.add(needed)
                path = needed._find_path(target, dependencies, seen)
                if path:
                    return [needed, *path]
        return None

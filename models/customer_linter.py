from odoo import api, models
from odoo.tools import SQL

#: Customers that a finding lists; more are only counted
MAX_LISTED = 1000


class CustomerLinter(models.AbstractModel):
    """Looks for what is wrong, or may be wrong, with the configuration.

    It rehearses a run of one company and compares what the rules and limits say with
    what came out: who is left over, which rules never decide, which categories nobody
    can reach. Nothing it does stays.

    A finding is a dict: ``severity`` (error, warning, info), ``dimension_id``,
    ``message``, ``count`` of customers, their ``partner_ids`` (the first ones),
    and the record to look at as ``res_model`` and ``res_id``.
    """

    _name = "customer.linter"
    _description = "Check of the Classification's Configuration"

    @api.model
    def _check(self, company, dimensions=None):
        """Return the findings about ``dimensions``, by default about all active ones.

        :param company: the root company whose customers are looked at
        """
        shown = self.env["customer.dimension"]._get_shown()
        dimensions = shown if dimensions is None else dimensions & shown
        findings = self._check_metrics() if dimensions == shown else []
        with self.env["customer.classification.run"]._rehearse(company) as run:
            # sudo: the rehearsed run's lines tell which dimensions failed
            line = run.sudo().line_ids.filtered("company_id")
            settings = company._get_customer_settings()
            self.env["customer.population"]._prepare(company, settings)
            for dimension in dimensions:
                findings += self._check_dimension(dimension, company, line)
        return sorted(
            findings, key=lambda f: ["error", "warning", "info"].index(f["severity"])
        )

    @api.model
    def _check_dimension(self, dimension, company, line):
        findings = self._check_categories(dimension)
        check = getattr(self, f"_check_{dimension.method}", None)
        if check:
            owner = company.browse() if dimension.is_shared else company
            ruleset = self.env["customer.ruleset"]._get_in_force(dimension, owner)
            findings += check(dimension, ruleset)
        findings += self._check_holders(dimension, company)
        return findings

    @api.model
    def _get_finding(self, severity, place, message, partner_ids=()):
        """Return a finding about the record ``place``."""
        is_dimension = place._name == "customer.dimension"
        return {
            "severity": severity,
            "dimension_id": (place if is_dimension else place.dimension_id).id,
            "message": message,
            "count": len(partner_ids),
            "partner_ids": list(partner_ids)[:MAX_LISTED],
            "res_model": place._name,
            "res_id": place.id,
        }

    @api.model
    def _check_metrics(self):
        return [
            {
                "severity": "error",
                "dimension_id": False,
                "message": self.env._(
                    "The metric “%(metric)s” is switched off: %(error)s",
                    metric=metric.name,
                    error=metric.error,
                ),
                "count": 0,
                "partner_ids": [],
                "res_model": metric._name,
                "res_id": metric.id,
            }
            for metric in self.env["customer.metric"].search([("is_broken", "=", True)])
        ]

    @api.model
    def _check_categories(self, dimension):
        """Find what is wrong whoever the customers are."""
        findings = []
        if not dimension.category_ids and dimension.method != "field":
            findings.append(
                self._get_finding(
                    "error", dimension, self.env._("There are no categories yet.")
                )
            )
        if dimension.default_category_id and not dimension.default_category_id.active:
            findings.append(
                self._get_finding(
                    "error",
                    dimension,
                    self.env._(
                        "The default category “%s” is archived, so nobody gets it.",
                        dimension.default_category_id.name,
                    ),
                )
            )
        if dimension.method == "manual":
            return findings
        return findings + self._check_reachable(dimension)

    @api.model
    def _check_reachable(self, dimension):
        """Find the categories to which nothing but a decision by hand leads."""
        return [
            self._get_finding(
                "info",
                category,
                self.env._(
                    "Only people give “%s”: no rule, score or field leads to it.",
                    category.name,
                ),
            )
            for category in self._get_unreachable(dimension)
        ]

    @api.model
    def _get_unreachable(self, dimension):
        if dimension.method == "manual":
            return dimension.category_ids.browse()
        given = dimension.default_category_id
        if dimension.method == "rule":
            given |= dimension.rule_ids.filtered("active").category_id
        elif dimension.method == "score":
            given |= dimension.category_ids.filtered("minimum_score")
        elif dimension.method == "field":
            given |= dimension.category_ids.filtered("source_key")
        by_hand = dimension.category_ids - given
        # a category that only groups others needs no way to itself
        return by_hand - by_hand.filtered("child_ids")

    @api.model
    def _check_holders(self, dimension, company):
        """Find the customers without, and the categories without customers."""
        held = self._get_held(dimension, company)
        findings = []
        without = [
            row[0]
            for row in self.env.execute_query(
                SQL(
                    "%s EXCEPT SELECT partner_id FROM (%s) AS held ORDER BY partner_id",
                    self.env["customer.population"]._get_applicable(
                        dimension._get_settings(
                            company.browse() if dimension.is_shared else company
                        )
                    ),
                    held,
                )
            )
        ]
        if without and (dimension.is_required or dimension.method != "manual"):
            findings.append(
                self._get_finding(
                    "warning" if dimension.is_required else "info",
                    dimension,
                    self.env._("Customers are left without a category."),
                    without,
                )
            )
        rows = self.env.execute_query(
            SQL("SELECT DISTINCT category_id FROM (%s) AS held", held)
        )
        filled = {category_id for [category_id] in rows}
        # of those that only people give it was said already
        for category in dimension.category_ids - self._get_unreachable(dimension):
            below = self.env["customer.category"].search(
                [("id", "child_of", category.id)]
            )
            if not filled & set(below.ids):
                findings.append(
                    self._get_finding(
                        "info",
                        category,
                        self.env._("No customer is in “%s”.", category.name),
                    )
                )
        return findings

    @api.model
    def _get_held(self, dimension, company):
        """Return SQL with the customers and their categories in effect."""
        Partner = self.env["customer.population"]._get_partners(company)
        if dimension.is_multiple:
            return Partner._get_customer_categories_query(dimension.ids)
        query = Partner._search([], bypass_access=True)
        column = Partner._field_to_sql(
            "res_partner", dimension.partner_field_name, query
        )
        query.add_where(
            SQL(
                """res_partner.id IN (
                       SELECT partner_id FROM pg_temp.customer_population
                   ) AND %s IS NOT NULL""",
                column,
            )
        )
        return query.select(
            SQL("res_partner.id AS partner_id"), SQL("%s AS category_id", column)
        )

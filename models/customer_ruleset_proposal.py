from odoo import api, models


class CustomerRuleset(models.Model):
    """Versions that are proposed: what they would change is worked out before."""

    _inherit = "customer.ruleset"

    @api.model
    def _propose(self, dimension, company, settings, as_of, is_renewed=False):
        """Return a draft with ``settings``, and the cut points a run would give it.

        The next computation makes the same version, where the dimension has these
        settings by then and the facts are those that it reads now.

        :param company: an empty recordset for a dimension that all companies share
        :param dict settings: as ``customer.dimension._get_settings`` returns them
        :param date as_of: the day of the computation
        :param bool is_renewed: take all cut points from the customers of that day
        """
        if settings["method"] != "score":
            return self._create_version(
                dimension, company, settings, {}, origin="draft"
            )
        active = self._get_in_force(dimension, company)
        is_due = is_renewed or bool(active.refresh_on and active.refresh_on <= as_of)
        reused = {} if is_due else active._get_kept_cuts(settings)
        figures = self.env["customer.figures"]._get_stored(company)
        if not self._are_about_buyers(settings):
            self.env["customer.population"]._prepare(company, settings["company"])
            figures = self._get_applicable_figures(settings, figures)
        return self._create_version(
            dimension,
            company,
            settings,
            self._compute_cuts(settings, company, figures, reused),
            origin="draft",
            cuts_as_of=active.cuts_as_of if reused else as_of,
        )

    @api.model
    def _get_read_facts(self, settings):
        """Return the names of the models of facts that a version reads.

        :param dict settings: as ``customer.dimension._get_settings`` returns them
        """
        Facts = self.env["customer.facts.mixin"]
        # who has any invoices is asked of them, whatever decides
        names = {"customer.figures"}
        for criterion in settings.get("criteria", ()):
            model = Facts._get_model_of(criterion["metric"])
            if model is not None:
                names.add(model._name)
        read = self._get_read_names(settings)
        for model in Facts._get_models():
            shown = self.env["res.partner"]._get_customer_fields_of(model)
            if not read.isdisjoint(shown):
                names.add(model._name)
        return names

    @api.model
    def _get_read_names(self, settings):
        """Return the names of fields that the conditions of a version read."""
        rules = self.env["customer.dimension.rule"]
        names = set()
        for rule in settings.get("rules", ()):
            names |= rules.new({"domain": rule["domain"]})._get_field_names()
        return names

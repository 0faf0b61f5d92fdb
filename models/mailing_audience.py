from odoo import api, models
from odoo.exceptions import UserError

from .customer_audience_secrecy import get_paths
from .customer_usage import names_category

#: The fields of the contact that find who belongs to an audience, or is written to
AUDIENCE_FIELDS = {
    "customer_audience_ids",
    "customer_mail_audience_ids",
    "customer_sms_audience_ids",
}


class MailingMailing(models.Model):
    """A mailing to an audience is made only by who may see that audience.

    The queue asks as the audience's owner, whoever made the mailing.
    """

    _inherit = "mailing.mailing"

    @api.constrains("mailing_domain", "mailing_model_id")
    def _check_audiences_visible(self):
        for mailing in self:
            try:
                domain = mailing._parse_mailing_domain()
                Model = self.env[mailing.mailing_model_real or "res.partner"]
                asked = {field.name for _model, field in get_paths(Model, domain)}
            except Exception:
                continue  # Odoo says what is wrong with it
            if AUDIENCE_FIELDS & asked:
                # Odoo checks constraints as superuser; the rights are the user's
                Model.sudo(False).search_count(domain, limit=1)


class CustomerAudience(models.Model):
    _inherit = "customer.audience"

    def action_use_in_mailings(self):
        """Open a new mailing to the audience, with a filter for the next ones."""
        self.ensure_one()
        domain = [("customer_mail_audience_ids", "in", self.ids)]
        model_id = self.env["ir.model"]._get_id("res.partner")
        Filter = self.env["mailing.filter"]
        found = Filter.search(
            [
                ("mailing_domain", "=", repr(domain)),
                ("mailing_model_id", "=", model_id),
            ],
            limit=1,
        ) or Filter.create(
            {
                "name": self.name,
                "mailing_domain": repr(domain),
                "mailing_model_id": model_id,
            }
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "mass_mailing.mailing_mailing_action_mail"
        )
        return {
            **action,
            "views": [(False, "form")],
            "context": {
                "default_mailing_type": "mail",
                "default_mailing_model_id": model_id,
                "default_mailing_filter_id": found.id,
                "default_mailing_domain": repr(domain),
            },
        }

    @api.ondelete(at_uninstall=False)
    def _unlink_except_mailed(self):
        """Keep what mailings and their filters name: they would reach nobody."""
        Usage = self.env["customer.usage"]
        for audience in self:
            places = Usage._find_named(
                sorted(AUDIENCE_FIELDS),
                lambda text, _is_domain, audience=audience: names_category(
                    text, AUDIENCE_FIELDS, audience
                ),
            )
            # sudo: other people's lists, too
            lists = self.env["mailing.list"].sudo().with_context(active_test=False)
            lists = lists.search([("customer_audience_id", "=", audience.id)])
            names = [record.display_name for record, _field in places]
            names += lists.mapped("name")
            if names:
                raise UserError(
                    self.env._(
                        "“%(audience)s” is used by %(places)s. Change or delete these "
                        "first, or archive the audience.",
                        audience=audience.name,
                        places=", ".join(f"“{name}”" for name in names),
                    )
                )

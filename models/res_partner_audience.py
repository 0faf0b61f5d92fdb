from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_rights import MARKETING_GROUP


class ResPartner(models.Model):
    """The audiences that customers belong to, for lists, filters and mailings.

    An audience is asked as whoever searches. The queue of mailings searches as
    superuser, without a company: there it is asked as its owner, who need not see
    every customer, in the audience's own company as always.
    """

    _inherit = "res.partner"

    customer_audience_ids = fields.Many2many(
        "customer.audience",
        string="In Audiences",
        store=False,
        search="_search_customer_audience_ids",
        groups=MARKETING_GROUP,
        help="Customers who belong to an audience today.",
    )
    customer_mail_audience_ids = fields.Many2many(
        "customer.audience",
        string="Written To by Email in Audiences",
        store=False,
        search="_search_customer_mail_audience_ids",
        groups=MARKETING_GROUP,
        help="The contacts to whom an e-mail to an audience goes today: each address "
        "once.",
    )
    customer_sms_audience_ids = fields.Many2many(
        "customer.audience",
        string="Written To by SMS in Audiences",
        store=False,
        search="_search_customer_sms_audience_ids",
        groups=MARKETING_GROUP,
        help="The contacts to whom an SMS to an audience goes today: each number once.",
    )

    def _search_customer_audience_ids(self, operator, value):
        return self._search_audiences(
            "customer_audience_ids",
            operator,
            value,
            lambda audience: audience._get_customers_query(),
        )

    def _search_customer_mail_audience_ids(self, operator, value):
        return self._search_audiences(
            "customer_mail_audience_ids",
            operator,
            value,
            lambda audience: audience._get_written_query("mail"),
        )

    def _search_customer_sms_audience_ids(self, operator, value):
        return self._search_audiences(
            "customer_sms_audience_ids",
            operator,
            value,
            lambda audience: audience._get_written_query("sms"),
        )

    @api.model
    def _search_audiences(self, field_name, operator, value, get_query):
        """Return the domain of the contacts that a query of any audience gives.

        :param get_query: function of an audience that returns SQL with ids
        """
        if operator != "in":
            return NotImplemented
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields[field_name], "read")
        audiences = self.env["customer.audience"].browse([id_ for id_ in value if id_])
        queries = [
            SQL("(%s)", get_query(audience._as_asked()))
            for audience in audiences.exists()
        ]
        if not queries:
            return Domain.FALSE
        return Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s IN (%s)",
                SQL.identifier(alias, "id"),
                SQL(" UNION ALL ").join(queries),
            )
        )


class CustomerAudience(models.Model):
    _inherit = "customer.audience"

    def _as_asked(self):
        """Return the audience as the user, or as its owner where nobody asks.

        :raise AccessError: where the user may not see it
        """
        self.ensure_one()
        if self.env.su:
            return self.with_user(self.user_id)
        self.check_access("read")
        return self

    def _get_written_query(self, channel):
        """Return SQL that selects the ids of the contacts who are written to."""
        return SQL(
            "SELECT contact_id FROM (%s) AS written", self._get_recipients_of(channel)
        )

    def _get_recipients_of(self, channel):
        """Return SQL with the rows of the recipients query who are written to."""
        return SQL(
            "SELECT * FROM (%s) AS recipient WHERE blocked IS NULL",
            self._get_recipients_query(
                self._get_customers_query(), channel, self._get_policy()
            ),
        )

from odoo import api, fields, models


class CustomerAudience(models.Model):
    """A set of customers that marketing speaks to, told by conditions.

    The conditions are about customers, that is commercial entities, in one company;
    who is written to for each of them is chosen by :attr:`recipient`. Nothing is kept of
    who belongs to it: the audience is what its conditions give today, as the user who
    asks may see it. A campaign freezes it.
    """

    _name = "customer.audience"
    _description = "Audience"
    _order = "name, id"

    name = fields.Char(required=True)
    description = fields.Text()
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company.root_id,
        domain="[('parent_id', '=', False)]",
        ondelete="cascade",
        index=True,
        help="Categories and figures are those of this company.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Owner",
        required=True,
        default=lambda self: self.env.uid,
        ondelete="restrict",
        index=True,
    )
    is_shared = fields.Boolean(
        "Shared",
        help="All marketers of the company see and use it. Otherwise only the owner "
        "and managers.",
    )
    all_category_ids = fields.Many2many(
        "customer.category",
        "customer_audience_all_category_rel",
        string="In All of These Categories",
    )
    any_category_ids = fields.Many2many(
        "customer.category",
        "customer_audience_any_category_rel",
        string="In Any of These Categories",
    )
    none_category_ids = fields.Many2many(
        "customer.category",
        "customer_audience_none_category_rel",
        string="In None of These Categories",
    )
    domain = fields.Char(
        "Customer",
        help="Conditions on any field of the customer, figures and metrics included.",
    )
    change_ids = fields.One2many(
        "customer.audience.change",
        "audience_id",
        string="Changes of Categories",
        copy=True,
    )
    include_ids = fields.Many2many(
        "customer.audience",
        "customer_audience_include_rel",
        "audience_id",
        "other_id",
        string="Also in Any of These Audiences",
    )
    exclude_ids = fields.Many2many(
        "customer.audience",
        "customer_audience_exclude_rel",
        "audience_id",
        "other_id",
        string="In None of These Audiences",
    )
    recipient = fields.Selection(
        [
            ("customer", "The customer itself"),
            ("type", "Its address of a type"),
            ("best", "The best contact"),
        ],
        string="Write To",
        required=True,
        default="best",
        help="Best contact: of those who can be reached, the person that the latest "
        "invoice names, else the customer itself, else the first person.",
    )
    recipient_type = fields.Selection(
        lambda self: self.env["res.partner"]._fields["type"].selection,
        string="Type of Address",
        default="invoice",
    )
    contact_domain = fields.Char(
        "Person",
        help="Conditions on who is written to, such as the language or the position.",
    )

    def _get_customers_query(self):
        """Return SQL that selects the ids of the audience's customers.

        They are active commercial entities that are customers of the company, met the
        conditions on this day, and are visible to the user. As superuser: all.
        """
        raise NotImplementedError

    @api.model
    def _get_recipients_query(self, customers, channel, policy):
        """Return SQL with a row for each of the customers: who is written to.

        Its columns: ``partner_id``, ``contact_id`` and ``address`` (a normalized e-mail
        address or a sanitized phone number), both NULL where there is none, and
        ``blocked``, the reason why nobody can be reached, or NULL.

        :param SQL customers: a query that selects ids of customers
        :param str channel: ``mail`` or ``sms``
        :param dict policy: ``recipient``, ``recipient_type`` and ``contact_domain``
        """
        raise NotImplementedError

from odoo import api, fields, models
from odoo.orm.models import NO_ACCESS

#: Why a customer of the audience is not written to, or was not
REASONS = [
    ("no_address", "No address"),
    ("invalid", "Invalid address"),
    ("blacklisted", "Opted out or blacklisted"),
    ("bounced", "Bounced"),
    ("archived", "Archived"),
    ("duplicate", "Address of another customer"),
    ("capped", "Written to lately"),
    ("left", "No customer any more"),
    ("present", "There before the campaign"),
    ("deleted", "Contact deleted"),
]


class CustomerCampaignMember(models.Model):
    """A customer of a campaign as approved: frozen, whatever becomes of the audience.

    ``role`` is decided once, at approval. Chance decides among those who could be
    written to, so that targets and those held out are alike.
    """

    _name = "customer.campaign.member"
    _inherit = ["customer.rows.mixin"]
    _description = "Customer of a Campaign"
    _order = "campaign_id desc, id"
    _rec_name = "partner_id"
    _log_access = False  # hundreds of thousands of rows, written by the addon

    campaign_id = fields.Many2one(
        "customer.campaign", required=True, readonly=True, ondelete="cascade"
    )
    role = fields.Selection(
        [
            ("target", "Written to"),
            ("holdout", "Held out"),
            ("control", "Control group"),
            ("excluded", "Not reachable"),
        ],
        required=True,
        readonly=True,
    )
    reason = fields.Selection(REASONS, string="Why Not", readonly=True)
    contact_id = fields.Many2one(
        "res.partner",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    address = fields.Char(
        readonly=True, help="The e-mail address or phone number at approval."
    )
    category_ids = fields.Json(
        readonly=True,
        groups=NO_ACCESS,  # of all dimensions, also of those that the user does not see
        help="Ids of the customer's categories at approval.",
    )
    category_names = fields.Char(
        "Categories",
        compute="_compute_category_names",
        compute_sudo=False,
        help="The customer's categories when the campaign was approved, or when the "
        "customer came into it.",
    )
    dropped_reason = fields.Selection(
        REASONS,
        string="Dropped",
        readonly=True,
        help="Why a customer to be written to was left out at sending.",
    )
    date_start = fields.Date(
        "Counted From", readonly=True, help="What the customer buys from this day on."
    )

    # contacts are deleted and merged
    _partner_idx = models.Index("(partner_id)")
    # A constraint, not an index: merging contacts keeps one of two then
    _campaign_partner_unique = models.Constraint(
        "UNIQUE (campaign_id, partner_id)",
        "A customer is in a campaign once.",
    )

    @api.depends("category_ids")
    @api.depends_context("uid", "lang")
    def _compute_category_names(self):
        frozen = {member: member.sudo().category_ids or [] for member in self}
        ids = {category_id for ids in frozen.values() for category_id in ids}
        # sudo: archived categories, too; whose dimension the user does not see is left
        # out
        Dimension = self.env["customer.dimension"].sudo()
        visible = Dimension.with_context(active_test=False).search(
            self.env["customer.dimension"]._get_visible_domain()
        )
        categories = self.env["customer.category"].sudo().browse(ids).exists()
        names = {
            category.id: category.complete_name
            for category in categories.sorted(
                lambda c: (c.dimension_id.sequence, c.dimension_id.id, c.sequence, c.id)
            )
            if category.dimension_id in visible
        }
        for member in self:
            held = set(frozen[member])
            member.category_names = ", ".join(
                name for category_id, name in names.items() if category_id in held
            )

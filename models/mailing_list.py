import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .customer_rights import MARKETING_GROUP

#: What only the addon writes
NOTED = {
    "customer_user_id",
    "customer_updated_on",
    "customer_added_count",
    "customer_removed_count",
    "customer_error",
}


class MailingList(models.Model):
    """A mailing list that follows an audience: every night it gets its people.

    For those who work with lists, and for newsletters that people sign off from. What
    the list did not add, it does not remove; who opted out of it stays out.

    It is asked as whoever chose the audience, so that it shows nobody a customer whom
    that person may not see.
    """

    _inherit = "mailing.list"

    customer_audience_id = fields.Many2one(
        "customer.audience",
        string="Follows Audience",
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups=MARKETING_GROUP,
        help="Every night, who is written to in this audience is put on the list, and "
        "who was put there and is not any more is taken off. Contacts that were "
        "added otherwise stay.",
    )
    customer_channel = fields.Selection(
        [("mail", "Email"), ("sms", "SMS")],
        string="By",
        default="mail",
        groups=MARKETING_GROUP,
        help="Whose addresses are on the list: those with an e-mail address, or those "
        "with a phone number.",
    )
    customer_user_id = fields.Many2one(
        "res.users",
        string="Followed As",
        readonly=True,
        copy=False,
        groups=MARKETING_GROUP,
        help="Who chose the audience: the list has the customers whom this user sees.",
    )
    customer_updated_on = fields.Datetime(
        "Updated On", readonly=True, copy=False, groups=MARKETING_GROUP
    )
    customer_added_count = fields.Integer(
        "Added", readonly=True, copy=False, groups=MARKETING_GROUP
    )
    customer_removed_count = fields.Integer(
        "Removed", readonly=True, copy=False, groups=MARKETING_GROUP
    )
    customer_error = fields.Char(
        "Why It Was Not Updated", readonly=True, copy=False, groups=MARKETING_GROUP
    )

    @api.constrains("customer_audience_id")
    def _check_customer_audience(self):
        """Refuse an audience of which members tell what many may not know."""
        marketing = self.env.ref(MARKETING_GROUP)
        for audience in self.customer_audience_id:
            # Odoo checks constraints as superuser; the rights are the user's
            audience.sudo(False).check_access("read")
            if audience._has_conditions_hidden_from(marketing):
                raise ValidationError(
                    self.env._(
                        "“%(audience)s” uses conditions that not every marketer may "
                        "see, and a mailing list shows its contacts to all who work "
                        "with mailings. Write to this audience with a campaign.",
                        audience=audience.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._add_customer_user(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._add_customer_user(vals))

    def _add_customer_user(self, vals):
        """Note who chose the audience, and forget how the former one was followed.

        People choose neither that user nor what is told of an update.
        """
        if not self.env.su:
            vals = {name: value for name, value in vals.items() if name not in NOTED}
        if "customer_audience_id" not in vals:
            return vals
        is_followed = bool(vals["customer_audience_id"])
        return {
            **vals,
            "customer_user_id": is_followed and self.env.uid,
            "customer_updated_on": False,
            "customer_added_count": 0,
            "customer_removed_count": 0,
            "customer_error": False,
        }

    # Updates

    def action_update_from_audience(self):
        """Make the lists follow their audiences now, and say what changed."""
        self.check_access("write")
        added = removed = 0
        for mailing_list in self.filtered("customer_audience_id"):
            mailing_list._update_from_audience()
            added += mailing_list.customer_added_count
            removed += mailing_list.customer_removed_count
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "%(added)s added, %(removed)s removed.",
                    added=added,
                    removed=removed,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.model
    def _cron_update_from_audience(self):
        """Make all lists follow their audiences, each by itself.

        One that fails says so and does not stop the others.
        """
        lists = self.search([("customer_audience_id", "!=", False)], order="id")
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=len(lists))
        for mailing_list in lists:
            try:
                mailing_list._update_from_audience()
            except psycopg2.OperationalError:
                self.env.cr.rollback()  # someone else wrote there: next night again
            except Exception as error:
                self.env.cr.rollback()
                mailing_list.customer_error = str(error)
            if not commit_progress(1):
                return

    def _update_from_audience(self):
        """Add and remove what the audience says today.

        :raise UserError: where whoever chose it may not do so any more
        """
        self.ensure_one()
        # sudo: what is written follows from the audience, whoever asks for it
        mailing_list = self.sudo()
        user = mailing_list.customer_user_id
        if not user.active or not user.has_group(MARKETING_GROUP):
            raise UserError(
                self.env._(
                    "“%(list)s” follows its audience as %(user)s, who is not in "
                    "marketing any more. Choose the audience anew.",
                    list=mailing_list.name,
                    user=user.name or self.env._("a deleted user"),
                )
            )
        audience = mailing_list.customer_audience_id.with_user(user)
        added, removed = mailing_list._exchange(
            audience._get_recipients_of(mailing_list.customer_channel)
        )
        mailing_list.write(
            {
                "customer_updated_on": fields.Datetime.now(),
                "customer_added_count": added,
                "customer_removed_count": removed,
                "customer_error": False,
            }
        )


class CustomerAudience(models.Model):
    _inherit = "customer.audience"

    list_count = fields.Integer("Mailing Lists", compute="_compute_list_count")

    def _compute_list_count(self):
        groups = self.env["mailing.list"]._read_group(
            [("customer_audience_id", "in", self._origin.ids)],
            ["customer_audience_id"],
            ["__count"],
        )
        counts = {audience.id: count for audience, count in groups}
        for audience in self:
            audience.list_count = counts.get(audience._origin.id, 0)

    def action_open_lists(self):
        """Open the mailing lists that follow the audience."""
        self.ensure_one()
        lists = self.env["mailing.list"].search(
            [("customer_audience_id", "=", self.id)]
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "mass_mailing.action_view_mass_mailing_lists"
        )
        if len(lists) == 1:
            return {**action, "res_id": lists.id, "views": [(False, "form")]}
        return {**action, "domain": [("id", "in", lists.ids)]}

    def action_make_list(self):
        """Make a mailing list that follows the audience, filled at once."""
        self.ensure_one()
        mailing_list = self.env["mailing.list"].create(
            {"name": self.name, "customer_audience_id": self.id}
        )
        mailing_list._update_from_audience()
        return self.action_open_lists()

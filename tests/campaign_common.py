from . import campaign_oracle
from .common import MANAGER, ClassificationCommon

MARKETER = "customer_classification.group_customer_classification_marketing"
PAYMENT = "customer_classification.group_customer_classification_payment"


class CampaignCommon(ClassificationCommon):
    """Customers who can be written to, and people who do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Campaign = cls.env["customer.campaign"]
        cls.Member = cls.env["customer.campaign.member"]
        cls.Mailing = cls.env["mailing.mailing"]
        cls.company = cls.env.company
        # among a handful of contacts each mailing is large; tests of that set it
        cls.company.customer_mailing_share_limit = 0
        cls.customers = cls.make_customers(10)
        cls.marketer = cls.make_user("marketer", MARKETER)
        # a marketer who is trusted with how customers pay
        cls.treasurer = cls.make_user("treasurer", f"{MARKETER},{PAYMENT}")
        cls.chief = cls.make_user("chief", f"{MARKETER},{MANAGER}")

    @classmethod
    def make_customers(cls, count, prefix="Customer", **values):
        """Create companies with an e-mail address and a phone number of their own."""
        return cls.env["res.partner"].create(
            [
                {
                    "name": f"{prefix} {number}",
                    "is_company": True,
                    "customer_rank": 1,
                    "email": f"{prefix.lower()}{number}@example.com",
                    "phone": f"+1 555-0{number:03}-0100",
                    "country_id": cls.env.ref("base.us").id,
                    **values,
                }
                for number in range(1, count + 1)
            ]
        )

    @classmethod
    def make_campaign(cls, **values):
        """Create a draft without an audience."""
        return cls.Campaign.create(
            {"name": "Campaign", "holdout_share": 0, "gap_days": 0, **values}
        )

    @classmethod
    def make_member(cls, campaign, customer, role="target", **values):
        """Write a frozen row as if it had been approved."""
        is_target = role in ("target", "holdout", "control")
        return cls.Member.sudo().create(
            {
                "campaign_id": campaign.id,
                "company_id": campaign.company_id.id,
                "partner_id": customer.id,
                "role": role,
                "contact_id": customer.id if is_target else False,
                "address": customer.email_normalized if is_target else False,
                "category_ids": [],
                **values,
            }
        )

    @classmethod
    def make_approved(cls, customers=None, roles=None, **values):
        """Create a campaign with frozen customers and its mailing, without approving.

        :param dict roles: role by customer, where it is not ``target``
        """
        roles = roles or {}
        campaign = cls.make_campaign(**values)
        for customer in cls.customers if customers is None else customers:
            cls.make_member(campaign, customer, roles.get(customer, "target"))
        cls._write_message(campaign)
        campaign.sudo().write({"state": "approved", "approved_by_id": cls.env.uid})
        campaign.mailing_id.sudo()._list_approved()
        return campaign

    @classmethod
    def get_members(cls, campaign, role=None):
        """Return the frozen rows of a campaign, read anew."""
        campaign.env.flush_all()
        domain = [("campaign_id", "=", campaign.id)]
        if role:
            domain.append(("role", "=", role))
        return cls.Member.sudo().search(domain, order="id")

    @classmethod
    def make_draft(cls, customers=None, user=None, **values):
        """Create a draft with a message, about chosen customers or an audience."""
        values = {"name": "Campaign", "holdout_share": 0, "gap_days": 0, **values}
        campaign = cls.Campaign.with_user(user or cls.env.user).create(values)
        if customers is not None:
            campaign._add_choices([("id", "in", customers.ids)], active_test=False)
        cls._write_message(campaign)
        return campaign

    @classmethod
    def fix_chance(cls, campaign, customers):
        """Give a campaign a seed that holds out some of these customers, not all."""
        campaign.sudo().holdout_seed = campaign_oracle.get_mixed_seed(
            customers.ids, campaign.holdout_share
        )

    @classmethod
    def get_roles(cls, campaign):
        """Return role and reason by id of the customer."""
        return {
            member.partner_id.id: (member.role, member.reason or None)
            for member in cls.get_members(campaign)
        }

    @classmethod
    def _write_message(cls, campaign):
        campaign.mailing_id.write(
            {
                "subject": "Hello",
                "body_arch": "<p>Hello</p>",
                "body_html": "<p>Hello</p>",
                "body_plaintext": "Hello",
            }
        )

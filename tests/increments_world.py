"""A small world that changes in every way the business can change it."""

from datetime import date, datetime, timedelta

from odoo import SUPERUSER_ID, Command, api
from odoo.tools import SQL

from .common import ClassificationCommon

#: The first moment of each example: night in both companies, and shortly before the end
#: of a month, so that months end within a few nights
START = datetime(2026, 1, 27, 12, 30)
#: Days of the period of value: short, so that it is left within a few nights
WINDOW = 6
#: What the drafts are worth; a negative one is a credit note
AMOUNTS = (10, 20, 20, 100, 100.5, 700, -5, -20)
LINE = "customer.classification.run.line"


class IncrementsCommon(ClassificationCommon):
    """Two companies in far time zones, one with a branch, and drafts to be posted.

    Three dimensions read the figures: scored with limits to keep and days of grace, by
    shares of the sum, and by rules.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["customer.dimension"].search([]).active = False
        # computed every night in full, whatever they are
        cls.env["customer.metric"].search([("kind", "!=", "figure")]).active = False
        cls.company = cls.env.company
        cls.other = cls.setup_other_company(name="Other")["company"]
        cls.branch = cls.env["res.company"].create(
            {"name": "Branch", "parent_id": cls.company.id}
        )
        cls.roots = cls.company + cls.other
        cls.company.partner_id.tz = "Pacific/Auckland"
        cls.other.partner_id.tz = "America/Los_Angeles"
        cls.roots.customer_window_days = WINDOW
        cls.env.cr.execute(
            SQL(
                "UPDATE res_company SET active = FALSE WHERE id <> ALL(%s)",
                [*cls.roots.ids, cls.branch.id],
            )
        )
        cls.env.invalidate_all()
        cls.make_contacts()
        cls.make_dimensions()
        cls.draft_ids = {
            company.id: cls.make_drafts(company)
            for company in (cls.company, cls.branch, cls.other)
        }
        cls.env.flush_all()

    @classmethod
    def make_contacts(cls):
        customers = [cls.make_customer(f"Customer {n}") for n in range(5)]
        contact = cls.env["res.partner"].create(
            {"name": "Buyer", "parent_id": customers[0].id}
        )
        cls.contact_ids = [*(c.id for c in customers), contact.id]

    @classmethod
    def make_dimensions(cls):
        def fixed(code, weight, *cuts):
            cuts = {f"cut_{score}": cut for score, cut in enumerate(cuts, 2)}
            return {"weight": weight, "cut_mode": "fixed", "metric": code, **cuts}

        kept = cls.make_dimension(
            "Kept",
            (
                {"minimum_score": 4, "keep_score": 3.5},
                {"minimum_score": 3},
                {"minimum_score": 1},
            ),
            [
                fixed("revenue_window", 2, 15, 90, 200, 700),
                fixed("purchase_days_window", 1, 1, 2, 3, 4),
                fixed("last_date", 1, 5, 4, 3, 2),
            ],
            grace_days=2,
            refresh_days=0,
        )
        by_share = {"cut_mode": "share", "cut_5": 60, "cut_3": 90}
        shares = cls.make_dimension(
            "Shares",
            ({"minimum_score": 4}, {"minimum_score": 1}),
            [{"metric": "revenue_window", "weight": 1, **by_share}],
            refresh_days=3,
        )
        ruled = cls.make_dimension("Ruled", ({}, {}))
        first, second = ruled.category_ids
        ruled.rule_ids = [
            Command.create(
                {"name": name, "category_id": category.id, "domain": str(domain)}
            )
            for name, category, domain in (
                ("City", first, [("city", "=", "Ghent")]),
                ("Big", second, [("customer_revenue_window", ">=", 90)]),
                ("Once", first, [("customer_invoice_count", "=", 1)]),
            )
        ]
        ruled.method = "rule"
        cls.dimensions = kept + shares + ruled

    @classmethod
    def make_dimension(cls, name, categories, criteria=(), **values):
        return cls.env["customer.dimension"].create(
            {
                "name": name,
                "code": name.lower(),
                "method": "score" if criteria else "manual",
                "category_ids": [
                    Command.create({"name": f"{name} {number}", **limits})
                    for number, limits in enumerate(categories)
                ],
                "criterion_ids": [
                    Command.create(
                        {
                            "metric_id": cls.get_metric(criterion["metric"]).id,
                            **{k: v for k, v in criterion.items() if k != "metric"},
                        }
                    )
                    for criterion in criteria
                ],
                **values,
            }
        )

    @classmethod
    def make_drafts(cls, company):
        """Return the ids of draft invoices; posting one in SQL takes no time."""
        env = cls.env(context={"allowed_company_ids": (company | company.root_id).ids})
        journal = env["account.journal"].search(
            [("company_id", "=", company.root_id.id), ("type", "=", "sale")], limit=1
        )
        env = env(context={"allowed_company_ids": company.ids})
        moves = env["account.move"].create(
            [
                {
                    "move_type": "out_invoice" if amount > 0 else "out_refund",
                    "partner_id": cls.contact_ids[0],
                    "journal_id": journal.id,
                    "invoice_date": START.date(),
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": cls.product_a.id,
                                "price_unit": abs(amount),
                                "tax_ids": [],
                            }
                        )
                    ],
                }
                for amount in AMOUNTS
            ]
        )
        assert set(moves.company_id) == {company}
        return moves.ids


class World:
    """One example: the clock, and whatever changes the business.

    All of it happens in a transaction that is rolled back in the end; what the engine
    commits are savepoints in it.
    """

    def __init__(self, case, clock, bug=None):
        self.case, self.clock = case, clock
        self.now = START
        self.clock.move_to(self.now)
        case.cr.execute("SAVEPOINT example")
        self.cr = case.registry.cursor()
        self.env = api.Environment(
            self.cr, SUPERUSER_ID, {"allowed_company_ids": case.roots.ids}
        )
        self.contact_ids = list(case.contact_ids)
        if bug:
            bug.prepare(self.env)

    def close(self):
        self.cr.rollback()
        self.cr.close()
        self.case.cr.execute("ROLLBACK TO SAVEPOINT example")
        self.case.cr.execute("RELEASE SAVEPOINT example")
        self.case.env.invalidate_all()

    def pass_hours(self, hours):
        self.now += timedelta(hours=hours)
        self.clock.move_to(self.now)

    def settle(self):
        """Write what is cached, and forget it: the next step may be SQL."""
        self.env.flush_all()
        self.env.invalidate_all()

    def sql(self, query, *args):
        self.env.flush_all()
        self.cr.execute(SQL(query, *args))
        rows = self.cr.fetchall() if self.cr.description else []
        self.env.invalidate_all()
        return rows

    # What there is

    @property
    def roots(self):
        return self.env["res.company"].browse(self.case.roots.ids)

    def contact(self, number):
        """Return one of the contacts that exist, or none."""
        contacts = self.env["res.partner"].browse(self.contact_ids).exists()
        return contacts[number % len(contacts)] if contacts else contacts

    def moves(self, company, state):
        ids = self.case.draft_ids[company]
        Move = self.env["account.move"].with_context(allowed_company_ids=[company])
        return Move.search([("id", "in", ids), ("state", "=", state)], order="id")

    def posted(self, number):
        """Return one of the posted documents, or none."""
        ids = [id_ for ids in self.case.draft_ids.values() for id_ in ids]
        moves = self.env["account.move"].search(
            [("id", "in", ids), ("state", "=", "posted")], order="id"
        )
        return moves[number % len(moves)] if moves else moves

    def day(self, days_from_now):
        return date.fromordinal(self.now.date().toordinal() + days_from_now)

    # Documents

    def post(self, company, contact, amount, days, term, through_orm):
        """Post a draft; in SQL as any import could, or as people do."""
        moves = self.moves(self.case.company_ids[company], "draft")
        contact = self.contact(contact)
        if not moves or not contact:
            return
        move = moves[amount % len(moves)]
        if through_orm:
            move.write(
                {
                    "partner_id": contact.id,
                    "invoice_date": self.day(days),
                    "invoice_date_due": self.day(days + term),
                }
            )
            move.action_post()
            self.settle()
            return
        self.sql(
            """
            UPDATE account_move
               SET partner_id = %s, commercial_partner_id = %s, invoice_date = %s,
                   date = %s, invoice_date_due = %s, name = '/', state = 'posted'
             WHERE id = %s
            """,
            contact.id,
            contact.commercial_partner_id.id,
            self.day(days),
            self.day(days),
            self.day(days + term),
            move.id,
        )
        self.sql(
            """
            UPDATE account_move_line
               SET partner_id = %s, date = %s, parent_state = 'posted',
                   date_maturity = CASE WHEN display_type = 'payment_term' THEN %s END
             WHERE move_id = %s
            """,
            contact.commercial_partner_id.id,
            self.day(days),
            self.day(days + term),
            move.id,
        )

    def redate(self, number, days, term):
        """Edit the days of a posted document in SQL."""
        move = self.posted(number)
        self.sql(
            """
            UPDATE account_move SET invoice_date = %s, invoice_date_due = %s
             WHERE id = %s
            """,
            self.day(days),
            self.day(days + term),
            move.id or None,
        )
        self.sql(
            """
            UPDATE account_move_line SET date_maturity = %s
             WHERE move_id = %s AND display_type = 'payment_term'
            """,
            self.day(days + term),
            move.id or None,
        )

    def change_amount(self, number, factor):
        move = self.posted(number)
        self.sql(
            """
            UPDATE account_move
               SET amount_untaxed_signed = amount_untaxed_signed * %s
             WHERE id = %s
            """,
            factor,
            move.id or None,
        )

    def reassign(self, number, contact):
        """Make a posted document another customer's, in SQL."""
        move, contact = self.posted(number), self.contact(contact)
        if not move or not contact:
            return
        customer = contact.commercial_partner_id.id
        self.sql(
            """
            UPDATE account_move SET commercial_partner_id = %s, partner_id = %s
             WHERE id = %s
            """,
            customer,
            contact.id,
            move.id,
        )
        self.sql(
            "UPDATE account_move_line SET partner_id = %s WHERE move_id = %s",
            customer,
            move.id,
        )

    def undo(self, number, how):
        """Reset, cancel or delete a posted document."""
        move = self.posted(number)
        if not move:
            return
        if how == "sql":
            self.sql("DELETE FROM account_partial_reconcile WHERE %s", self.of(move))
            self.sql("DELETE FROM account_move_line WHERE move_id = %s", move.id)
            self.sql("DELETE FROM account_move WHERE id = %s", move.id)
            return
        move.button_draft()
        if how == "cancel":
            move.button_cancel()
        elif how == "unlink":
            move.with_context(force_delete=True).unlink()
        self.settle()

    def of(self, move):
        return SQL(
            "debit_move_id = ANY(%(ids)s) OR credit_move_id = ANY(%(ids)s)",
            ids=move.line_ids.ids,
        )

    def credit(self, number, days):
        """Reverse an invoice with a credit note that is matched with it."""
        move = self.posted(number)
        if move.move_type != "out_invoice":
            return
        move._reverse_moves(
            [{"invoice_date": self.day(days), "date": self.day(days)}], cancel=True
        )
        self.settle()

    def pay(self, number, days, share):
        move = self.posted(number)
        if move.move_type != "out_invoice" or move.amount_residual <= 0:
            return
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create(
            {
                "payment_date": self.day(days),
                "amount": move.company_currency_id.round(move.amount_residual * share),
            }
        )._create_payments()
        self.settle()

    def unreconcile(self, number):
        self.posted(number).line_ids.remove_move_reconcile()
        self.settle()

    # Contacts

    def reparent(self, contact, parent):
        contact, parent = self.contact(contact), self.contact(parent)
        if not contact or contact == parent or contact.child_ids:
            return
        if parent.parent_id:
            contact.write({"is_company": True, "parent_id": False})
        else:
            contact.write({"is_company": False, "parent_id": parent.id})
        self.settle()

    def edit_contact(self, contact, values):
        self.contact(contact).write(values)
        self.settle()

    def delete_contact(self, contact):
        contact = self.contact(contact)
        Move = self.env["account.move"]
        if contact.child_ids or Move.search_count(
            [("partner_id", "child_of", contact.commercial_partner_id.ids)], limit=1
        ):
            contact = contact.create({"name": "Short-lived", "customer_rank": 1})
        contact.unlink()
        self.settle()

    def merge(self, source, target):
        source, target = self.contact(source), self.contact(target)
        if not source or source == target or source in target.parent_id:
            return
        if target.parent_id or source.child_ids & target:
            return
        self.env["base.partner.merge.automatic.wizard"].create({})._merge(
            (source + target).ids, target, extra_checks=False
        )
        self.settle()

    def exclude(self, contact):
        """Put a customer on the list of the excluded ones, or take it off."""
        contact = self.contact(contact).commercial_partner_id
        Exclusion = self.env["customer.exclusion"]
        exclusion = Exclusion.search([("partner_id", "=", contact.id)])
        if exclusion:
            exclusion.unlink()
        elif contact and not self.env["customer.override"].search_count(
            [("partner_id", "=", contact.id)]
        ):
            Exclusion.create({"partner_id": contact.id})
        self.settle()

    # Decisions by hand

    def decide(self, contact, company, dimension, days):
        """Decide, or withdraw what was decided before."""
        contact = self.contact(contact).commercial_partner_id
        dimension = self.case.dimensions[dimension].with_env(self.env)
        values = {
            "partner_id": contact.id,
            "company_id": self.roots[company].id,
            "dimension_id": dimension.id,
        }
        Override = self.env["customer.override"]
        override = Override.search([(name, "=", v) for name, v in values.items()])
        if override:
            override.unlink()
        elif contact and not self.env["customer.exclusion"].search_count(
            [("partner_id", "=", contact.id)]
        ):
            Override.create(
                {
                    **values,
                    "category_id": dimension.category_ids[0].id,
                    "reason": "Because",
                    "date_end": self.day(days),
                }
            )
        self.settle()

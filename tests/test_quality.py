from datetime import timedelta
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, tagged

from .common import MANAGER, ClassificationCommon


class QualityCommon(ClassificationCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["customer.dimension"].search([("is_required", "=", True)]).write(
            {"is_required": False}
        )
        cls.Finding = cls.env["customer.quality.finding"]
        cls.Partner = cls.env["res.partner"]
        cls.trust = cls.make_dimension("trust", "High", "Low")
        cls.high, cls.low = cls.trust.category_ids
        cls.hobby = cls.make_dimension("hobby", "Art", "Golf", is_multiple=True)
        cls.art, cls.golf = cls.hobby.category_ids
        cls.user = cls.make_user("quality_user")

    @classmethod
    def make_dimension(cls, code, *names, **values):
        return cls.env["customer.dimension"].create(
            {
                "name": code.title(),
                "code": f"quality_{code}",
                "category_ids": [Command.create({"name": name}) for name in names],
                **values,
            }
        )

    def decide(self, customer, category, **values):
        return self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": category.dimension_id.id,
                "category_id": category.id,
                "reason": "Because",
                **({"operation": "add"} if category.dimension_id.is_multiple else {}),
                **values,
            }
        )

    def contradict(self, *conditions, **values):
        """Create a contradiction of pairs of an operator and categories."""
        return self.env["customer.contradiction"].create(
            {
                "name": "Odd",
                "condition_ids": [
                    Command.create(
                        {
                            "dimension_id": categories[0].dimension_id.id,
                            "operator": operator,
                            "category_ids": [Command.set(categories.ids)],
                        }
                    )
                    for operator, categories in conditions
                ],
                **values,
            }
        )

    def check(self, user=None, companies=None):
        """Return what the page shows, and compare each count with its lists."""
        user = user or self.env.user
        companies = companies or self.env.company
        model = self.Finding.with_user(user).with_context(
            allowed_company_ids=companies.ids
        )
        action = model.action_check()
        findings = model.search(action["domain"])
        for finding in findings:
            if finding.kind != "no_customer":
                opened = finding.action_open_customers()
                self.assertEqual(
                    finding.customer_count, len(self.open(model, opened)), finding.kind
                )
            if finding.decision_count:
                opened = finding.action_open_decisions()
                self.assertEqual(
                    finding.decision_count, len(self.open(model, opened)), finding.kind
                )
        return findings

    def open(self, model, action):
        """Return the records that the client would list."""
        return (
            model.env[action["res_model"]]
            .with_context(**action["context"])
            .search(action["domain"])
        )

    def found(self, kind, **kwargs):
        """Return the counts of customers of a kind by dimension or contradiction."""
        return {
            (finding.dimension_id or finding.contradiction_id).name: (
                finding.customer_count
            )
            for finding in self.check(**kwargs)
            if finding.kind == kind
        }


@tagged("post_install", "-at_install")
class TestQuality(QualityCommon):
    """The page of what people should look at."""

    def test_missing(self):
        before = self.found("missing")
        self.assertFalse(before)
        self.trust.is_required = True
        start = self.found("missing").get("Trust", 0)
        company = self.make_customer("Company")
        person = self.make_customer("Person", is_company=False)
        self.Partner.create({"name": "Contact", "parent_id": company.id})
        self.make_customer("Vendor", customer_rank=0)
        self.assertEqual(self.found("missing"), {"Trust": start + 2})
        self.decide(company, self.high)
        self.assertEqual(self.found("missing"), {"Trust": start + 1})
        self.assertEqual(person.customer_missing_dimension_ids, self.trust)
        self.assertFalse(company.customer_missing_dimension_ids)
        self.trust.applies_to = "company"
        self.env.invalidate_all()
        self.assertFalse(person.customer_missing_dimension_ids)
        self.hobby.write({"is_required": True, "applies_to": "person"})
        self.decide(person, self.art)
        self.env.invalidate_all()
        self.assertFalse(person.customer_missing_dimension_ids)
        self.assertNotIn(
            person,
            self.Partner.search([("customer_missing_dimension_ids", "!=", False)]),
        )

    def test_contradiction(self):
        alpha, beta, gamma = (self.make_customer(n) for n in ("A", "B", "C"))
        odd = self.contradict(("any", self.low), ("any", self.art + self.golf))
        none = self.contradict(("any", self.high), ("none", self.golf), name="Bare")
        self.assertFalse(self.found("contradiction"))
        self.decide(alpha, self.low)
        self.assertFalse(self.found("contradiction"), "one of them is fine")
        self.decide(alpha, self.art)
        self.decide(beta, self.art)
        self.assertEqual(self.found("contradiction"), {"Odd": 1})
        self.decide(beta, self.high)
        self.decide(gamma, self.golf)
        self.decide(gamma, self.high)
        self.assertEqual(self.found("contradiction"), {"Odd": 1, "Bare": 1})
        self.env.invalidate_all()
        self.assertEqual(
            [c.customer_contradiction_ids for c in (alpha, beta, gamma)],
            [odd, none, odd.browse()],
        )
        every = alpha + beta + gamma
        inside = [("id", "in", every.ids)]
        self.assertEqual(
            self.Partner.search([*inside, ("customer_contradiction_ids", "=", False)]),
            gamma,
        )
        self.assertEqual(
            self.Partner.search(
                [*inside, ("customer_contradiction_ids.name", "=", "Bare")]
            ),
            beta,
        )
        self.hobby.active = False
        self.assertFalse(self.found("contradiction"), "nobody has what is archived")

    def test_contradiction_between_categories_of_one_dimension(self):
        alpha = self.make_customer("A")
        self.contradict(("any", self.art), ("any", self.golf))
        self.decide(alpha, self.art)
        self.assertFalse(self.found("contradiction"))
        self.decide(alpha, self.golf)
        self.assertEqual(self.found("contradiction"), {"Odd": 1})

    def test_contradiction_with_parts(self):
        part = self.high.create(
            {
                "name": "Very high",
                "dimension_id": self.trust.id,
                "parent_id": self.high.id,
            }
        )
        self.contradict(("any", self.high), ("any", self.art))
        alpha = self.make_customer("A")
        self.decide(alpha, part)
        self.decide(alpha, self.art)
        self.assertEqual(self.found("contradiction"), {"Odd": 1})

    def test_more_questions_than_one_query_answers(self):
        """Whatever is counted together, the counts are those of the lists."""
        (self.trust + self.hobby).is_required = True
        self.hobby.applies_to = "company"
        alpha, beta, gamma = (self.make_customer(n) for n in ("A", "B", "C"))
        gamma.is_company = False
        self.contradict(("any", self.low), ("none", self.golf), ("none", self.art))
        self.contradict(("any", self.low), ("any", self.golf), name="Both")
        self.decide(alpha, self.low)
        self.decide(beta, self.low)
        self.decide(beta, self.golf)
        self.decide(gamma, self.art)
        path = "odoo.addons.customer_classification.models.res_partner_quality_count"
        kinds = ("missing", "contradiction")
        together = [self.found(kind) for kind in kinds]
        self.assertEqual(together[1], {"Odd": 1, "Both": 1})
        for size in (1, 3, 4):
            with patch(f"{path}.MAX_QUESTIONS", size):
                self.assertEqual([self.found(kind) for kind in kinds], together)

    def test_number_of_statements(self):
        """Who is a customer is read once, however many questions there are."""

        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.Finding._find_customers()
            return self.env.cr.sql_log_count - before

        self.trust.is_required = True
        self.contradict(("any", self.low), ("any", self.art))
        count()
        few = count()
        for name in "ABCDE":
            self.make_dimension(f"more_{name.lower()}", "One", is_required=True)
        count()
        self.assertLessEqual(count(), few + 1)

    def test_contradiction_that_says_nothing(self):
        with self.assert_refused(ValidationError, "two conditions or more"):
            self.contradict(("any", self.low))
        with self.assert_refused(ValidationError, "is no category of"):
            self.contradict(("any", self.low + self.art), ("any", self.golf))

    def test_merged_category_stays_in_the_contradiction(self):
        odd = self.contradict(("any", self.low), ("any", self.art))
        self.low._merge_into(self.high)
        self.assertEqual(odd.condition_ids[0].category_ids, self.high)

    def test_companies_of_a_contradiction(self):
        other = self.setup_other_company(name="Other company")["company"]
        alpha = self.make_customer("A")
        self.contradict(
            ("any", self.low), ("any", self.art), company_id=self.env.company.id
        )
        for company in self.env.company + other:
            self.decide(alpha, self.low, company_id=company.id)
            self.decide(alpha, self.art, company_id=company.id)
        both = self.env.company + other
        findings = self.check(companies=both).filtered(
            lambda finding: finding.kind == "contradiction"
        )
        self.assertEqual(findings.company_id, self.env.company)
        self.env["customer.contradiction"].search([]).company_id = False
        findings = self.check(companies=both).filtered(
            lambda finding: finding.kind == "contradiction"
        )
        self.assertEqual(findings.company_id, both)
        self.assertEqual(self.found("contradiction", companies=other), {"Odd": 1})

    def test_review(self):
        self.trust.review_days = 30
        alpha = self.make_customer("A")
        decision = self.decide(alpha, self.high)
        self.decide(self.make_customer("B"), self.art)
        with freeze_time(self.today + timedelta(days=29)):
            self.assertFalse(self.found("review"))
        with freeze_time(self.today + timedelta(days=30)):
            self.assertEqual(self.found("review"), {"Trust": 1})
            decision.action_confirm()
            self.assertFalse(self.found("review"))

    def test_without_reason_or_end(self):
        rows = [
            self.decide(self.make_customer(name), self.gold, **values)
            for name, values in (
                ("Both", {}),
                ("No end", {"date_end": False}),
                ("No reason", {}),
            )
        ]
        # what people alone decide needs neither
        self.decide(self.make_customer("Manual"), self.high, reason=False)
        self.assertFalse(self.found("no_reason"))
        self.env.cr.execute(
            "UPDATE customer_override SET reason = NULL WHERE id = %s", [rows[2].id]
        )
        self.env.invalidate_all()
        self.assertEqual(self.found("no_reason"), {"Value tier": 1})
        self.assertEqual(self.found("no_end"), {"Value tier": 1})

    def test_contact_that_is_no_customer(self):
        alpha = self.make_customer("A")
        self.decide(alpha, self.high)
        self.assertFalse(self.found("no_customer"))
        alpha.write({"is_company": False, "parent_id": self.make_customer("B").id})
        self.assertEqual(self.found("no_customer"), {"Trust": 1})

    def test_archived_customers_with_decisions_count(self):
        alpha = self.make_customer("A")
        self.decide(alpha, self.gold, date_end=False)
        alpha.active = False
        self.assertEqual(self.found("no_end"), {"Value tier": 1})

    def test_bulk_change_of_what_is_found(self):
        self.trust.is_required = True
        missing = self.make_customer("A")
        self.decide(self.make_customer("B"), self.high)
        [finding] = self.check(user=self.user)
        action = finding.action_change_many()
        bulk = self.env[action["res_model"]].browse(action["res_id"])
        targets = self.env["customer.bulk.target"].search([("bulk_id", "=", bulk.id)])
        self.assertEqual(len(targets), finding.customer_count)
        self.assertIn(missing, targets.partner_id)
        self.assertEqual(bulk.line_ids.dimension_id, self.trust)

    # Who sees what

    def test_own_customers_only(self):
        mine = self.make_customer("Mine", user_id=self.user.id)
        other = self.make_customer("Other", comment="hidden")
        self.contradict(("any", self.low), ("any", self.art))
        for customer in mine + other:
            self.decide(customer, self.low)
            self.decide(customer, self.art)
            self.decide(customer, self.gold, date_end=False)
        self.assertEqual(self.found("contradiction", user=self.user), {"Odd": 2})
        self.env["ir.rule"].create(
            {
                "name": "Own customers",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": "[('user_id', '=', user.id)]",
                "groups": [Command.set(self.env.ref("base.group_user").ids)],
            }
        )
        self.trust.is_required = True
        self.env.registry.clear_cache()
        self.assertEqual(self.found("contradiction", user=self.user), {"Odd": 1})
        self.assertEqual(self.found("no_end", user=self.user), {"Value tier": 1})
        self.assertFalse(self.found("missing", user=self.user))

    def test_hidden_dimension(self):
        alpha = self.make_customer("A")
        self.contradict(("any", self.low), ("any", self.art))
        self.decide(alpha, self.low)
        self.decide(alpha, self.art)
        # the field's groups outlive the test's transaction
        self.addCleanup(self.trust.write, {"view_group_ids": [Command.clear()]})
        self.trust.write(
            {
                "is_required": True,
                "view_group_ids": [Command.set(self.quick_ref(MANAGER).ids)],
            }
        )
        self.make_customer("Missing")
        self.assertFalse(self.found("contradiction", user=self.user))
        self.assertFalse(self.found("missing", user=self.user))
        self.assertEqual(self.found("contradiction"), {"Odd": 1})
        model = self.env["customer.contradiction"].with_user(self.user)
        self.assertFalse(model.search([]))
        self.assertFalse(alpha.with_user(self.user).customer_contradiction_ids)

    def test_kinds_of_users(self):
        outsider = self.make_user("quality_outsider", groups=None)
        with self.assertRaises(AccessError):
            self.Finding.with_user(outsider).action_check()
        alpha = self.make_customer("A")
        self.decide(alpha, self.gold, date_end=False)
        own = self.check(user=self.user)
        self.assertFalse(
            self.Finding.with_user(self.make_user("another")).search(
                [("id", "in", own.ids)]
            ),
            "everybody sees the own counts",
        )
        with self.assertRaises(AccessError):
            self.env["customer.contradiction"].with_user(self.user).create(
                {"name": "Mine"}
            )


@tagged("post_install", "-at_install")
class TestDifference(QualityCommon):
    """Decisions that say something else than the computation, for how long."""

    def setUp(self):
        super().setUp()
        self.alpha = self.make_customer("Alpha")
        self.post(self.alpha, 10, 1)
        self.classify()
        # alone among the paying: every score is 1
        self.assertEqual(self.tier_of(self.alpha), "Bronze")

    def give_since(self, days_ago):
        self.env.cr.execute(
            "UPDATE customer_assignment SET since = %s WHERE partner_id = %s",
            [f"{self.day(days_ago)} 12:00:00", self.alpha.id],
        )
        self.env.invalidate_all()

    def long(self):
        return self.Override.search([("differs_long", "=", True)])

    def test_from_the_decision_on(self):
        self.give_since(400)
        decision = self.decide(self.alpha, self.gold)
        self.assertEqual(decision.differs_since, self.today)
        with freeze_time(self.today + timedelta(days=89)):
            self.assertFalse(self.long())
        with freeze_time(self.today + timedelta(days=90)):
            self.env.invalidate_all()
            self.assertEqual(self.long(), decision)
            self.assertTrue(decision.differs_long)
            self.assertEqual(self.found("differs"), {"Value tier": 1})
            decision.action_confirm()
            self.assertFalse(self.long(), "somebody looked at it")

    def test_from_the_computed_category_on(self):
        with freeze_time(self.today - timedelta(days=200)):
            decision = self.decide(self.alpha, self.gold, date_end=False)
        self.give_since(91)
        self.assertEqual(decision.differs_since, self.day(91))
        self.assertEqual(self.long(), decision)
        self.give_since(89)
        self.assertFalse(self.long())
        self.dimension.difference_days = 89
        self.assertEqual(self.long(), decision)
        self.dimension.difference_days = 0
        self.assertFalse(self.long(), "never")

    def test_same_as_computed(self):
        with freeze_time(self.today - timedelta(days=200)):
            decision = self.decide(self.alpha, self.bronze, date_end=False)
        self.assertFalse(decision.differs_since)
        self.assertFalse(self.long())

    def test_only_people_feed_it(self):
        with freeze_time(self.today - timedelta(days=200)):
            self.decide(self.alpha, self.high)
        self.assertFalse(self.long())

    def test_never_computed(self):
        beta = self.make_customer("Beta")
        with freeze_time(self.today - timedelta(days=90)):
            decision = self.decide(beta, self.gold, date_end=False)
            none = self.decide(
                self.make_customer("Gamma"),
                self.gold,
                operation="none",
                category_id=False,
            )
        self.assertEqual(self.long(), decision)
        self.assertFalse(none.differs_since, "neither gives any")

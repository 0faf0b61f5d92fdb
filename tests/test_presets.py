import itertools
import re

from lxml import etree

from odoo.tests import tagged
from odoo.tools import file_open

from ..models.customer_exchange_domain import to_domain
from .common import ClassificationCommon

#: Recency, frequency and monetary value above (1) or not above (0) their limits, as
#: the table for Chinese companies gives them
EIGHT_CELLS = {
    "111": "重要价值客户",
    "101": "重要发展客户",
    "011": "重要保持客户",
    "001": "重要挽留客户",
    "110": "一般价值客户",
    "100": "一般发展客户",
    "010": "一般保持客户",
    "000": "一般挽留客户",
}
#: The R package `rfm`: lowest and highest score of R, F, M; the first match wins
TEN_SEGMENTS = [
    ("Champions", "55 55 55"),
    ("Potential Loyalist", "35 35 25"),
    ("Loyal Customers", "24 24 24"),
    ("Promising", "34 13 35"),
    ("New Customers", "45 13 15"),
    ("Can't Lose Them", "12 34 45"),
    ("At Risk", "12 25 45"),
    ("Need Attention", "13 35 35"),
    ("About To Sleep", "23 13 14"),
    ("Lost", "11 15 15"),
]
#: 工信部联企业〔2011〕300号: employees and turnover, in 10,000 CNY, from which an
#: enterprise is large, medium, small; by the letter of its section of industries
CHINA = {
    "C": [(1000, 40000), (300, 2000), (20, 300)],
    "wholesale": [(200, 40000), (20, 5000), (5, 1000)],
    "retail": [(300, 20000), (50, 500), (10, 100)],
    "I": [(300, 10000), (100, 2000), (10, 100)],
    "J": [(300, 10000), (100, 1000), (10, 50)],
    "A": [(None, 20000), (None, 500), (None, 50)],
    "R": [(300, None), (100, None), (10, None)],
}
SIZES = ["large", "medium", "small", "micro"]
CELLS = list(itertools.product(range(1, 6), repeat=3))


@tagged("post_install", "-at_install")
class TestPresets(ClassificationCommon):
    """The presets say what the published tables say."""

    dimension_codes = ("value_tier", "industry", "size")

    def read_preset(self, name):
        with file_open(
            f"customer_classification/data/presets/{name}.xml", "rb"
        ) as file:
            return file.read()

    def read_rules(self, name, lang=None):
        """Return pairs of the category's name and the rule's domain, in their order."""
        root = etree.fromstring(self.read_preset(name))
        names = {
            category.get("code"): category.find(
                f"name[@lang='{lang}']" if lang else "name"
            ).text
            for category in root.iter("category")
        }
        rules = sorted(root.iter("rule"), key=lambda rule: int(rule.get("sequence")))
        return [
            (
                names[rule.get("category")],
                to_domain(rule.findtext("domain"), lambda *names: names),
            )
            for rule in rules
        ]

    def matching(self, rules, cell):
        """Return the names of the rules that a customer with these scores meets."""
        scores = dict(zip(("recency", "frequency", "monetary"), cell, strict=True))
        prefix = "x_cls_value_tier_"
        result = []
        for name, domain in rules:
            self.assertTrue(all(operator == "in" for _path, operator, _v in domain))
            if all(scores[p.removeprefix(prefix)] in value for p, _o, value in domain):
                result.append(name)
        return result

    def test_eight_cells(self):
        rules = self.read_rules("rfm_eight_cells", "zh_CN")
        for cell in CELLS:
            key = "".join("1" if score >= 4 else "0" for score in cell)
            self.assertEqual(self.matching(rules, cell), [EIGHT_CELLS[key]], cell)

    def test_ten_segments(self):
        rules = self.read_rules("rfm_ten_segments")
        self.assertEqual(
            [name for name, _domain in rules],
            [n for n, _t in TEN_SEGMENTS] + ["Others"],
        )
        found = set()
        for cell in CELLS:
            expected = [
                name
                for name, table in TEN_SEGMENTS
                if all(
                    int(low) <= score <= int(high)
                    for score, (low, high) in zip(cell, table.split(), strict=True)
                )
            ]
            self.assertEqual(self.matching(rules, cell), [*expected, "Others"], cell)
            found.add((expected or ["Others"])[0])
        self.assertIn("Others", found)  # the table is not complete

    def test_complete_segments(self):
        """Every combination of scores is in exactly one segment, in any order."""
        rules = self.read_rules("rfm_complete_segments")
        found = {cell: self.matching(rules, cell) for cell in CELLS}
        self.assertEqual({c for c, names in found.items() if len(names) != 1}, set())
        self.assertEqual(
            {name for [name] in found.values()}, {name for name, _domain in rules}
        )
        for cell, name in {
            (5, 5, 5): "Champions",
            (4, 4, 4): "Champions",
            (5, 1, 1): "Newcomers",
            (1, 5, 5): "Cannot lose",
            (1, 1, 1): "Lost",
            (3, 3, 3): "Regular, cooling",
        }.items():
            self.assertEqual(found[cell], [name])

    def test_china(self):
        """At each limit, one below either of them, and where something is unknown."""
        Exchange = self.env["customer.classification.exchange"]
        size = self.env.ref("customer_classification.dimension_size")
        shipped = size.rule_ids
        Exchange.import_configuration(self.read_preset("china_enterprise_size"))
        self.assertFalse(any(shipped.mapped("active")))
        retail = self.env.ref("customer_classification.category_industry_retail_online")
        expected = {}
        for sector, limits in CHINA.items():
            for size_code, customer in self.make_enterprises(sector, limits):
                expected[customer] = size_code
                if sector == "retail":
                    self.Override.create(
                        {
                            "partner_id": customer.id,
                            "dimension_id": retail.dimension_id.id,
                            "category_id": retail.id,
                            "reason": "Shop on the internet",
                        }
                    )
        self.classify()
        for customer, size_code in expected.items():
            with self.subTest(customer.name):
                self.assertEqual(customer.x_cls_size_id.code, size_code)

    def make_enterprises(self, sector, limits):
        """Yield pairs of the expected size and a customer."""
        letter = "G" if sector in ("wholesale", "retail") else sector
        industry = self.env.ref(f"base.res_partner_industry_{letter}")

        def make(size_code, employees, turnover):
            return size_code, self.make_customer(
                f"{sector} {employees} {turnover}",
                industry_id=industry.id,
                customer_employee_count=employees,
                customer_turnover=turnover * 10000,
            )

        most = (100000, 1000000)
        for position, limit in enumerate(limits):
            employees, turnover = (
                most[side] if limit[side] is None else limit[side] for side in (0, 1)
            )
            yield make(SIZES[position], employees, turnover)
            below = SIZES[position + 1]
            if limit[0] is not None:
                yield make(below, employees - 1, turnover)
            if limit[1] is not None:
                yield make(below, employees, turnover - 1)
        yield make("micro", 1, 1)
        if limits[0][0] is not None:
            yield make(False, 0, 100000)
        if limits[0][1] is not None:
            yield make(False, 100000, 0)

    def test_both_languages(self):
        for preset in self.env["customer.exchange.preset"]._get_files():
            name = preset.rpartition("/")[2].removesuffix(".xml")
            with self.subTest(name):
                root = etree.fromstring(self.read_preset(name))
                for node in root.iter():
                    tags = {child.tag for child in node}
                    for tag in tags & {"title", "summary", "name", "description"}:
                        langs = [child.get("lang") for child in node.findall(tag)]
                        self.assertEqual(langs, [None, "zh_CN"], node.attrib)
                        chinese = node.find(f"{tag}[@lang='zh_CN']").text
                        self.assertTrue(re.search("[\u4e00-\u9fff]", chinese))

    def test_list(self):
        Preset = self.env["customer.exchange.preset"].with_context(lang="zh_CN")
        self.env["res.lang"]._activate_lang("zh_CN")
        presets = Preset.search(Preset.action_open_all()["domain"])
        self.assertEqual(len(presets), 4)
        self.assertIn("RFM 八类客户", presets.mapped("name"))

    def test_through_the_engine(self):
        """The imported rules give what the tables say of the customers' scores."""
        for name in ("rfm_eight_cells", "rfm_ten_segments", "rfm_complete_segments"):
            Exchange = self.env["customer.classification.exchange"]
            preview = Exchange.preview_configuration(self.read_preset(name))
            self.assertEqual(preview["problems"], [])
            report = Exchange.import_configuration(self.read_preset(name))
            self.assertEqual(report["created"], preview["created"])
            again = Exchange.import_configuration(self.read_preset(name))
            self.assertEqual(again["lines"], [])
        customers = self.env["res.partner"]
        for number, (days_ago, times, amount) in enumerate(
            itertools.product((3, 40, 200), (1, 2, 5), (10, 100, 1000))
        ):
            customer = self.make_customer(f"Customer {number}")
            customers |= customer
            for time in range(times):
                self.post(customer, amount + number, days_ago + time)
        without = self.make_customer("Never bought")
        self.classify()
        presets = {
            "x_cls_rfm_cell_id": "rfm_eight_cells",
            "x_cls_rfm_ten_id": "rfm_ten_segments",
            "x_cls_rfm_segment_id": "rfm_complete_segments",
        }
        self.assertGreater(
            len({tuple(self.scores_of(customer)) for customer in customers}), 15
        )
        for field_name, name in presets.items():
            rules = self.read_rules(name)
            self.assertFalse(without[field_name])
            for customer in customers:
                expected = self.matching(rules, self.scores_of(customer))[0]
                self.assertEqual(customer[field_name].name, expected)

    def scores_of(self, customer):
        row = self.assignment_of(customer)
        return row.recency_score, row.frequency_score, row.monetary_score

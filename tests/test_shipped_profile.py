from odoo.tests import tagged

from .shipped import ShippedCommon


@tagged("post_install", "-at_install")
class TestShippedProfile(ShippedCommon):
    """Who the customer is: nature, kind of business, industry, size."""

    dimension_codes = ("nature", "business_type", "industry", "size")

    @classmethod
    def make_data(cls):
        industries = {
            letter: cls.env.ref(f"base.res_partner_industry_{letter}").id
            for letter in "ACGKSU"
        }
        cls.add("Bare")
        cls.add("Person", is_company=False)
        cls.add("Person in trade", is_company=False, industry_id=industries["G"])
        for letter, name in (
            ("A", "Farm"),
            ("C", "Factory"),
            ("G", "Shop"),
            ("K", "Bank"),
            ("S", "Hairdresser"),
            ("U", "Embassy"),
        ):
            cls.add(name, industry_id=industries[letter])
        for name, employees, turnover in (
            ("250 / 50 m", 250, 50_000_000),
            ("249 / 50 m", 249, 50_000_000),
            ("250 / below 50 m", 250, 49_999_999.99),
            ("50 / 10 m", 50, 10_000_000),
            ("49 / 10 m", 49, 10_000_000),
            ("50 / below 10 m", 50, 9_999_999.99),
            ("250 / ?", 250, 0),
            ("249 / ?", 249, 0),
            ("50 / ?", 50, 0),
            ("49 / ?", 49, 0),
            ("? / 50 m", 0, 50_000_000),
            ("? / below 50 m", 0, 49_999_999.99),
            ("? / 10 m", 0, 10_000_000),
            ("? / below 10 m", 0, 9_999_999.99),
        ):
            cls.add(name, customer_employee_count=employees, customer_turnover=turnover)
        cls.add("Invoiced 1 m", (364, 1_000_000))
        cls.add("Invoiced below 1 m", (1, 999_999.99))
        cls.add("Invoiced 100 k", (1, 100_000))
        cls.add("Invoiced below 100 k", (1, 99_999.99))
        cls.add("Invoiced 1 m before the period", (365, 1_000_000))
        cls.add("Returned to 100 k", (9, 1_000_000), (8, -900_000))
        cls.add("10 / ?, invoiced 2 m", (1, 2_000_000), customer_employee_count=10)
        cls.add("Person, invoiced 2 m", (1, 2_000_000), is_company=False)

    def test_nature(self):
        people = ["Person", "Person in trade", "Person, invoiced 2 m"]
        companies = [name for name in self.customers if name not in people]
        self.assert_categories(
            "nature", {"Enterprise": companies, "Individual": people}
        )

    def test_government_by_hand(self):
        self.decide("Embassy", "nature", "government")
        self.classify()
        self.assertEqual(
            self.category_of(self.customers["Embassy"], "nature"), "Government"
        )

    def test_business_type(self):
        self.assert_categories(
            "business_type",
            {
                "Manufacturing business": ["Factory"],
                "Trading business": ["Shop"],
                "Service business": ["Bank", "Hairdresser"],
            },
        )

    def test_industry(self):
        self.assert_categories(
            "industry",
            {
                "Agriculture": ["Farm"],
                "Manufacturing": ["Factory"],
                "Wholesale and retail": ["Shop"],
                "Finance/Insurance": ["Bank"],
                "Other Services": ["Hairdresser"],
                "Extraterritorial": ["Embassy"],
            },
        )

    def test_online_retail_by_hand(self):
        """It is a part of retail: a search by the industry finds both."""
        shop = self.customers["Shop"]
        other = self.make_customer("Web shop", industry_id=shop.industry_id.id)
        self.customers = {**self.customers, "Web shop": other}
        self.decide("Web shop", "industry", "retail_online")
        self.classify()
        self.assertEqual(self.category_of(other, "industry"), "Online retail")
        retail = self.env.ref("customer_classification.category_industry_retail")
        self.assertEqual(
            self.env["res.partner"].search(
                [
                    ("x_cls_industry_id", "child_of", retail.id),
                    ("id", "in", [c.id for c in self.customers.values()]),
                ]
            ),
            shop | other,
        )

    def test_size(self):
        self.assert_categories(
            "size",
            {
                "Large company": [
                    "250 / 50 m",
                    "250 / ?",
                    "? / 50 m",
                    "Invoiced 1 m",
                ],
                "Medium-sized company": [
                    "249 / 50 m",
                    "250 / below 50 m",
                    "50 / 10 m",
                    "249 / ?",
                    "50 / ?",
                    "? / below 50 m",
                    "? / 10 m",
                    "Invoiced below 1 m",
                    "Invoiced 100 k",
                    "Returned to 100 k",
                ],
                "Small company": [
                    "49 / 10 m",
                    "50 / below 10 m",
                    "49 / ?",
                    "? / below 10 m",
                    "Invoiced below 100 k",
                    "10 / ?, invoiced 2 m",
                ],
            },
        )


@tagged("post_install", "-at_install")
class TestShippedPlace(ShippedCommon):
    """Where the customer is: the region, seen from each company, and the area."""

    dimension_codes = ("region", "area")

    @classmethod
    def make_data(cls):
        cls.china, cls.germany = cls.env.ref("base.cn"), cls.env.ref("base.de")
        cls.shanghai_state = cls.env.ref("base.state_cn_SH")
        cls.beijing_state = cls.env.ref("base.state_cn_BJ")
        cls.shanghai = cls.env.company
        cls.shanghai.partner_id.write(
            {"country_id": cls.china.id, "city": "上海市", "state_id": False}
        )
        cls.berlin = cls.env["res.company"].create(
            {"name": "Berlin", "country_id": cls.germany.id, "city": " Berlin"}
        )
        cls.env.user.company_ids |= cls.berlin
        china, germany = cls.china.id, cls.germany.id
        shanghai, beijing = cls.shanghai_state.id, cls.beijing_state.id
        for name, country, state, city, district in (
            ("Nowhere", False, False, False, False),
            ("City without country", False, False, "上海市", False),
            ("Pudong", china, shanghai, "上海", "浦东新区"),
            ("Huangpu", china, shanghai, "上海市 ", "黄浦区"),
            ("Chaoyang", china, beijing, "北京市", "朝阳区"),
            ("Shanghai, no city", china, shanghai, False, "浦东新区"),
            ("China", china, False, False, False),
            ("Mitte", germany, False, "BERLIN ", "Mitte"),
            ("Munich", germany, False, "Munich", False),
        ):
            cls.add(
                name,
                country_id=country,
                state_id=state,
                city=city,
                customer_district=district,
            )
        cls.Run.classify(companies=cls.berlin)

    def test_region_seen_from_shanghai(self):
        self.assert_categories(
            "region",
            {
                "Local": ["Pudong", "Huangpu"],
                "Out of town": ["Chaoyang", "Shanghai, no city", "China"],
                "International": ["Mitte", "Munich"],
            },
        )

    def test_region_seen_from_berlin(self):
        self.assert_categories(
            "region",
            {
                "International": [
                    "Pudong",
                    "Huangpu",
                    "Chaoyang",
                    "Shanghai, no city",
                    "China",
                ],
                "Local": ["Mitte"],
                "Out of town": ["Munich"],
            },
            company=self.berlin,
        )

    def test_region_by_state_where_the_company_has_no_city(self):
        self.shanghai.partner_id.write(
            {"city": " ", "state_id": self.shanghai_state.id}
        )
        self.classify()
        self.assert_categories(
            "region",
            {
                "Local": ["Pudong", "Huangpu", "Shanghai, no city"],
                "Out of town": ["Chaoyang", "China"],
                "International": ["Mitte", "Munich"],
            },
        )

    def test_region_needs_the_companys_country(self):
        self.shanghai.partner_id.country_id = False
        self.classify()
        self.assert_categories("region", {})

    def test_area(self):
        """A tree; each customer at the deepest level that its address names."""
        shown = {
            name: customer.x_cls_area_id.complete_name or ""
            for name, customer in self.customers.items()
        }
        china, germany = self.china.name, self.germany.name
        shanghai = f"{china} › {self.shanghai_state.name}"
        self.assertEqual(
            shown,
            {
                "Nowhere": "",
                "City without country": "",
                "Pudong": f"{shanghai} › 上海 › 浦东新区",
                "Huangpu": f"{shanghai} › 上海市 › 黄浦区",
                "Chaoyang": f"{china} › {self.beijing_state.name} › 北京市 › 朝阳区",
                # a level between may be empty: not every country has states
                "Shanghai, no city": f"{shanghai} › 浦东新区",
                "China": china,
                "Mitte": f"{germany} › BERLIN › Mitte",
                "Munich": f"{germany} › Munich",
            },
        )

    def test_area_is_the_same_for_all_companies(self):
        for customer in self.customers.values():
            self.assertEqual(
                self.category_of(customer, "area", self.shanghai),
                self.category_of(customer, "area", self.berlin),
            )

    def test_location_is_searched_and_grouped_as_it_is_read(self):
        ids = [customer.id for customer in self.customers.values()]
        for company in (self.shanghai, self.berlin):
            Partner = self.env["res.partner"].with_company(company)
            read = Partner.browse(ids).grouped("customer_location")
            self.assertEqual(set(read), {False, "local", "domestic", "international"})
            grouped = dict(
                Partner._read_group(
                    [("id", "in", ids)], ["customer_location"], ["id:recordset"]
                )
            )
            self.assertEqual(read, grouped)
            for location, partners in read.items():
                domain = [("id", "in", ids), ("customer_location", "=", location)]
                self.assertEqual(Partner.search(domain), partners)
                domain[1] = ("customer_location", "!=", location)
                self.assertEqual(Partner.search(domain), Partner.browse(ids) - partners)

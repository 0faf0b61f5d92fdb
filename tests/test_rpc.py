import itertools

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import MANAGER, ClassificationCommon

ACCESS_ERROR = "odoo.exceptions.AccessError"
USER_ERROR = "odoo.exceptions.UserError"


class RpcError(Exception):
    """What the server answered instead of a result."""

    def __init__(self, data):
        super().__init__(data["message"])
        self.name = data["name"]


@tagged("post_install", "-at_install")
class TestRpc(ClassificationCommon, HttpCase):
    """The same over the real RPC layer: portal users, strangers, programs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user(
            "rpc_manager", groups=MANAGER, password="rpc_secret"
        )
        cls.seller = cls.make_user("rpc_seller", password="rpc_secret")
        cls.portal = new_test_user(
            cls.env, "rpc_portal", groups="base.group_portal", password="rpc_secret"
        )
        cls.customer = cls.portal.partner_id
        cls.customer.write({"is_company": True, "customer_rank": 1})

    def setUp(self):
        super().setUp()
        self.post(self.customer, 100, 20)
        self.classify()

    def log_in(self, user):
        self.authenticate(user.login, "rpc_secret")

    def call(self, model, method, *args, **kwargs):
        answer = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            json={
                "jsonrpc": "2.0",
                "method": "call",
                "params": {
                    "model": model,
                    "method": method,
                    "args": args,
                    "kwargs": kwargs,
                },
            },
        ).json()
        if "error" in answer:
            raise RpcError(answer["error"]["data"])
        return answer.get("result")

    def assert_refused(self, name, model, method, *args, **kwargs):
        with (
            mute_logger("odoo.http", "odoo.addons.base.models.ir_model"),
            self.assertRaises(RpcError) as caught,
        ):
            self.call(model, method, *args, **kwargs)
        self.assertEqual(caught.exception.name, name, caught.exception)
        return str(caught.exception)

    # Portal users

    def test_portal_user_opens_no_model(self):
        models = sorted(
            name
            for name in self.env.registry
            if name.startswith("customer.") and not self.env[name]._abstract
        )
        self.assertGreaterEqual(len(models), 13)
        ids = {m: self.env[m].sudo().search([], limit=1).ids or [1] for m in models}
        self.log_in(self.portal)
        for model in models:
            for method, args in (
                ("search_read", [[]]),
                ("search_count", [[]]),
                ("formatted_read_group", [[], [], ["__count"]]),
                ("name_search", []),
                ("read", [ids[model]]),
                ("get_views", [[[False, "list"]]]),
                ("create", [{}]),
                ("write", [ids[model], {}]),
                ("unlink", [ids[model]]),
            ):
                with self.subTest(model, method=method):
                    self.assert_refused(ACCESS_ERROR, model, method, *args)

    def test_portal_user_reads_no_added_field_of_his_own_contact(self):
        self.env["customer.dimension"].create({"name": "Region", "code": "zone"})
        names = [
            name
            for name in self.env["res.partner"]._fields
            if name.startswith(("customer_", "x_cls_")) and name != "customer_rank"
        ]
        self.assertIn("x_cls_zone_id", names)
        self.assertIn(self.dimension.partner_field_name, names)
        self.assertIn("customer_revenue_total", names)
        for name in names:
            field = self.env["res.partner"]._fields[name]
            with self.subTest(name):
                self.assertTrue(field.groups, "open to everybody")
                # what people enter is stored, what is computed or searched never
                self.assertEqual(field.store, not (field.compute or field.search))
        ids = self.customer.ids
        self.log_in(self.portal)
        self.assertEqual(
            self.call("res.partner", "read", ids, ["id"]), [{"id": self.customer.id}]
        )
        self.assertFalse(self.call("res.partner", "fields_get").keys() & set(names))
        for name in names:
            requests = {
                "read": [ids, [name]],
                "web_read": [ids, {name: {}}],
                "search_read": [[], [name]],
                "search_count": [[[name, "!=", False]]],
            }
            if not name.endswith("_ids") and name != "customer_is_set_by_hand":
                requests |= {
                    "web_search_read": [[], {"id": {}}, 0, 1, f"{name} desc"],
                    "formatted_read_group": [[], [name], ["__count"]],
                    "read_progress_bar": [[], name, {"field": "active", "colors": {}}],
                }
            for method, args in requests.items():
                with self.subTest(name, method=method):
                    self.assert_refused(ACCESS_ERROR, "res.partner", method, *args)

    def test_portal_user_sums_no_figure(self):
        self.log_in(self.portal)
        for name, function in itertools.product(
            ("customer_revenue_total", "customer_last_date", "customer_figures_id"),
            ("max", "count", "array_agg"),
        ):
            with self.subTest(name, function=function):
                self.assert_refused(
                    ACCESS_ERROR,
                    "res.partner",
                    "formatted_read_group",
                    [],
                    [],
                    [f"{name}:{function}"],
                )

    # Classifying from a program

    def test_classify(self):
        self.post(self.customer, 23, 1)
        self.log_in(self.manager)
        [run_id] = self.call("customer.classification.run", "classify")
        run = self.Run.browse(run_id)
        self.assertEqual((run.state, run.user_id), ("done", self.manager))
        self.assertEqual(self.figures_of(self.customer).revenue_total, 123)
        self.assertTrue(self.assignment_of(self.customer).category_id)

    def test_classify_with_ids_and_a_text_date(self):
        other = self.make_customer("Other")
        self.post(other, 50, 30)
        self.log_in(self.manager)
        [run_id] = self.call(
            "customer.classification.run",
            "classify",
            companies=self.env.company.ids,
            partners=[other.id],
            as_of=str(self.day(25)),
        )
        [row] = self.call(
            "customer.staging",
            "search_read",
            [("run_id", "=", run_id)],
            ["partner_id", "inputs"],
        )
        self.assertEqual(row["partner_id"][0], other.id)
        # as of, score, then value and points of each criterion; monetary value last
        *_others, revenue, _points = row["inputs"]
        # text, so that no digit gets lost
        self.assertEqual(float(revenue), 50)
        self.assertFalse(self.assignment_of(other))
        [run_id] = self.call(
            "customer.classification.run", "classify", self.env.company.id, other.id
        )
        self.assertTrue(self.assignment_of(other).category_id)

    def test_who_may_not_classify(self):
        before = self.Run.search_count([])
        for user in (self.seller, self.portal):
            self.log_in(user)
            for method in ("classify", "action_recompute_now"):
                with self.subTest(user=user.login, method=method):
                    self.assert_refused(
                        ACCESS_ERROR, "customer.classification.run", method
                    )
        self.log_in(self.manager)
        for method in ("_cron_classify", "_create_run"):
            with self.subTest(method):
                self.assert_refused(ACCESS_ERROR, "customer.classification.run", method)
        self.assert_refused(ACCESS_ERROR, "customer.assignment", "_apply_staged", 1, 10)
        self.authenticate(None, None)
        self.assert_refused(
            "odoo.http.SessionExpiredException",
            "customer.classification.run",
            "classify",
        )
        self.assertEqual(self.Run.search_count([]), before)

    def test_bad_arguments_get_a_sentence(self):
        missing = self.env["res.partner"].create({"name": "Gone"})
        missing.unlink()
        self.log_in(self.manager)
        for kwargs, part in (
            ({"as_of": "31/12/2025"}, "31/12/2025"),
            ({"as_of": "yesterday"}, "yesterday"),
            ({"as_of": 20251231}, "20251231"),
            ({"as_of": "2999-01-01"}, "2999-01-01"),
            ({"companies": "all"}, "all"),
            ({"companies": []}, "company"),
            ({"companies": [2**31 - 1]}, "company"),
            ({"companies": ["one"]}, "one"),
            ({"partners": []}, "customer"),
            ({"partners": missing.ids}, "customer"),
            ({"partners": "Azure"}, "Azure"),
            ({"partners": [["id", "=", 1]]}, "id"),
            ({"partners": True}, "True"),
        ):
            with self.subTest(kwargs):
                message = self.assert_refused(
                    USER_ERROR, "customer.classification.run", "classify", **kwargs
                )
                self.assertIn(part, message)

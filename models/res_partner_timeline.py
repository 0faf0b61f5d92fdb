from odoo import api, fields, models
from odoo.tools import SQL, format_date

#: Entries of the timeline that show at first
TIMELINE_LIMIT = 40


class ResPartner(models.Model):
    """The customer's history as a story, and as it was on a past day.

    Plain data for the browser, read with the user's own rights: of a customer or a
    dimension that the user may not see, nothing is in it.
    """

    _inherit = "res.partner"

    def get_customer_timeline(self, limit=TIMELINE_LIMIT):
        """Return what happened to the categories of the contact's customer.

        First categories included: they have no row of history, their beginning is on
        the computed category or on the first change.

        :return: dict of the ``days``, the latest first, each with its ``entries``;
            ``has_more``; and ``complete_since``, where older entries were removed
        :raise AccessError: for who may not see the contact or any dimension
        """
        self.ensure_one()
        self.check_access("read")
        customer = self._get_visible_customers()
        dimensions = self._get_profile_dimensions()
        domain = [
            ("partner_id", "=", customer.id),
            ("company_id", "in", [self.env.company.root_id.id, False]),
            ("dimension_id", "in", dimensions.ids),
        ]
        history = self.env["customer.assignment.history"]
        if customer:
            history = history.search(domain)
        told = self._get_told(history)
        entries = [
            *((row.date, row.id, row) for row in told),
            *((first["date"], 0, first) for first in self._get_first(domain, history)),
        ]
        entries.sort(key=lambda entry: entry[:2], reverse=True)
        days = {}
        for date, _id, entry in entries[:limit]:
            if not isinstance(entry, dict):
                entry = self._get_timeline_entry(entry)
            day = self._get_customer_day(date)
            days.setdefault(day, []).append(entry)
        complete_since = [
            since
            for dimension in dimensions
            if (since := dimension._get_complete_since(self.env.company))
        ]
        return {
            "days": [
                {
                    "day": fields.Date.to_string(day),
                    "name": format_date(self.env, day, date_format="long"),
                    "entries": days[day],
                }
                for day in days
            ],
            "has_more": len(entries) > limit,
            # where the days are, so that the times are of there, too
            "timezone": self.env.company.root_id._in_customer_timezone().env.context[
                "tz"
            ],
            "today": fields.Date.to_string(
                self.env.company.root_id._get_customer_today()
            ),
            "complete_since": bool(complete_since)
            and fields.Date.to_string(max(complete_since)),
        }

    @api.model
    def _get_told(self, history):
        """Return the rows without those that only tell past days by.

        How categories of merged contacts ended, and what of them holds now, is told by
        the row of the merge where there is one.
        """
        merged = {
            (row.date, row.dimension_id, row.company_id, row.slot)
            for row in history
            if row.event == "merged"
        }
        return history.filtered(
            lambda row: (
                row.event != "moved"
                or not row.former_partner_id
                and row.old_category_id != row.new_category_id
                and (row.date, row.dimension_id, row.company_id, row.slot) not in merged
            )
        )

    def _get_customer_day(self, moment):
        """Return the day of a moment where the company is."""
        company = self.env.company.root_id
        return fields.Datetime.context_timestamp(
            company._in_customer_timezone(), moment
        ).date()

    def _get_first(self, domain, history):
        """Return entries for how the customer came to the first categories.

        :param history: all changes of the customer, the latest first
        """
        first = {}
        for row in history:  # the earliest remains
            if row._get_effect() == "computed":
                identity = row.former_partner_id or row.partner_id.id
                first[identity, row.dimension_id, row.company_id, row.slot] = row
        entries = [
            {
                **self._get_entry_frame(row),
                "key": f"first_{row.id}",
                "date": row.old_since,
                "event": "first",
                "label": self.env._("First category"),
                "old": False,
                "new": self._get_timeline_category(row.old_category_id),
                "former": row.former_name,
            }
            for row in first.values()
            if row.old_category_id and row.old_since
        ]
        assignments = self.env["customer.assignment"]
        if domain[0][2]:
            assignments = assignments.search([*domain, ("category_id", "!=", False)])
        for row in assignments:
            key = (row.partner_id.id, row.dimension_id, row.company_id, row.slot)
            if key not in first:
                entries.append(
                    {
                        **self._get_entry_frame(row),
                        "key": f"assignment_{row.id}",
                        "date": row.since,
                        "event": "first",
                        "label": self.env._("First category"),
                        "old": False,
                        "new": self._get_timeline_category(row.category_id),
                        "why": row.explanation,
                        "run": self._get_timeline_run(row.run_id),
                    }
                )
        return entries

    @api.model
    def _get_entry_frame(self, row):
        """Return what entries about any row have in common, and may leave empty."""
        dimension = row.dimension_id
        return {
            "dimension": {"id": dimension.id, "name": dimension.name},
            "icon": dimension.icon,
            "why": False,
            "by": False,
            "run": False,
            "until": False,
            "is_hidden": False,
            "former": False,
        }

    @api.model
    def _get_timeline_entry(self, row):
        """Return what the timeline tells of a row of the history."""
        labels = dict(row._fields["event"]._description_selection(self.env))
        is_run = bool(row.run_id) and row.event == "run"
        return {
            **self._get_entry_frame(row),
            "key": f"history_{row.id}",
            "date": row.date,
            "event": row.event,
            "label": labels[row.event],
            "old": self._get_timeline_category(row.old_category_id),
            "new": self._get_timeline_category(row.new_category_id),
            "why": row.explanation,
            # sudo: who decided is said even where that user is of another company
            "by": not is_run and row.event != "expired" and row.user_id.sudo().name,
            "run": is_run and self._get_timeline_run(row.run_id),
            "until": row._get_effect() == "decided"
            and fields.Date.to_string(row.date_end),
            "is_hidden": row.is_hidden,
            "former": row.former_name,
        }

    @api.model
    def _get_timeline_category(self, category):
        return bool(category) and {
            "id": category.id,
            "name": category.name,
            "color": category.color,
        }

    @api.model
    def _get_timeline_run(self, run):
        """Return the run to be opened, for managers; its name for everybody."""
        # sudo: a run of several companies may be another's, too
        return bool(run) and {"id": run.id, "name": run.sudo().display_name}

    @api.model
    def _check_past_day(self, day):
        """Return ``day`` as a date; at most today."""
        return min(
            fields.Date.to_date(day), self.env.company.root_id._get_customer_today()
        )

    def get_customer_shown_on(self, day):
        """Return what the contact showed as a past day ended where the company is.

        :param day: a date, or text such as "2026-03-31"
        :return: dict of the ``day`` and, in ``dimensions``, those the user may see
            that showed something or whose history does not reach so far back
        :raise AccessError: for who may not see the contact or any dimension
        """
        self.ensure_one()
        self.check_access("read")
        day = self._check_past_day(day)
        company = self.env.company.root_id
        customer = self._get_visible_customers()
        dimensions = self._get_profile_dimensions()
        result = []
        for dimension in dimensions if customer else ():
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT category_id, bool_or(is_by_hand)
                      FROM (%s) AS shown
                     WHERE identity_id = %s
                     GROUP BY category_id
                    """,
                    dimension._get_shown_query(
                        company, day, SQL("partner_id = %s", customer.id)
                    ),
                    customer.id,
                )
            )
            by_hand = dict(rows)
            # sudo: who may see the dimension may see its categories
            categories = self.env["customer.category"].sudo().browse(by_hand)
            since = dimension._get_complete_since(company)
            is_unknown = bool(since and day < since)
            if categories or is_unknown:
                result.append(
                    {
                        "id": dimension.id,
                        "name": dimension.name,
                        "complete_since": is_unknown and fields.Date.to_string(since),
                        "categories": [
                            {
                                "id": category.id,
                                "name": category.name,
                                "color": category.color,
                                "is_by_hand": by_hand[category.id],
                            }
                            for category in categories.sorted()
                        ],
                    }
                )
        return {"day": fields.Date.to_string(day), "dimensions": result}

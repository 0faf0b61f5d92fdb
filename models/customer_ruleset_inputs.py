from odoo import fields, models
from odoo.tools import SQL


class CustomerRuleset(models.Model):
    """What a version with a score keeps of each decision, so that it can be told why.

    Most decisions are told by the score and the value and points of each criterion.
    They are kept as an array, without the names, which the version knows: building and
    writing an object takes longer than all the rest of the row. Whatever more is to be
    told is an object.
    """

    _inherit = "customer.ruleset"

    def _get_score_inputs(self, as_of):
        """Return SQL that explains a decision, from a row of ``_get_score_judged``.

        For :meth:`_expand_inputs`, which says what is in it.
        """
        values = [
            SQL(
                "%s::text, %s",
                SQL.identifier(f"value_{number}"),
                SQL.identifier(f"points_{number}"),
            )
            for number, _criterion in enumerate(self.criterion_ids, 1)
        ]
        return SQL(
            """
            CASE WHEN category_id IS NOT NULL AND present_id IS NULL
                 THEN jsonb_build_array(%(as_of)s::text, score::text, %(values)s)
                 ELSE %(inputs)s
            END
            """,
            as_of=fields.Date.to_string(as_of),
            values=SQL(", ").join(values),
            inputs=self._get_full_inputs(as_of),
        )

    def _get_full_inputs(self, as_of):
        """Return SQL for the same as an object, with the figures of every customer."""
        criteria = [
            SQL(
                "%s::text, jsonb_build_array(%s::text, %s)",
                criterion.metric,
                SQL.identifier(f"value_{number}"),
                SQL.identifier(f"points_{number}"),
            )
            for number, criterion in enumerate(self.criterion_ids, 1)
        ]
        pairs = [
            SQL("'score', score::text"),
            SQL("'as_of', %s::text", fields.Date.to_string(as_of)),
            SQL("'criteria', jsonb_build_object(%s)", SQL(", ").join(criteria)),
            SQL("'revenue_window', revenue_window::text"),
            SQL("'invoiced_window', invoiced_window::text"),
            SQL("'last_date', last_date::text"),
            SQL("'purchase_days_window', purchase_days_window"),
        ]
        if self.minimum_purchases:
            pairs.append(SQL("'minimum_purchases', %s", self.minimum_purchases))
        inputs = SQL("jsonb_build_object(%s)", SQL(", ").join(pairs))
        if not self._is_inert():
            return inputs
        return SQL(
            """
            %(inputs)s || jsonb_strip_nulls(jsonb_build_object(
                'kept', CASE WHEN NOT is_graced THEN %(kept)s END,
                'grace_until', grace_until::text,
                'grace_over',
                CASE WHEN NOT is_graced AND present_id IS DISTINCT FROM category_id
                      AND earned_level < present_level
                     THEN present_until::text
                END
            ))
            """,
            inputs=inputs,
            kept=self._get_kept_sql(),
        )

    def _get_kept_sql(self):
        """Return SQL for ``[enter, keep]`` where the category is only kept."""
        branches = [
            SQL(
                "WHEN category_id = %(category)s AND score < %(enter)s::numeric"
                " THEN jsonb_build_array(%(enter)s::text, %(keep)s::text)",
                category=category,
                enter=str(enter),
                keep=str(keep),
            )
            for _level, category, enter, keep in self._get_levels()
        ]
        return SQL("CASE %s END", SQL(" ").join(branches)) if branches else SQL("NULL")

    def _expand_inputs(self, inputs):
        """Return why a category was given, as a dict, from what a row keeps of it.

        Of a score: ``as_of``, ``score`` and, in ``criteria``, the value and points of
        each by metric; where they are told, too, figures of the customer and what was
        kept or over.

        :param inputs: of a row with this version, or nothing
        """
        if not isinstance(inputs, list):
            return inputs or {}
        as_of, score, *values = inputs
        # sudo: which metrics decided is no secret to who may read the decision
        metrics = self.sudo().criterion_ids.mapped("metric")
        pairs = zip(values[::2], values[1::2], strict=True)
        return {
            "as_of": as_of,
            "score": score,
            "criteria": dict(zip(metrics, map(list, pairs), strict=False)),
        }

"""From 19.0.1.0.0: what is kept in another form now, with nothing lost."""

import json

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL, convert_file
from odoo.tools.sql import column_exists

#: What keeps the figures behind a decision
TABLES_WITH_INPUTS = (
    "customer_assignment",
    "customer_assignment_history",
    "customer_staging",
)


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    env.flush_all()
    if column_exists(cr, "customer_dimension_criterion", "metric"):
        _convert_criteria(cr)
    for table in TABLES_WITH_INPUTS:
        _convert_inputs(cr, table)
    env.invalidate_all()
    _complete_versions(env)
    _complete_value_tier(env)
    dimensions = env["customer.dimension"].with_context(active_test=False).search([])
    dimensions._update_partner_fields()
    _load_record_rules(env)


def _convert_criteria(cr):
    """Let the criteria name their metric's record, which was a column of the figures.

    Each of these columns is the code of a metric that ships. The frozen criteria keep
    the code, and what the metric was like.
    """
    cr.execute(
        SQL(
            """
            UPDATE customer_dimension_criterion AS criterion
               SET metric_id = metric.id
              FROM customer_metric AS metric
             WHERE metric.code = criterion.metric
               AND criterion.metric_id IS NULL
            """
        )
    )
    cr.execute(
        SQL(
            """
            UPDATE customer_ruleset_criterion AS criterion
               SET value_type = metric.value_type,
                   axis = metric.axis,
                   higher_is_better = metric.higher_is_better
              FROM customer_metric AS metric
             WHERE metric.code = criterion.metric
               AND criterion.value_type IS NULL
            """
        )
    )


def _convert_inputs(cr, table):
    """Note the value and points of each criterion by metric, not the points by axis."""
    cr.execute(
        SQL(
            """
            WITH explained AS (
                SELECT decided.id,
                       jsonb_object_agg(
                           criterion.metric,
                           jsonb_build_array(
                               decided.inputs ->> criterion.metric,
                               decided.inputs -> (criterion.axis || '_score')
                           )
                       ) AS criteria
                  FROM %(table)s AS decided
                  JOIN customer_ruleset_criterion AS criterion
                    ON criterion.ruleset_id = decided.ruleset_id
                 WHERE decided.inputs ? 'score'
                   AND NOT decided.inputs ? 'criteria'
                 GROUP BY decided.id
            )
            UPDATE %(table)s AS decided
               SET inputs = decided.inputs
                       - 'recency_score' - 'frequency_score' - 'monetary_score'
                       || jsonb_build_object('criteria', explained.criteria)
              FROM explained
             WHERE explained.id = decided.id
            """,
            table=SQL.identifier(table),
        )
    )


def _complete_versions(env):
    """Note on each version all that it froze, as one of today would.

    So a version stays in force as long as nobody changes the settings.
    """
    versions = env["customer.ruleset"].search(
        [("settings", "=", False), ("method", "=", "score")]
    )
    for version in versions:
        settings = {
            "company": version.company_settings,
            "method": "score",
            "multiple": False,
            "applies_to": "all",
            "applies_invoices": "all",
            "default": False,
            "minimum_kept_share": version.minimum_kept_share,
            "minimum_purchases": 0,
            "grace_days": 0,
            "criteria": [
                {
                    "metric": criterion.metric,
                    "axis": criterion.axis,
                    "type": criterion.value_type,
                    "higher": criterion.higher_is_better,
                    "weight": criterion.weight,
                    "cut_mode": criterion.cut_mode,
                    "limits": (
                        [float(cut) for cut in criterion.cuts]
                        if criterion.cut_mode == "fixed"
                        else None
                    ),
                }
                for criterion in version.criterion_ids.sorted("metric")
            ],
            "limits": [
                [limit.category_id.id, limit.minimum_score, limit.minimum_score]
                for limit in version.limit_ids
            ],
        }
        # not by `write`, which refuses to change a version that was in force
        env.execute_query(
            SQL(
                "UPDATE customer_ruleset SET settings = %s::jsonb WHERE id = %s",
                json.dumps(settings),
                version.id,
            )
        )
    versions.invalidate_recordset()


def _complete_value_tier(env):
    """Show the value tier as it ships now; only what could not be set before."""
    name = "customer_classification.dimension_value_tier"
    value_tier = env.ref(name, raise_if_not_found=False)
    if value_tier:
        group = env.ref("customer_classification.dimension_group_value")
        value_tier.write(
            {
                "group_id": group.id,
                "icon": "fa-diamond",
                "color": 3,
                "show_as_badge": True,
                "is_main": True,
            }
        )


def _load_record_rules(env):
    """Load the record rules again: an upgrade leaves them as they were."""
    convert_file(
        env,
        "customer_classification",
        "security/customer_classification_rules.xml",
        idref={},
        mode="init",
        noupdate=True,
    )

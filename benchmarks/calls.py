"""How a run is started: the only file that knows the methods of the engine's runs."""

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import database

from odoo.tools import SQL

#: What runs write about themselves, and what they consume
OWN_TABLES = (
    "customer_classification_run",
    "customer_classification_run_line",
    "customer_classification_run_res_company_rel",
    "customer_classification_scope",
)


def classify(env, **arguments):
    """Compute everything, or what the arguments say, in one transaction."""
    return _get_run(env).classify(**arguments)


def night(env):
    """Do what the nightly action does where the night begins."""
    Run = _get_run(env)
    run = Run._cron_create("cron", Run._get_all_companies())
    run._cron_work()
    return run


def full(env):
    """Do what the scheduled action does where somebody asked for all of it."""
    Run = _get_run(env)
    run = Run._create_run("request", Run._get_all_companies())
    env.cr.commit()
    run._cron_work()
    return run


def minute(env):
    """Do what the action of every minute does."""
    Run = _get_run(env)
    last = Run.search([], limit=1)
    Run._cron_classify_changes()
    run = Run.search([], limit=1)
    assert run != last, "No change was waiting"
    return run


def _get_run(env):
    return env["customer.classification.run"]


@contextmanager
def days_later(days):
    """Let the companies believe that it is some days later."""
    with database.environment() as env:
        Company = env.registry["res.company"]
    original = Company._get_customer_today
    with patch.object(
        Company,
        "_get_customer_today",
        lambda company: original(company) + timedelta(days=days),
    ):
        yield


def forget(assignments=True):
    """Empty what runs write, so that the next one is the first.

    :param bool assignments: whether the assignments and the versions of the rules go,
        too
    """
    with database.environment() as env:
        tables = [*get_fact_tables(env), "customer_metric_value", "customer_change"]
        if assignments:
            tables += ["customer_assignment", "customer_assignment_history"]
            tables += ["customer_ruleset", "customer_classification_run"]
        env.execute_query(
            SQL("TRUNCATE %s CASCADE", SQL(", ").join(map(SQL.identifier, tables)))
        )


def get_fact_tables(env):
    """Return the tables with facts about customers."""
    return [model._table for model in env["customer.facts.mixin"]._get_models()]

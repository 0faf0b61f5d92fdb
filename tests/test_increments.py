"""Increments equal a full run: the short version of ``./sandbox prove``."""

import os
import unittest
from unittest.mock import patch

from freezegun.api import freeze_time

from odoo.tests import tagged

from .increments_world import START, IncrementsCommon

try:
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis.stateful import run_state_machine_as_test

    from .increments_machine import Increments
except ImportError:  # a development requirement, which a plain Odoo does not have
    Increments = None

PLAN = "odoo.addons.customer_classification.models.customer_run_plan"


@tagged("post_install", "-at_install")
@unittest.skipUnless(Increments, "needs hypothesis")
class TestIncrements(IncrementsCommon):
    def run_machine(self, examples, steps=25, seed=None, shrink=True):
        """Run examples of the machine; raise where one fails."""
        phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
        with (
            freeze_time(START, ignore=["hypothesis"]) as clock,
            # small steps: what is done in one and in several is the same
            patch(f"{PLAN}.RANGE_SIZE", 50),
            patch(f"{PLAN}.CHUNK_SIZE", 2),
            self.enter_registry_test_mode(),
        ):
            machine = type("Machine", (Increments,), {"case": self, "clock": clock})
            if seed is not None:
                machine._hypothesis_internal_use_seed = seed
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    derandomize=seed is None,
                    database=None,
                    deadline=None,
                    phases=phases,
                    suppress_health_check=list(HealthCheck),
                    print_blob=False,
                ),
            )

    @property
    def company_ids(self):
        return [self.company.id, self.branch.id, self.other.id]

    def test_increments_equal_a_full_run(self):
        self.run_machine(
            int(os.environ.get("PROVE_EXAMPLES", 6)),
            shrink=not os.environ.get("NOSHRINK"),
        )

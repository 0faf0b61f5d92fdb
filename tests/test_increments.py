"""Increments equal a full run: the short version of ``./sandbox prove``."""

import os
import sys
import unittest
from contextlib import nullcontext
from unittest.mock import patch

from freezegun.api import freeze_time

from odoo.tests import tagged

from .increments_bugs import BUGS, TriggerBug, noted
from .increments_world import START, IncrementsCommon

try:
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis.stateful import run_state_machine_as_test

    from .increments_machine import Increments
except ImportError:  # a development requirement, which a plain Odoo does not have
    Increments = None

PLAN = "odoo.addons.customer_classification.models.customer_run_plan"
#: Examples in the ordinary tests; `./sandbox prove` sets another number, and a seed
EXAMPLES = int(os.environ.get("PROVE_EXAMPLES", 5))
SEED = int(os.environ.get("PROVE_SEED", 0))
#: Examples within which each seeded bug has to be found
BUG_EXAMPLES = 150


class MachineCommon(IncrementsCommon):
    def run_machine(self, examples, seed, bug=None):
        """Run examples of the machine; raise where one fails.

        :param int seed: 0 for always the same examples
        :param bug: a seeded bug; the first example that fails is not made shorter then
        """
        phases = [Phase.generate, *([] if bug else [Phase.shrink])]
        with (
            # the search itself lives in real time
            freeze_time(START, ignore=["hypothesis"]) as clock,
            # small steps: what is done in one and in several is the same
            patch(f"{PLAN}.RANGE_SIZE", 50),
            patch(f"{PLAN}.CHUNK_SIZE", 2),
            self.enter_registry_test_mode(),
            bug.seeded() if bug else nullcontext(),
        ):
            attributes = {"case": self, "clock": clock, "bug": bug}
            machine = type("Machine", (Increments,), attributes)
            if seed:
                machine._hypothesis_internal_use_seed = seed
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=25,
                    derandomize=not seed,
                    database=None,
                    deadline=None,
                    phases=phases,
                    report_multiple_bugs=False,
                    suppress_health_check=list(HealthCheck),
                ),
            )

    @property
    def company_ids(self):
        return [self.company.id, self.branch.id, self.other.id]


@tagged("post_install", "-at_install")
@unittest.skipUnless(Increments, "needs hypothesis")
class TestIncrements(MachineCommon):
    def test_increments_equal_a_full_run(self):
        with noted() as codes:
            self.run_machine(EXAMPLES, SEED)
        # or the bugs would be those of former statements
        for name, bug in BUGS.items():
            if not isinstance(bug, TriggerBug):
                with self.subTest(name):
                    self.assertTrue(any(map(bug.is_in, codes)))

    def test_bugs_of_triggers_exist(self):
        for name, bug in BUGS.items():
            if isinstance(bug, TriggerBug):
                with self.subTest(name):
                    bug.prepare(self.env)
                    self.assertTrue(bug.count)


@tagged("post_install", "-at_install", "-standard", "prove")
@unittest.skipUnless(Increments and "PROVE_BUGS" in os.environ, "./sandbox prove")
class TestSeededBugs(MachineCommon):
    """The machine finds what it is there for."""

    def test_each_is_found(self):
        wanted = os.environ["PROVE_BUGS"]
        for name, bug in BUGS.items():
            if wanted in name:
                with self.subTest(name):
                    self.find(name, bug)

    def find(self, name, bug):
        bug.count = bug.examples = 0
        try:
            self.run_machine(BUG_EXAMPLES, SEED or 1, bug)
        except self.failureException as error:
            reason = str(error).splitlines()[0]
            sys.stdout.write(f"found by example {bug.examples}: {name}: {reason}\n")
            sys.stdout.flush()
        else:
            self.fail("not found" if bug.count else "no statement has it any more")
        self.assertTrue(bug.count)

"""The state machine: what happens, in any order, and what must hold after each run."""

from contextlib import contextmanager, suppress
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from odoo.exceptions import UserError

from . import increments_check
from .increments_world import LINE, World

contacts = st.integers(0, 5)
companies = st.integers(0, 2)
documents = st.integers(0, 30)
#: Days around the limits of the period, of months, of a year, and in the future
days = st.one_of(
    st.integers(-9, 4),
    st.sampled_from([-12, -13, -24, -27, -57, -58, -363, -364, -365, -366, -367, 33]),
)
terms = st.sampled_from([0, 1, 2, 3, 30])


class Increments(RuleBasedStateMachine):
    """Things happen; after each run, few customers are as a run of all has them."""

    #: The test case with the data, and the frozen clock
    case = clock = None
    #: A slip to be found
    bug = None

    def __init__(self):
        super().__init__()
        self.world = World(self.case, self.clock, self.bug)
        self.check = increments_check.Check(self.world)
        #: Whether settings are other than those of the last nightly run
        self.is_changed = False
        # without any buyer there is no version, and scores come with the next night
        for company in (0, 2):
            self.world.post(company, company, 3, -1, 1, False)
        self.check.nightly_run()

    def teardown(self):
        try:
            if not self.is_broken:
                self.world.pass_hours(24)
                self.check.nightly_run(thorough=True)
        finally:
            self.world.close()

    #: Set where a check failed: the transaction may be gone
    is_broken = False

    @contextmanager
    def guarded(self):
        try:
            yield
        except BaseException:
            self.is_broken = True
            raise

    @contextmanager
    def attempted(self):
        """What Odoo refuses does not happen."""
        with self.guarded(), suppress(UserError), self.world.env.cr.savepoint():
            yield

    # Documents

    @rule(
        company=companies,
        contact=contacts,
        amount=documents,
        day=days,
        term=terms,
        through_orm=st.sampled_from([False, False, False, True]),
    )
    def post(self, company, contact, amount, day, term, through_orm):
        with self.attempted():
            self.world.post(company, contact, amount, day, term, through_orm)

    @rule(company=companies, contact=contacts, amount=documents, day=days, term=terms)
    def post_another(self, company, contact, amount, day, term):
        with self.attempted():
            self.world.post(company, contact, amount, day, term, False)

    @rule(number=documents, day=days, term=terms)
    def redate(self, number, day, term):
        with self.attempted():
            self.world.redate(number, day, term)

    @rule(number=documents, factor=st.sampled_from([0.5, 1.01, 3]))
    def change_amount(self, number, factor):
        with self.attempted():
            self.world.change_amount(number, factor)

    @rule(number=documents, contact=contacts)
    def reassign(self, number, contact):
        with self.attempted():
            self.world.reassign(number, contact)

    @rule(number=documents, how=st.sampled_from(["sql", "draft", "cancel", "unlink"]))
    def undo(self, number, how):
        with self.attempted():
            self.world.undo(number, how)

    @rule(number=documents, day=st.integers(-3, 3))
    def credit(self, number, day):
        with self.attempted():
            self.world.credit(number, day)

    @rule(number=documents, day=st.integers(-4, 3), share=st.sampled_from([1, 0.5]))
    def pay(self, number, day, share):
        with self.attempted():
            self.world.pay(number, day, share)

    @rule(number=documents)
    def unreconcile(self, number):
        with self.attempted():
            self.world.unreconcile(number)

    # Contacts, decisions, settings

    @rule(contact=contacts, parent=contacts)
    def reparent(self, contact, parent):
        with self.attempted():
            self.world.reparent(contact, parent)

    @rule(
        contact=contacts,
        values=st.sampled_from(
            [
                {"city": "Ghent"},
                {"city": "Bruges"},
                {"customer_rank": 0},
                {"customer_rank": 2},
                {"active": False},
                {"active": True},
            ]
        ),
    )
    def edit_contact(self, contact, values):
        with self.attempted():
            self.world.edit_contact(contact, values)

    @rule(contact=contacts)
    def delete_contact(self, contact):
        with self.attempted():
            self.world.delete_contact(contact)

    @rule(source=contacts, kept=contacts)
    def merge(self, source, kept):
        with self.attempted():
            self.world.merge(source, kept)

    @rule(contact=contacts)
    def exclude(self, contact):
        with self.attempted():
            self.world.exclude(contact)

    @rule(
        contact=contacts,
        company=st.integers(0, 1),
        dimension=st.integers(0, 2),
        day=st.integers(1, 3),
    )
    def decide(self, contact, company, dimension, day):
        with self.attempted():
            self.world.decide(contact, company, dimension, day)

    @rule(
        company=st.integers(0, 1),
        values=st.sampled_from(
            [
                {"customer_window_days": 3},
                {"customer_window_days": 6},
                {"customer_history_start": "2026-01-15"},
                {"customer_history_start": False},
            ]
        ),
    )
    def change_settings(self, company, values):
        with self.attempted():
            self.world.roots[company].write(values)
            self.world.settle()
            self.is_changed = True

    # Time and runs

    @rule(hours=st.sampled_from([5, 24, 30]))
    def skip(self, hours):
        """Time passes; no run."""
        self.world.pass_hours(hours)

    @rule(hours=st.sampled_from([24, 24, 24, 24, 24, 15, 48]))
    def night(self, hours):
        """Night after night; mostly single days."""
        with self.guarded():
            self.world.pass_hours(hours)
            self.check.nightly_run()
            self.is_changed = False

    @rule(hours=st.sampled_from([24, 24, 24, 24, 24, 9]))
    def another_night(self, hours):
        self.night(hours)

    @precondition(lambda self: not self.is_changed and self.check.is_waiting())
    @rule()
    def minute(self):
        with self.guarded():
            self.check.minute_run()

    @rule(
        steps=st.integers(1, 12),
        contact=contacts,
        amount=documents,
        day=st.integers(-7, 2),
    )
    def night_in_pieces(self, steps, contact, amount, day):
        """The scheduled action's time is over, somebody posts, and it goes on."""
        with self.guarded():
            self.world.pass_hours(24)
            self.check.start_nightly_run(steps)
            self.world.post(0, contact, amount, day, 1, False)
            self.check.finish()
            self.is_changed = False

    @rule(step=st.sampled_from(["_do_facts", "_do_judge", "_do_versions", "_apply"]))
    def failing_night(self, step):
        """A run fails amid its work: whom it took over must not be lost."""
        with self.guarded():
            self.world.pass_hours(24)
            Line = self.case.registry[LINE]
            with patch.object(Line, step, side_effect=RuntimeError("broken")):
                self.check.run_quietly()

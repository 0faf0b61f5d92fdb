import math
import random

from odoo.tests import BaseCase, tagged

from odoo.addons.customer_classification.models.customer_lift import (
    Comparison,
    Sample,
    compare,
    incomplete_beta,
    student_quantile,
)

#: Quantiles of Student's distribution for probabilities of 0.9, 0.975 and 0.995, as
#: printed tables have them (Pearson and Hartley, Biometrika Tables for Statisticians)
PRINTED = {
    1: (3.078, 12.706, 63.657),
    2: (1.886, 4.303, 9.925),
    5: (1.476, 2.571, 4.032),
    10: (1.372, 2.228, 3.169),
    30: (1.310, 2.042, 2.750),
    120: (1.289, 1.980, 2.617),
}
#: The same to more digits, for any freedom: scipy.stats.t.ppf of SciPy 1.17
QUANTILES = {
    1: (3.0776835371752544, 12.706204736174694, 63.656741162871526),
    2.5: (1.7302509288071766, 3.5746548420036817, 7.163728138948783),
    999: (1.2823995700373971, 1.9623414611334493, 2.5807596372676365),
    98765.4: (1.281560137276679, 1.95998800408342, 2.575879084515229),
}
#: scipy.special.betainc(a, b, x) of SciPy 1.17, by x, a, b
BETA = {
    (0.3, 2.5, 0.5): 0.018927124071945658,
    (0.6, 50, 30): 0.3170571539691119,
    (0.001, 0.5, 900): 0.8203359114231815,
}
#: Campaigns of each simulation
CAMPAIGNS = 600


@tagged("post_install", "-at_install")
class TestLift(BaseCase):
    """The difference between two groups, and the limits it is between."""

    def test_quantiles(self):
        for freedom, expected in PRINTED.items():
            for probability, value in zip((0.9, 0.975, 0.995), expected, strict=True):
                self.assertAlmostEqual(
                    student_quantile(probability, freedom), value, delta=0.0006
                )
        for freedom, expected in QUANTILES.items():
            for probability, value in zip((0.9, 0.975, 0.995), expected, strict=True):
                quantile = student_quantile(probability, freedom)
                self.assertAlmostEqual(quantile / value, 1, delta=1e-9)

    def test_incomplete_beta(self):
        for (x, a, b), value in BETA.items():
            self.assertAlmostEqual(incomplete_beta(x, a, b), value, delta=1e-12)
        # with b = 1 it is a power; and both ends together are all
        self.assertAlmostEqual(incomplete_beta(0.3, 4, 1), 0.3**4, delta=1e-15)
        self.assertAlmostEqual(
            incomplete_beta(0.2, 3, 7) + incomplete_beta(0.8, 7, 3), 1, delta=1e-14
        )
        self.assertEqual((incomplete_beta(0, 2, 3), incomplete_beta(1, 2, 3)), (0, 1))

    def test_by_hand(self):
        """Eight customers, of whom three bought, and four, of whom one did.

        Means 11.25 and 2.5; squared deviations 2900 - 8 · 11.25² = 1887.5 and 75. One
        variance for both: 1962.5 / 10 = 196.25; error √(196.25 · (1/8 + 1/4)) =
        8.57868;
        Student's quantile of 10 degrees 2.228139; so ±19.11, which is wider than
        Welch's ±14.27 (√(269.643/8 + 25/4) = 6.32102, 9.106 degrees, 2.258147).
        Third cumulants 4553.5714 and 250, on the average of twelve 3119.0476; skewness
        of the difference 3119.0476 · (1/64 - 1/16) / 8.57868³ = -0.231580.
        Quantiles ±2.228139 - 0.231580 · (2.228139² - 1) / 6 = 2.075119 and -2.381159.
        """
        sample = Sample.of([0, 0, 0, 0, 20, 30, 40, 0])
        other = Sample.of([0, 0, 10, 0])
        self.assertEqual((sample.mean, sample.deviations), (11.25, 1887.5))
        self.assertEqual((other.mean, other.variance), (2.5, 25))
        self.assertAlmostEqual(sample.third_cumulant, 4553.5714286, places=6)
        self.assertAlmostEqual(other.third_cumulant, 250)
        comparison = compare(sample, other)
        self.assertAlmostEqual(comparison.difference, 8.75)
        self.assertAlmostEqual(comparison.low, 8.75 - 8.57868 * 2.075119, delta=1e-4)
        self.assertAlmostEqual(comparison.high, 8.75 + 8.57868 * 2.381159, delta=1e-4)
        # (1.959964 + 0.841621) · 8.57868 / 8.75, squared
        self.assertAlmostEqual(comparison.growth, 7.544530, delta=1e-4)
        self.assertFalse(comparison.is_certain)
        self.assertAlmostEqual(comparison.times(8)[0], 70)
        self.assertAlmostEqual(comparison.times(8)[1], 8 * comparison.low)

    def test_welch(self):
        """Where the groups vary differently, Welch's error is the larger one.

        What is varied is the group of four: 0, 0, 0, 40 and eight of 10 or 12. Variance
        400 and 8/7; error √(1/7 + 100) = 10.007140, 3.009 degrees of freedom.
        """
        sample = Sample.of([10, 12] * 4)
        other = Sample.of([0, 0, 0, 40])
        comparison = compare(sample, other)
        self.assertAlmostEqual(comparison.difference, 1)
        # the skewness moves both limits alike: the width is that of Welch's interval
        freedom = (1 / 7 + 100) ** 2 / ((1 / 7) ** 2 / 7 + 100**2 / 3)
        self.assertAlmostEqual(freedom, 3.00857, places=4)
        self.assertAlmostEqual(
            comparison.high - comparison.low,
            2 * student_quantile(0.975, freedom) * math.sqrt(1 / 7 + 100),
        )

    def test_alike_groups_need_no_skewness(self):
        """Of two groups of one size the skewness cancels out: Student's interval."""
        sample = Sample.of([1, 2, 3, 14])
        other = Sample.of([0, 1, 2, 13])
        comparison = compare(sample, other)
        # variance 110/3 of both, 6 degrees of freedom: 2.446912
        half = 2.446912 * math.sqrt(2 * (110 / 3) / 4)
        self.assertAlmostEqual(comparison.low, 1 - half, places=5)
        self.assertAlmostEqual(comparison.high, 1 + half, places=5)

    def test_customers_needed(self):
        """A difference of half a standard deviation needs 62.8 in each group.

        2 · (1.959964 + 0.841621)² / 0.5², see Chow, Shao and Wang, section 3.2.1.
        """
        variance, count = 1, 100
        sample = Sample(count, 50, 50 * 50 / count + variance * (count - 1), 0)
        other = Sample(count, 0, variance * (count - 1), 0)
        comparison = compare(sample, other)
        self.assertAlmostEqual(comparison.growth * count, 62.791, places=3)
        self.assertTrue(comparison.is_certain)
        # at nine to one: (1 + 1/9) · 7.849 / 0.25 and 9 times as many with the message
        sample = Sample(900, 450, 225 + 899, 0)
        comparison = compare(sample, other)
        self.assertAlmostEqual(comparison.growth * 900, 9 * 34.884 * 1, delta=0.2)

    def test_nothing_to_say(self):
        none, one = Sample.of([]), Sample.of([5])
        some = Sample.of([1, 2, 3])
        self.assertEqual(compare(some, none), Comparison())
        self.assertEqual(compare(none, some), Comparison())
        self.assertEqual(compare(one, some), Comparison(3.0))
        self.assertEqual(compare(some, one), Comparison(-3.0))
        nothing = Sample.of([0, 0, 0])
        self.assertEqual(compare(nothing, nothing), Comparison(0.0))
        self.assertFalse(compare(nothing, nothing).is_certain)
        self.assertEqual(Comparison().times(7), (None, None, None))
        # no difference: no number of customers makes it certain
        self.assertIsNone(compare(some, some).growth)
        self.assertIsNotNone(compare(some, some).low)

    def test_sums_are_exact(self):
        """Large amounts that differ by a cent: sums of floats would lose it."""
        amounts = ["100000000.01", "100000000.02", "100000000.03"]
        self.assertAlmostEqual(Sample.of(amounts).variance, 0.0001, places=12)

    def test_one_big_purchase_is_no_effect(self):
        """The only purchase, among those who got the message, proves nothing."""
        sample = Sample(9000, 5000, 5000**2, 5000**3)
        comparison = compare(sample, Sample(1000))
        self.assertLess(comparison.low, 0)
        self.assertGreater(comparison.high, comparison.difference)

    # By simulation

    def simulate(self, *groups, seed):
        """Return in how many of a hundred campaigns the truth is below, above or
        between the limits, and how often it would be between Welch's.

        A group: the number of customers, the share of them that buys, and what these
        spend, exp of a normal distribution with a mean and a standard deviation.
        """
        chance = random.Random(seed)
        means = [p * math.exp(mu + sigma**2 / 2) for _n, p, mu, sigma in groups]
        truth = means[0] - means[1]
        below = above = welch = 0
        for _campaign in range(CAMPAIGNS):
            samples = [self.draw(chance, *group) for group in groups]
            result = compare(*samples)
            if result.low is not None:
                below += truth < result.low
                above += truth > result.high
            welch += self.is_in_welch(truth, *samples)
        inside = CAMPAIGNS - below - above
        return [100 * n / CAMPAIGNS for n in (below, above, inside, welch)]

    @staticmethod
    def draw(chance, count, share, mu, sigma):
        """Draw what the customers of a group buy."""
        # the number who buy, from its normal approximation; at least none
        mean, deviation = count * share, math.sqrt(count * share * (1 - share))
        buyers = max(0, round(chance.gauss(mean, deviation)))
        amounts = [chance.lognormvariate(mu, sigma) for _buyer in range(buyers)]
        return Sample(count, *(sum(x**k for x in amounts) for k in (1, 2, 3)))

    @staticmethod
    def is_in_welch(truth, sample, other):
        parts = sample.variance / sample.count, other.variance / other.count
        if not sum(parts):
            return truth == sample.mean - other.mean
        freedom = sum(parts) ** 2 / (
            parts[0] ** 2 / (sample.count - 1) + parts[1] ** 2 / (other.count - 1)
        )
        half = student_quantile(0.975, freedom) * math.sqrt(sum(parts))
        return abs(sample.mean - other.mean - truth) <= half

    def test_coverage_where_there_is_no_effect(self):
        """Nobody is told of an effect where there is none, or in 2.5 % at most.

        The number of wrong ones of 600 is binomial: 15 ± 3.8; 27 are three standard
        deviations more, which is 4.5 %. Welch's interval has more than that by far.
        """
        for seed, (count, share) in enumerate([(900, 0.1), (4500, 0.03), (2500, 0.2)]):
            group = (count, share, 4, 1.2)
            held_out = (count // 9, share, 4, 1.2)
            below, above, inside, welch = self.simulate(group, held_out, seed=seed)
            self.assertLess(below, 4.5, group)
            self.assertLess(above, 4.5, group)
            self.assertGreater(inside, 93, group)
            self.assertLess(welch, 93, group)

    def test_coverage_where_the_effect_is_known(self):
        """A third more customers buy, and each for a fifth more."""
        for seed, count in enumerate((900, 4500)):
            below, above, inside, _welch = self.simulate(
                (count, 0.08, 4.2, 1.2), (count // 9, 0.06, 4, 1.2), seed=10 + seed
            )
            self.assertLess(below, 4.5)
            self.assertLess(above, 4.5)
            self.assertGreater(inside, 93)

    def test_coverage_of_halves(self):
        """Two groups of one size: 95 %, give or take three times 0.9."""
        _below, _above, inside, _welch = self.simulate(
            (500, 0.1, 4, 1.2), (500, 0.1, 4, 1.2), seed=20
        )
        self.assertAlmostEqual(inside, 95, delta=2.7)

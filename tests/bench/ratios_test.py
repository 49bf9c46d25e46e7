#!/usr/bin/env python3
"""The arithmetic of scripts/bench."""

import unittest

from ratios import Round, counted, median, percentile, slope, summary


class Ratios(unittest.TestCase):
    def test_a_percentile_is_a_value_that_was_measured(self):
        self.assertEqual(percentile([30, 10, 20], 50), 20)
        self.assertEqual(percentile(range(1, 101), 99), 99)
        self.assertEqual(percentile([7], 99), 7)

    def test_the_median_of_an_even_number_is_between_the_middle_two(self):
        self.assertEqual(median([4, 1, 3, 2]), 2.5)

    def test_the_ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_all_samples(self):
        rounds = [Round([10], [10]), Round([20], [10]), Round([1000], [10])]
        self.assertEqual(summary(rounds)["ratio"], 2)

    def test_a_row_of_the_slowest_compares_the_slowest(self):
        ours, reference = [10] * 97 + [30, 40, 90], [10] * 97 + [20, 20, 80]
        self.assertEqual(Round(ours, reference).ratio(), 1)
        self.assertEqual(Round(ours, reference, at=99).ratio(), 2)

    def test_a_round_with_stolen_time_does_not_count(self):
        rounds = [Round([10], [10])] * 3 + [Round([90], [10], steal=0.5)]
        self.assertEqual(summary(rounds)["dropped"], 1)
        self.assertEqual(summary(rounds)["ours"]["p99"], 10)

    def test_when_most_rounds_are_disturbed_all_count_and_the_steal_is_told(self):
        rounds = [Round([10], [10])] + [Round([20], [10], steal=0.5)] * 2
        self.assertEqual(len(counted(rounds)), 3)
        self.assertEqual(summary(rounds)["steal"], 0.5)

    def test_the_p99_of_a_rate_is_its_low_end(self):
        rates = Round(list(range(1, 101)), [1])
        self.assertEqual(summary([rates], higher_is_better=True)["ours"]["p99"], 1)
        self.assertEqual(summary([rates])["ours"]["p99"], 99)

    def test_the_spread_is_that_of_the_rounds(self):
        rounds = [Round([r], [1]) for r in range(1, 101)]
        self.assertEqual(summary(rounds)["spread"], [5, 95])

    def test_what_both_starts_have_in_common_is_taken_off_ours_before_it_is_compared(self):
        rounds = [Round([30], [10], base=[10]), Round([30], [10], base=[20]), Round([30], [10], base=[5])]
        self.assertEqual(summary(rounds)["ratio"], 2)
        self.assertEqual(summary(rounds)["base"]["p50"], 10)

    def test_the_slope_is_for_one_more_of_them(self):
        self.assertEqual(slope(4_000_000, 5_000_000, (500, 1000)), 2000)
        self.assertEqual(slope(-4_000_000, -4_100_000, (500, 1000)), -200)  # what others gave back costs nothing


if __name__ == "__main__":
    unittest.main()

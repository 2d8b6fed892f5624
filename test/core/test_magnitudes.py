# SPDX-License-Identifier: Apache-2.0
"""Tests of the count of magnitudes: exact for 16 bits, the same in whatever parts it came."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from coinfer_ros.core import magnitudes
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.magnitudes import Magnitudes

HALVES = hnp.arrays(
    np.float16,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=12),
    elements=st.floats(-65504.0, 65504.0, width=16),
)
SINGLES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=12),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


def plain(counted: Magnitudes) -> tuple[object, ...]:
    """Return all that a record holds, comparably."""
    sums = (counted.total, counted.squares, counted.logs)
    ends = (counted.least, counted.greatest, counted.exact, counted.zeros)
    return (counted.counters.tobytes(), sums, ends)


@settings(max_examples=20)
@given(HALVES)
def test_half_precision_comes_back_value_by_value(weights: NDArray[np.float16]) -> None:
    counted = Magnitudes().add(weights)
    values, counts = np.unique(np.abs(weights), return_counts=True)
    bins = counted.bins()
    assert counted.exact
    assert bins.least.tolist() == bins.greatest.tolist() == values.tolist()
    assert bins.counts.tolist() == counts.tolist()
    assert counted.count == weights.size


@settings(max_examples=20)
@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=50))
def test_bfloat16_comes_back_value_by_value_down_to_its_least(patterns: list[int]) -> None:
    weights = (np.array(patterns, np.uint32) << 16).view(np.float32)
    weights = weights[np.isfinite(weights)]
    counted = Magnitudes().add(weights)
    assert counted.exact
    assert counted.bins().least.tolist() == np.unique(np.abs(weights)).tolist()


@settings(max_examples=20)
@given(SINGLES)
def test_each_weight_lies_in_its_bin_and_no_bin_is_wide(weights: NDArray[np.float32]) -> None:
    bins = Magnitudes().add(weights).bins()
    ordered = np.sort(np.abs(weights), axis=None).astype(np.float64)
    assert (np.repeat(bins.least, bins.counts) <= ordered).all()
    assert (np.repeat(bins.greatest, bins.counts) >= ordered).all()
    normal = bins.least >= 2.0**-126  # below it float32 has fewer bits of mantissa
    widths = bins.greatest - bins.least
    assert (widths[normal] < 2.0**-10 * bins.least[normal]).all()
    assert (widths[~normal] < 2.0**-136).all()
    assert (np.diff(bins.least) > 0).all()


@settings(max_examples=20)
@given(SINGLES)
def test_sums_and_ends_are_those_of_the_weights(weights: NDArray[np.float32]) -> None:
    counted = Magnitudes().add(weights)
    values = np.abs(weights.astype(np.float64)).ravel().tolist()
    nonzero = [value for value in values if value]
    # Some hundred weights are added pairwise or by the eight: under 2^7 roundings.
    exact = {"rel": 2.0**-46, "abs": 0.0}
    assert float(counted.total) == pytest.approx(math.fsum(values), **exact)
    assert float(counted.squares) == pytest.approx(math.fsum(v * v for v in values), **exact)
    assert counted.zeros == len(values) - len(nonzero)
    assert counted.greatest == max(values)
    assert counted.least == min(nonzero, default=math.inf)
    logs = [math.log(value) for value in nonzero]
    # A logarithm is off by a rounding of the product and one of the sum, 104 = |ln 2^-149| at most.
    error = 2.0**-52 * (len(values) + 104 * len(values))
    assert float(counted.logs) == pytest.approx(math.fsum(logs), rel=0, abs=error)


def test_a_run_of_mantissas_is_multiplied_and_what_is_left_of_it_too() -> None:
    weights = np.random.default_rng(3).laplace(size=512 * 9 + 77).astype(np.float32)
    logs = np.log(np.abs(weights.astype(np.float64)))
    # 512 roundings a run in the product, and a handful in sums that stay below 2^13.
    bound = len(logs) * 2.0**-53 + 16 * 2.0**13 * 2.0**-53
    assert abs(float(Magnitudes().add(weights).logs) - math.fsum(logs)) < bound


@settings(max_examples=15)
@given(st.lists(SINGLES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_parts_merged_in_any_order_give_the_same(
    parts: list[NDArray[np.float32]], random: object
) -> None:
    counted = [Magnitudes().add(part) for part in parts]
    forth = reduce(Magnitudes.merge, counted, Magnitudes())
    random.shuffle(counted)  # type: ignore[attr-defined]
    back = reduce(lambda total, one: one.merge(total), counted, Magnitudes())
    assert plain(forth) == plain(back)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_array_of_many_chunks_is_the_sum_of_its_chunks(dtype: type) -> None:
    weights = np.random.default_rng(1).random((7, 3, 100_001), np.float32).astype(dtype)
    whole = Magnitudes().add(weights.transpose(2, 0, 1))
    parts = [Magnitudes().add(part) for part in np.split(weights.ravel(), [1 << 20, 2 << 20])]
    assert plain(whole) == plain(reduce(Magnitudes.merge, parts))


def test_float64_is_counted_as_the_float32_that_it_rounds_to() -> None:
    weights = np.array([0.1, -1e-60, 1.0 + 2.0**-30])
    assert plain(Magnitudes().add(weights)) == plain(Magnitudes().add(weights.astype(np.float32)))
    assert Magnitudes().add(weights).zeros == 1


def test_adding_leaves_the_record_as_it_was() -> None:
    nothing = Magnitudes()
    assert nothing.add([1.0]).count == 1
    assert plain(nothing) == plain(Magnitudes())
    with pytest.raises(ValueError, match="read-only"):
        nothing.counters[0] = 1


def test_nothing_added_is_nothing() -> None:
    nothing = Magnitudes().add(np.zeros((0, 3), np.float32))
    assert (nothing.count, nothing.zeros, nothing.total) == (0, 0, Fraction(0))
    assert nothing.bins().counts.tolist() == []


def test_zeros_of_both_signs_and_the_least_number_share_a_counter_but_no_bin() -> None:
    bins = Magnitudes().add(np.array([0.0, -0.0, 1e-45], np.float32)).bins()
    assert bins.counts.tolist() == [2, 1]
    assert (bins.least[0], bins.greatest[0]) == (0.0, 0.0)
    assert bins.least[1] == 2.0**-149


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e39])
def test_weights_that_are_not_finite_are_refused_by_number(bad: float) -> None:
    weights = np.array([1.0, bad, 2.0, bad])
    rule = r"^weights must be finite in float32, got 2 of 4 that are not$"
    with pytest.raises(InvalidInput, match=rule):
        Magnitudes().add(weights)


@pytest.mark.parametrize("weights", [[1, 2], [1j], [True], ["a"]])
def test_what_is_no_float_is_refused(weights: list[object]) -> None:
    with pytest.raises(InvalidInput, match=r"^weights must be floating-point, got an array of "):
        Magnitudes().add(weights)


@pytest.mark.parametrize(
    ("counters", "got"),
    [
        (np.zeros(3, np.int64), r"int64 of shape \(3,\)"),
        (np.zeros(magnitudes.BINS), r"float64 of shape \(262144,\)"),
        ([1], "list"),
    ],
)
def test_counters_of_another_kind_are_refused(counters: NDArray[np.int64], got: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^counters must be 262144 of int64, got {got}$"):
        Magnitudes(counters=counters)


def test_the_array_that_counters_came_in_stays_writeable() -> None:
    mine = np.zeros(magnitudes.BINS, np.int64)
    counted = Magnitudes(counters=mine)
    mine[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        counted.counters[0] = 2

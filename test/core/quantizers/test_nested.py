# SPDX-License-Identifier: Apache-2.0
"""Tests of nested codes: their law in closed form, what they lose, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import PerChannel, nested_fit, nested_laws, restored
from coinfer_ros.core.quantizers.law import mean_error
from coinfer_ros.core.quantizers.nested import (
    NestedCodes,
    decode,
    encode,
    law_distortion,
    to_int8,
)

Weights = NDArray[np.float32]
WIDTHS = range(2, 9)
ANY = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=4, max_side=6),
    elements=st.floats(-65504.0, 65504.0, width=16),
)


def outliers(rng: np.random.Generator) -> Weights:
    """Return rows of which six columns are 10 to 100 times larger."""
    weights = rng.normal(size=(48, 768))
    weights[:, rng.choice(768, 6, replace=False)] *= np.geomspace(10.0, 100.0, 6)
    return weights.astype(np.float32)


def one_outlier(rng: np.random.Generator) -> Weights:
    """Return rows of which one column is 50 times larger."""
    weights = rng.normal(size=(48, 768))
    weights[:, 3] *= 50.0
    return weights.astype(np.float32)


ROWS = {
    "gaussian": lambda rng: rng.normal(size=(48, 768)).astype(np.float32),
    "laplace": lambda rng: rng.laplace(size=(48, 768)).astype(np.float32),
    "student-t": lambda rng: rng.standard_t(5, size=(48, 768)).astype(np.float32),
    "uniform": lambda rng: rng.uniform(-1.0, 1.0, size=(48, 768)).astype(np.float32),
    "outliers": outliers,
    "one outlier": one_outlier,
    "short": lambda rng: rng.laplace(size=(600, 27)).astype(np.float32),
}


def errors(weights: Weights, back: Weights) -> NDArray[np.float64]:
    return np.abs(back.astype(np.float64) - weights)


@pytest.mark.parametrize("bits", WIDTHS)
def test_the_law_s_sum_is_the_integral_over_even_cells_of_the_compander(bits: int) -> None:
    n = 2 ** (bits - 1)
    m = np.arange(n, 0, -1.0)  # the mass beyond a cell's ends is (m/n)² and ((m-1)/n)²
    ends = -2.0 * np.log(m / n)
    medians = -np.log((m**2 + (m - 1.0) ** 2) / (2.0 * n**2))
    assert law_distortion(bits) == pytest.approx(mean_error(medians, ends), rel=1e-12)


@pytest.mark.parametrize("bits", WIDTHS)
def test_nesting_costs_two_percent_at_most_and_stays_below_the_paper_s_bound(bits: int) -> None:
    figures = rate_distortion.at_bits(bits)
    n = 2 ** (bits - 1)
    assert figures.scalar_optimal < law_distortion(bits) < min(1.0 / n, figures.upper)
    assert law_distortion(bits) / figures.scalar_optimal < 1.0216


def test_each_law_s_cells_nest_and_hold_their_values() -> None:
    ends = nested_fit.lower_ends()
    assert (ends[:, 0] == 0.0).all()
    assert (np.diff(ends) > 0).all()
    for bits in WIDTHS:
        values = nested_laws.values(bits)
        lower = ends[:, :: 2 ** (8 - bits)]
        assert (values > lower * (1.0 - 2.0**-10)).all()  # an end is rounded to 2^-11 of itself
        assert (values[:, :-1] < lower[:, 1:] * (1.0 + 2.0**-10)).all()
    assert (nested_laws.values(8)[:, -1] == 1.0).all()


def test_a_value_is_the_median_of_its_cell_by_the_squared_density_of_the_cells() -> None:
    n, fine = 4, 1 << 13
    edges = nested_laws.magnitude_at((np.arange(fine) + 0.5) / fine)
    starts = np.arange(n) * (fine // n)
    for law, found in enumerate(nested_laws.medians(3)):
        # The cells' density h is 1/(fine·dx), so h²·dx adds up as 1/dx does.
        mass = np.append(0.0, np.cumsum(1.0 / np.diff(edges[law])))
        halves = (mass[starts] + mass[np.append(starts[1:], fine - 1)]) / 2
        expected = np.interp(halves, mass, edges[law])
        # A median is known to the step between two edges that it lies in, and the one before.
        at = np.searchsorted(edges[law], expected)
        step = edges[law][at] - edges[law][at - 2]
        assert (np.abs(found - expected) <= step).all()


@pytest.mark.parametrize("name", ROWS)
def test_every_width_is_as_good_as_the_best_code_made_for_it_alone(name: str) -> None:
    weights = ROWS[name](np.random.default_rng(1))
    stored = encode(weights)
    for bits in range(3, 9):
        losses = [
            errors(weights, restored(weights, quantizer=q, bits=bits, granularity=PerChannel()))
            for q in ("uniform", "uniform_l1", "exponential")
        ]
        found = errors(weights, decode(stored, bits))
        # What nesting costs on the law, and 1 % that rows of these sizes differ by; of the few
        # cells of 3 bits those that reach a lone outlier are missed elsewhere.
        nesting = law_distortion(bits) / rate_distortion.at_bits(bits).scalar_optimal
        most = 1.07 if (name, bits) == ("one outlier", 3) else nesting + 0.01
        assert found.mean() <= most * min(loss.mean() for loss in losses)
    assert np.square(found).mean() <= 1.01 * np.square(losses[0]).mean()


def test_a_long_exponential_row_loses_what_its_law_says() -> None:
    q = 1 << 17
    weights = -np.log((np.arange(q) + 0.5) / q)[None].astype(np.float32)
    stored = encode(weights)
    for bits in WIDTHS:
        # The row ends where the law does not: fewer magnitudes to spend cells on, and the table's
        # rates lie a factor 1.5 apart.
        assert errors(weights, decode(stored, bits)).mean() == pytest.approx(
            law_distortion(bits), rel=0.05
        )


@given(ANY)
def test_any_row_keeps_its_signs_its_greatest_and_its_zeros(weights: Weights) -> None:
    stored = encode(weights)
    flat = weights.reshape(len(weights), -1)
    greatest = np.abs(flat).max(axis=1)
    assert stored.codes.shape == weights.shape
    for bits in WIDTHS:
        back = decode(stored, bits).reshape(flat.shape)
        assert np.isfinite(back).all()
        assert (np.abs(back).max(axis=1) <= greatest).all()
        assert (np.signbit(back) == np.signbit(flat)).all()
        assert (back[greatest == 0] == 0).all()
    at = np.abs(flat) == greatest[:, None]
    assert (back[at] == flat[at]).all()


@given(ANY)
def test_fewer_bits_are_the_top_bits_of_the_same_code(weights: Weights) -> None:
    stored = encode(weights)
    cut = NestedCodes(stored.codes & np.uint8(0b11100000), stored.scales, stored.laws)
    assert (decode(cut, 3) == decode(stored, 3)).all()


def test_one_byte_a_weight_and_five_a_row() -> None:
    stored = encode(np.ones((3, 4, 5), np.float32))
    assert stored.nbytes == 60 + 3 * 5


def test_the_layout_in_memory_and_the_size_of_a_row_change_nothing() -> None:
    weights = np.random.default_rng(2).laplace(size=(6, 300_000)).astype(np.float32)
    turned = np.asfortranarray(weights)
    assert (encode(turned).codes == encode(weights).codes).all()
    assert (encode(weights[::2]).codes == encode(weights).codes[::2]).all()
    assert (encode(weights[:1]).codes == encode(weights).codes[:1]).all()


def test_a_result_goes_where_it_is_wanted() -> None:
    stored = encode(np.random.default_rng(3).normal(size=(4, 3, 2)).astype(np.float32))
    out = np.full((4, 3, 2), np.nan, np.float32)
    assert decode(stored, 5, out).base is out or decode(stored, 5, out) is out
    assert (out == decode(stored, 5)).all()


@pytest.mark.parametrize(
    "out", [np.empty((2, 3)), np.empty((3, 2), np.float32), np.empty((3, 2), np.float32).T, [0.0]]
)
def test_memory_that_does_not_fit_is_refused(out: object) -> None:
    with pytest.raises(InvalidInput, match=r"^out must be C-contiguous float32 of shape \(2, 3\)"):
        decode(encode(np.ones((2, 3), np.float32)), 4, out)


@pytest.mark.parametrize(
    ("weights", "rule"),
    [
        (np.array([[1.0, np.nan]], np.float32), "^weights must be finite"),
        (np.array([[1.0, -np.inf]], np.float32), "^weights must be finite"),
        (
            np.array([[1e38]], np.float32),
            r"^weights must be at most 2\^120 in magnitude, got 1e\+38",
        ),
        (np.ones((2, 2)), "^weights must be an array of float32, got float64"),
        (np.ones(2, np.float32), "^weights must have two axes or more"),
        (np.ones((0, 2), np.float32), "^weights must have two axes or more, none empty"),
    ],
)
def test_what_cannot_be_stored_is_refused(weights: object, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule):
        encode(weights)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"codes": np.zeros((2, 3), np.int8)}, "^codes must be an array of uint8, got int8"),
        ({"codes": [[0]]}, "^codes must be an array of uint8, got list"),
        ({"codes": np.zeros(3, np.uint8)}, "^codes must have two axes or more"),
        ({"codes": np.zeros((2, 0), np.uint8)}, "^codes must have two axes or more, none empty"),
        ({"scales": np.ones(3, np.float32)}, r"^scales must have shape \(2,\)"),
        ({"scales": np.array([1, np.nan], np.float32)}, "^scales must be finite"),
        ({"scales": np.array([1, 1e38], np.float32)}, r"^scales must be 0 or in"),
        ({"laws": np.zeros(2, np.int64)}, r"^laws must be uint8 of shape \(2,\), got int64"),
        ({"laws": np.array([0, 128], np.uint8)}, "^laws must be below 128, got 128"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change: dict[str, object], rule: str) -> None:
    good = {
        "codes": np.zeros((2, 3), np.uint8),
        "scales": np.ones(2, np.float32),
        "laws": np.zeros(2, np.uint8),
    }
    NestedCodes(**good)
    with pytest.raises(InvalidInput, match=rule):
        NestedCodes(**(good | change))


@pytest.mark.parametrize("bits", [1, 9, 4.0, True])
def test_another_width_is_refused(bits: object) -> None:
    for ask in (
        lambda: decode(encode(np.ones((1, 1), np.float32)), bits),
        lambda: law_distortion(bits),
    ):
        with pytest.raises(InvalidInput, match=r"^bits must be a whole number in \[2, 8\]"):
            ask()


def test_the_steepest_and_the_flattest_rows_are_within_the_table() -> None:
    sharp = np.full((1, 4096), 1.0, np.float32)
    sharp[0, 0] = 500.0
    back = decode(encode(sharp), 8)
    # The nearest cells of the steepest body are 2 means of it over 128 wide, at 1 of it e^½ times.
    assert errors(sharp, back).max() <= 2.0 / 128 * math.exp(0.5)
    assert back[0, 0] == 500.0


@pytest.mark.parametrize("bits", range(2, 9))
def test_steps_are_the_decoded_weights_rounded_to_127_a_row(bits: int) -> None:
    rng = np.random.default_rng(bits)
    weights = (rng.standard_t(5, (40, 60)) * rng.uniform(0.1, 3, (40, 1))).astype(np.float32)
    weights[3] = 0.0
    stored = encode(weights)
    steps, sizes = to_int8(stored, bits)
    back, exact = steps * sizes[:, None], decode(stored, bits)
    assert np.abs(steps[[0, 1, 2, 4]]).max(axis=1).tolist() == [127] * 4
    # Half a step, and what float32 rounds of it.
    assert (np.abs(back - exact) <= sizes[:, None] * (0.5 + 1e-4)).all()
    assert not steps[3].any() or sizes[3] == 0.0

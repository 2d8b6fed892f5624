# SPDX-License-Identifier: Apache-2.0
"""Tests of the exact distortions against a printed table, quadrature and the quantizers' codes."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, optimize

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import QUANTIZERS, law_distortion
from coinfer_ros.core.quantizers.law import mean_error
from coinfer_ros.core.quantizers.uniform import midpoints

# bits: exponential, uniform_l1, uniform for 1e6 and 1e9 samples, power of two (INQ, full) for 1e6;
# computed apart and rounded to what is written.
COLUMNS = [
    ("exponential", None),
    ("uniform_l1", None),
    ("uniform", 1e6),
    ("uniform", 1e9),
    ("power_of_two", 1e6),
    ("power_of_two_full", 1e6),
]
TABLE = {
    2: ".405465 .422095 .9985 .99995 .9993 .9993",
    3: ".223144 .248025 .8335 .9442 .9640 .7617",
    4: ".117783 .143282 .4731 .6415 .4677 .1793",
    5: ".060625 .081697 .2354 .3408 .1724 .1699",
    6: ".030772 .046030 .1156 .1701 .1699 .1699",
    7: ".015504 .025655 .0571 .0843 .1699 .1699",
    8: ".007782 .014162 .0283 .0419 .1699 .1699",
    9: ".003899 .007752 .0141 .0209 .1699 .1699",
}
# bits: error and step of the best uniform levels that have one at 0.
WITH_ZERO = {
    2: (".500000", "1.3863"),
    3: (".270188", ".8000"),
    4: (".149844", ".4659"),
    5: (".083646", ".2698"),
    6: (".046601", ".1545"),
    7: (".025819", ".0875"),
    8: (".014208", ".0490"),
    9: (".007765", ".0271"),
}


def half_a_digit(printed: str) -> float:
    """Return what rounding to the printed digits may have changed."""
    return 0.5001 * 10.0 ** -len(printed.partition(".")[2])


@pytest.mark.parametrize("bits", TABLE)
def test_every_column_agrees_with_the_table_to_its_last_digit(bits: int) -> None:
    for (name, samples), printed in zip(COLUMNS, TABLE[bits].split(), strict=True):
        found = law_distortion(name, bits, samples=samples)
        assert found == pytest.approx(float(printed), abs=half_a_digit(printed))


@pytest.mark.parametrize("bits", WITH_ZERO)
def test_a_level_at_zero_costs_more_than_one_beside_it(bits: int) -> None:
    levels = np.arange(2.0 ** (bits - 1))

    def error(step: float) -> float:
        return mean_error(levels * step, midpoints(levels * step))

    best = optimize.minimize_scalar(error, bounds=(1e-3, 2.0), method="bounded")
    for found, printed in zip((best.fun, best.x), WITH_ZERO[bits], strict=True):
        assert found == pytest.approx(float(printed), abs=half_a_digit(printed))
    assert best.fun > law_distortion("uniform_l1", bits)


@pytest.mark.parametrize(("name", "samples"), COLUMNS)
@pytest.mark.parametrize("bits", [2, 4])
def test_the_integrals_are_those_of_quadrature(name: str, samples: float | None, bits: int) -> None:
    quantizer = QUANTIZERS[name]
    typical = 1.0 if samples is None else math.log(samples) + np.euler_gamma
    scale = quantizer.choose_qparams(np.array([[typical]], np.float32), bits)[0]
    values, ends = quantizer.cells(bits, float(scale))
    expected = sum(
        integrate.quad(
            lambda t, value=value: abs(t - value) * math.exp(-t),
            low,
            high,
            points=[value] if low < value < high else None,
            epsabs=1e-12,
        )[0]
        for value, low, high in zip(values, ends, [*ends[1:], 60.0], strict=True)
    )
    # Beyond 60 there is less than 1e-24; every integral is good to 1e-12.
    assert law_distortion(name, bits, samples=samples) == pytest.approx(
        expected, abs=1e-12 * len(values)
    )


@pytest.mark.parametrize(("name", "samples"), COLUMNS)
@pytest.mark.parametrize("bits", [2, 3, 5, 8])
def test_the_codes_lose_what_the_integral_says(name: str, samples: float | None, bits: int) -> None:
    # The law's mid-quantiles stand for its integral.
    q = 100_000
    weights = -np.log((np.arange(q) + 0.5) / q)[None].astype(np.float32)
    typical = 1.0 if samples is None else math.log(samples) + np.euler_gamma
    quantizer = QUANTIZERS[name]
    scales = quantizer.choose_qparams(np.array([[typical]], np.float32), bits)
    back = quantizer.dequantize(quantizer.quantize(weights, scales, bits), scales, bits)
    found = np.abs(back - weights).mean(dtype=np.float64)
    # |θ - θ'| rises and falls once a cell and its tail is a logarithm, so the midpoint rule is off
    # by less than the greatest error within a cell over q, for each cell; and float32's rounding.
    most = 2.0 * (math.log(q) + 2**bits) / q
    assert found == pytest.approx(law_distortion(name, bits, samples=samples), abs=most)


@pytest.mark.parametrize("bits", range(2, 10))
def test_no_quantizer_beats_the_limits_and_the_best_table_is_the_best(bits: int) -> None:
    figures = rate_distortion.at_bits(bits)
    best = law_distortion("exponential", bits)
    assert best == pytest.approx(figures.scalar_optimal, rel=1e-9)
    assert figures.exact < best < figures.upper
    others = [law_distortion(name, bits, samples=1e6) for name in QUANTIZERS]
    assert min(others) == best
    assert sorted(others)[1] > best


@pytest.mark.parametrize("name", QUANTIZERS)
def test_more_bits_never_cost_more(name: str) -> None:
    widths = range(QUANTIZERS[name].bits_low, 17)
    losses = [law_distortion(name, bits, samples=1e6) for bits in widths]
    # Where the powers of two have run out, the sums differ by roundings.
    assert all(a >= b - 1e-12 for a, b in pairwise(losses))


def test_at_one_bit_the_median_is_all_there_is() -> None:
    for name in ("exponential", "uniform_l1"):
        assert law_distortion(name, 1) == pytest.approx(math.log(2.0), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "bits", "samples", "rule"),
    [
        ("uniform", 4, None, "^samples must be given for uniform, got None"),
        ("power_of_two", 4, math.nan, "^samples must be a finite number of at least 1000"),
        ("power_of_two", 4, 10.0, "^samples must be a finite number of at least 1000"),
        ("uniform", 1, 1e6, r"^bits must be a whole number in \[2, 16\]"),
        ("best", 4, 1e6, "^quantizer must be one of"),
    ],
)
def test_what_has_no_distortion_is_refused(
    name: str, bits: int, samples: float | None, rule: str
) -> None:
    with pytest.raises(InvalidInput, match=rule):
        law_distortion(name, bits, samples=samples)

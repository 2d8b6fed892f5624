# SPDX-License-Identifier: Apache-2.0
"""Tests of the computed curve against a dense alternation, its own bounds and the closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from coinfer_ros.core import rate_distortion as rd
from coinfer_ros.core.blahut_arimoto import blahut_arimoto, curve
from coinfer_ros.core.errors import InvalidInput

END = 14.0


def dense(slope: float, *, step: float, end: float, tolerance: float) -> tuple[float, float]:
    """Return rate and distortion with every product of the kernel written out as a matrix.

    The rate is the mutual information of the channel that the alternation has come to when the
    bounds, Σ q c ln c and max ln c for the factors c of the output's masses q, are that close.
    """
    grid = step * np.arange(round(end / step) + 1)
    source = np.exp(-grid) / np.exp(-grid).sum()
    distance = np.abs(grid[:, None] - grid[None, :])
    kernel = np.exp(-slope * distance)
    output, gap_bits = source, math.inf
    while True:
        factor = (source / (kernel @ output)) @ kernel
        gap_bits = np.log2(factor.max()) - output @ (factor * np.log2(factor))
        if gap_bits <= tolerance:
            break
        output = output * factor
    joint = source[:, None] * kernel * output / (kernel @ output)[:, None]
    rate_nats = special.rel_entr(joint, source[:, None] * joint.sum(axis=0)).sum()
    return float(rate_nats / math.log(2.0)), float((joint * distance).sum())


# At 0.165 bits and a slope of 1.5 the first bounds are near enough, max ln c alone is not.
@pytest.mark.parametrize("tolerance", [0.2, 0.165, 1e-3])
@pytest.mark.parametrize("slope", [1.5, 3.0, 6.0])
def test_rate_and_distortion_are_those_of_one_channel_however_coarse(
    slope: float, tolerance: float
) -> None:
    point = blahut_arimoto(slope, step=0.1, end=8.0, tolerance=tolerance)
    # Both stop at the same iteration, of hundreds, each with some roundings of 2^-53.
    expected = dense(slope, step=0.1, end=8.0, tolerance=tolerance)
    assert point == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("slope", "rate_bits", "distortion"), [(3.0, 1.0003, 0.28758), (5.0, 1.5854, 0.18221)]
)
def test_the_point_of_a_slope_is_what_is_documented(
    slope: float, rate_bits: float, distortion: float
) -> None:
    point = blahut_arimoto(slope, step=0.01, end=END)
    assert point.rate_bits == pytest.approx(rate_bits, abs=0.501e-4, rel=0)
    assert point.distortion == pytest.approx(distortion, abs=0.501e-5, rel=0)


@pytest.mark.parametrize("slope", [1.2, 1.5, 3.0, 5.0, 20.0])
def test_the_exact_curve_agrees_with_blahut_and_arimoto(slope: float) -> None:
    step, tolerance = 0.04 / slope, 1e-3
    rate_bits, distortion = blahut_arimoto(slope, step=step, end=END, tolerance=tolerance)
    # Half a step for the grid, the tolerance in bits over the slope, and the tail beyond the end.
    bound = step / 2 + tolerance * math.log(2.0) / slope + math.exp(-END)
    assert rd.exact(rate_bits) == pytest.approx(distortion, abs=bound, rel=0)
    assert rd.lower(rate_bits) < distortion < rd.upper(rate_bits)


@pytest.mark.parametrize("slope", [3.0, 5.0])
def test_the_error_of_the_grid_is_what_is_documented(slope: float) -> None:
    step, tolerance = 0.04, 5e-5
    point = blahut_arimoto(slope, step=step, end=END, tolerance=tolerance)
    error = point.distortion - rd.exact(point.rate_bits)
    bound = tolerance * math.log(2.0) / slope + math.exp(-END)
    assert error == pytest.approx(-(slope + 0.5) * step**2 / 12.0, abs=bound, rel=0.02)


def test_a_coarse_grid_may_come_out_below_the_bound_of_the_continuous_law() -> None:
    point = blahut_arimoto(10.0, step=0.1, end=END, tolerance=1e-3)
    assert point.distortion < rd.lower(point.rate_bits)


def test_the_weight_rate_only_scales_the_distortion() -> None:
    one = blahut_arimoto(3.0, step=0.05, end=END, tolerance=1e-3)
    other = blahut_arimoto(12.0, weight_rate=4.0, step=0.0125, end=END / 4.0, tolerance=1e-3)
    assert other.rate_bits == one.rate_bits  # exact: 4 is a power of 2
    assert other.distortion == one.distortion / 4.0


@pytest.mark.parametrize("weight_rate", [0.3, 3.0, 7.0, 10.0])
@pytest.mark.parametrize("end", [1.1, 8.0])
def test_the_grid_has_the_same_points_at_any_scale(weight_rate: float, end: float) -> None:
    one = blahut_arimoto(3.0, step=0.1, end=end, tolerance=1e-3)
    other = blahut_arimoto(
        3.0 * weight_rate,
        weight_rate=weight_rate,
        step=0.1 / weight_rate,
        end=end / weight_rate,
        tolerance=1e-3,
    )
    assert other.rate_bits == pytest.approx(one.rate_bits, rel=1e-10)
    assert other.distortion * weight_rate == pytest.approx(one.distortion, rel=1e-10)


def test_the_end_is_a_point_and_two_points_take_the_bits_that_tell_them_apart() -> None:
    # The second has e^-1 of the mass of the first, and exp(-50) confuses neither with the other.
    point = blahut_arimoto(50.0, step=1.0, end=1.0)
    mass = 1.0 / (1.0 + math.exp(-1.0))
    entropy = -mass * math.log2(mass) - (1.0 - mass) * math.log2(1.0 - mass)
    assert point.rate_bits == pytest.approx(entropy, abs=1e-12)


def test_a_curve_is_its_points_and_falls() -> None:
    rates_bits, distortions = curve([2.0, 3.0, 4.0], step=0.1, end=8.0)
    points = [blahut_arimoto(slope, step=0.1, end=8.0) for slope in (2.0, 3.0, 4.0)]
    assert list(zip(rates_bits, distortions, strict=True)) == points
    assert (np.diff(rates_bits) > 0).all()
    assert (np.diff(distortions) < 0).all()
    assert [part.shape for part in curve([], step=0.05, end=END)] == [(0,), (0,)]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"slope": 1.0}, "slope must be in "),
        ({"slope": math.inf}, "slope must be in "),
        ({"weight_rate": 0.0}, "weight_rate must be in "),
        ({"step": 0.0}, "step must be above 0 weight units"),
        ({"end": 0.01}, "end must be in "),
        ({"end": 101.0}, "end must be in "),
        ({"step": 1e-6}, "end must be in "),
        ({"tolerance": 0.0}, "tolerance must be above 0 bits"),
        ({"iterations": 0}, "iterations must be a whole number in "),
    ],
)
def test_an_argument_out_of_range_is_refused(changed: dict[str, float], rule: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{rule}.*, got "):
        blahut_arimoto(**{"slope": 3.0, "step": 0.05, "end": END, **changed})  # type: ignore[arg-type]


def test_too_few_iterations_are_refused_with_the_gap_that_is_left() -> None:
    rule = r"^iterations must suffice for a gap of 1e-06 bits, got 10 with a gap of 0\.0\d+ bits$"
    with pytest.raises(InvalidInput, match=rule):
        blahut_arimoto(3.0, step=0.05, end=END, tolerance=1e-6, iterations=10)

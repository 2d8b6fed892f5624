# SPDX-License-Identifier: Apache-2.0
"""The closed form meets the optimality conditions and bounds every whole allocation."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.allocation import (
    Status,
    WaterLevel,
    allocate,
    bit_costs,
    law_table,
    water_filling,
)
from coinfer_ros.core.errors import InvalidInput

LOW, HIGH = 2.0, 9.0
POSITIVE = st.floats(1e-3, 1e3)
LAYER = st.tuples(st.integers(1, 1000), POSITIVE, POSITIVE, POSITIVE)
# The price's logarithm is up to 40 and the widths are good to its rounding, relative to 1 bit.
RTOL = 1e-12


@st.composite
def cases(draw: st.DrawFn) -> dict[str, object]:
    """Up to six layers and a budget that some widths keep."""
    sizes, steepness, rates, costs = zip(
        *draw(st.lists(LAYER, min_size=1, max_size=6)), strict=True
    )
    budget = draw(st.floats(LOW, HIGH + 1.0)) * sum(costs)
    return {
        "sizes": sizes,
        "steepness": steepness,
        "weight_rates": rates,
        "cost_per_bit": costs,
        "budget": max(budget, LOW * float(np.sum(costs))),
        "low": LOW,
        "high": HIGH,
    }


def weights_of(case) -> np.ndarray:
    arrays = (np.array(case[name], float) for name in ("sizes", "steepness", "weight_rates"))
    sizes, steepness, rates = arrays
    return sizes * steepness / rates


@settings(max_examples=50)
@given(cases())
def test_the_conditions_of_karush_kuhn_and_tucker_hold(case) -> None:
    found = water_filling(**case)
    bits, n = np.array(found.bits), np.array(case["cost_per_bit"])
    assert ((bits >= LOW) & (bits <= HIGH)).all()
    gain = weights_of(case) * math.log(2.0) * np.exp2(-bits) / n  # less distortion for more cost
    assert (gain[bits < HIGH] <= found.price * (1.0 + RTOL)).all()
    assert (gain[bits > LOW] >= found.price * (1.0 - RTOL)).all()
    if found.price > 0.0:
        assert found.cost == pytest.approx(case["budget"], rel=RTOL)
    else:
        assert (bits == HIGH).all()
        assert found.cost <= case["budget"] * (1.0 + RTOL)


@settings(max_examples=50)
@given(cases(), st.sampled_from([rate_distortion.exact, rate_distortion.scalar_optimal]))
def test_no_whole_widths_do_better(case, curve) -> None:
    widths = range(int(LOW), int(HIGH) + 1)
    law = {name: case[name] for name in ("sizes", "steepness", "weight_rates")}
    cost = bit_costs(case["cost_per_bit"], widths)
    whole = allocate(law_table(**law, widths=widths, curve=curve), cost, case["budget"], widths)
    free = water_filling(**case)
    if whole.status is Status.OPTIMAL:  # the least widths may miss the budget by a rounding
        assert free.distortion <= whole.distortion * (1.0 + RTOL)


@settings(max_examples=50)
@given(cases(), st.integers(-20, 20), st.integers(-20, 20))
def test_units_do_not_matter(case, steepness_power: int, cost_power: int) -> None:
    h, c = 2.0**steepness_power, 2.0**cost_power
    scaled = case | {
        "steepness": [h * value for value in case["steepness"]],
        "cost_per_bit": [c * value for value in case["cost_per_bit"]],
        "budget": c * case["budget"],
    }
    found, other = water_filling(**case), water_filling(**scaled)
    assert other.bits == pytest.approx(found.bits, rel=RTOL)
    assert other.distortion == pytest.approx(h * found.distortion, rel=RTOL)
    assert other.price == pytest.approx(found.price * h / c, rel=10 * RTOL)


def test_four_times_the_sensitivity_is_worth_two_bits() -> None:
    common = {"sizes": [5, 5], "weight_rates": [2.0, 2.0], "cost_per_bit": [5.0, 5.0]}
    found = water_filling(**common, steepness=[4.0, 1.0], budget=50.0)
    assert found.bits == pytest.approx((6.0, 4.0), rel=RTOL)
    assert found.distortion == pytest.approx(2.5 * (4.0 / 64.0 + 1.0 / 16.0), rel=RTOL)


def test_a_layer_that_moves_nothing_gets_the_least_width() -> None:
    common = {"sizes": [1, 1], "weight_rates": [1.0, 1.0], "cost_per_bit": [1.0, 1.0]}
    found = water_filling(**common, steepness=[0.0, 1.0], budget=100.0, low=3.0, high=8.0)
    assert (found.bits, found.price) == ((3.0, 8.0), 0.0)
    idle = water_filling(**common, steepness=[0.0, 0.0], budget=100.0, low=3.0, high=8.0)
    assert (idle.bits, idle.distortion) == ((3.0, 3.0), 0.0)


def test_what_is_infeasible_says_the_least_budget_that_would_do() -> None:
    law = {"sizes": [1], "steepness": [1.0], "weight_rates": [1.0], "cost_per_bit": [7.0]}
    found = water_filling(**law, budget=13.9, low=2.0)
    assert (found.status, found.least_budget) == (Status.INFEASIBLE, 14.0)
    assert water_filling(**law, budget=14.0, low=2.0).bits == (2.0,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": -1.0}, "low must be"),
        ({"high": 2.0}, "high must be"),
        ({"high": 33.0}, r"high must be in \(2.0, 32\] bits, got 33.0"),
        ({"kappa": 0.0}, "kappa must be"),
        ({"budget": math.nan}, "budget must be"),
        ({"cost_per_bit": [0.0]}, r"cost_per_bit\[0\] must be above 0"),
        ({"cost_per_bit": [1.0, 1.0]}, r"cost_per_bit must be a list of 1, got shape \(2,\)"),
        ({"cost_per_bit": [1e308]}, r"cost_per_bit must have a finite sum at 32 bits, got 1e\+308"),
        ({"weight_rates": [1e-31]}, r"weight_rates\[0\] must be in .*, got 1e-31"),
    ],
)
def test_what_is_no_law_is_refused(changes: dict[str, object], message: str) -> None:
    law = {"sizes": [1], "steepness": [1.0], "weight_rates": [1.0], "cost_per_bit": [7.0]}
    with pytest.raises(InvalidInput, match=message):
        water_filling(**(law | {"budget": 20.0, "low": 2.0} | changes))


def two_layers(**changes: object) -> WaterLevel:
    law = {"weight_rates": [1.0, 1.0], "cost_per_bit": [1.0, 1.0], "budget": 10.0}
    return water_filling(**(law | changes))


def test_weights_of_the_sum_that_no_float64_holds_still_keep_the_budget() -> None:
    # Only ratios decide: two layers a factor 2 apart are one bit apart, at whatever scale.
    expected = two_layers(sizes=[1.0, 1.0], steepness=[1.0, 2.0]).bits
    assert expected == pytest.approx((4.5, 5.5), rel=RTOL)
    for size in (1e-200, 1e200):
        found = two_layers(sizes=[size] * 2, steepness=[size, 2.0 * size])
        assert found.bits == pytest.approx(expected, rel=1e3 * 2.0**-53 * math.log2(1e200))
        assert found.cost == pytest.approx(10.0, rel=RTOL)
        assert found.distortion == (0.0 if size < 1.0 else math.inf)
    far = two_layers(sizes=[1e200, 1.0], steepness=[1e200, 1.0])
    assert (far.bits, far.cost) == (pytest.approx((9.0, 1.0)), pytest.approx(10.0, rel=RTOL))


def test_rounded_slopes_that_fall_below_nothing_still_keep_the_budget() -> None:
    # Three layers that are done before the fourth begins: .1 + .2 + .3 less each is not quite 0.
    law = {
        "sizes": [1.0] * 4,
        "steepness": [1e100, 1e100, 1e100, 1e-100],
        "weight_rates": [1.0] * 4,
        "cost_per_bit": [0.1, 0.2, 0.3, 1.0],
    }
    for budget in np.linspace(1.6, 25.6, 97):
        found = water_filling(**law, budget=float(budget), low=1.0, high=16.0)
        assert found.cost == pytest.approx(budget, rel=RTOL)


def test_memory_grows_as_the_layers_do_and_no_faster() -> None:
    layers = 2000
    rng = np.random.default_rng(0)
    law = {name: rng.uniform(1.0, 2.0, layers) for name in ("sizes", "steepness", "weight_rates")}
    tracemalloc.start()
    try:
        found = water_filling(**law, cost_per_bit=law["sizes"], budget=4.0 * law["sizes"].sum())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.cost == pytest.approx(4.0 * law["sizes"].sum(), rel=RTOL)
    assert peak < 1000 * layers  # bytes; layers times layers are 32 MB


def test_a_level_is_whole_or_absent() -> None:
    with pytest.raises(InvalidInput, match="widths must be whole"):
        WaterLevel(Status.OPTIMAL, (2.0,), None, 1.0, 1.0, None)

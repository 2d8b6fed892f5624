# SPDX-License-Identifier: Apache-2.0
"""The allocation against every choice there is, one by one, and the rules that it must keep."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coinfer_ros.core.allocation import Allocation, Status, allocate, exact, uniform_width
from coinfer_ros.core.errors import InvalidInput, Unsupported

WIDTHS = (2, 3, 4, 8)
# Few whole values: ties of every kind are common and sums have no rounding.
ENTRIES = st.one_of(st.integers(0, 6).map(float), st.just(math.inf))


@st.composite
def tables(draw: st.DrawFn, entries: st.SearchStrategy[float] = ENTRIES):
    """Distortion and cost of up to 4 layers by 4 widths, and a budget."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    distortion, cost = (draw(arrays.arrays(float, shape, elements=entries)) for _ in range(2))
    return distortion, cost, float(draw(st.integers(-1, 20))), WIDTHS[: shape[1]]


def every_choice(distortion, cost):
    """All (distortion, cost, columns) that can be had; sums in the order of the layers."""
    for columns in itertools.product(range(distortion.shape[1]), repeat=len(distortion)):
        places = np.arange(len(columns)), np.array(columns)
        total, paid = np.cumsum(distortion[places])[-1], np.cumsum(cost[places])[-1]
        if total < math.inf and paid < math.inf:
            yield total, paid, columns


def assert_best(found: Allocation, distortion, cost, budget, widths) -> None:
    choices = list(every_choice(distortion, cost))
    fitting = [(total, paid) for total, paid, _ in choices if paid <= budget]
    if not fitting:
        assert found.status is Status.INFEASIBLE
        assert found.least_budget == min((paid for _, paid, _ in choices), default=None)
        return
    assert (found.distortion, found.cost) == min(fitting)
    columns = np.array([widths.index(bits) for bits in found.bits])
    layers = np.arange(len(columns))
    assert np.cumsum(distortion[layers, columns])[-1] == found.distortion
    assert np.cumsum(cost[layers, columns])[-1] == found.cost
    assert found.bound <= found.distortion


@settings(max_examples=50)
@given(tables())
def test_no_choice_has_less_distortion_nor_as_little_at_less_cost(problem) -> None:
    assert_best(allocate(*problem), *problem)


@settings(max_examples=50)
@given(tables(st.floats(1e-3, 1e3)), st.data())
def test_it_is_exact_for_rounded_sums_and_a_budget_that_one_just_keeps(problem, data) -> None:
    distortion, cost, _, widths = problem
    paid = sorted({paid for _, paid, _ in every_choice(distortion, cost)})
    budget = float(data.draw(st.sampled_from(paid)))
    assert_best(allocate(distortion, cost, budget, widths), distortion, cost, budget, widths)
    below = math.nextafter(budget, 0.0)
    assert_best(allocate(distortion, cost, below, widths), distortion, cost, below, widths)


@pytest.mark.parametrize("seed", range(4))
def test_five_hundred_random_cases_agree_with_every_choice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(500):
        shape = rng.integers(1, 5), rng.integers(1, 5)
        distortion = rng.integers(0, 40, shape) / 8.0  # with many distinct values, unlike above
        cost = rng.integers(0, 40, shape) / 4.0
        distortion[rng.random(shape) < 0.1] = np.inf
        budget = float(rng.integers(0, 100)) / 4.0
        widths = WIDTHS[: shape[1]]
        assert_best(allocate(distortion, cost, budget, widths), distortion, cost, budget, widths)


@pytest.mark.parametrize("seed", range(20))
def test_twenty_layers_agree_with_a_table_of_every_whole_cost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, distortion = rng.integers(1, 30, (20, 6)), rng.integers(0, 1000, (20, 6))
    budget = int(rng.integers(cost.min(axis=1).sum(), cost.mean(axis=1).sum()))
    best = np.zeros(budget + 1)  # least distortion of the layers so far, at each cost at most
    for layer in range(20):
        choices = [np.full(budget + 1, np.inf) for _ in range(6)]
        for choice, paid, total in zip(choices, cost[layer], distortion[layer], strict=True):
            choice[paid:] = best[: budget + 1 - paid] + total
        best = np.min(choices, axis=0)
    found = allocate(distortion, cost, budget, (1, 2, 3, 4, 5, 6))
    assert found.distortion == best[budget]
    assert found.cost == np.flatnonzero(best == best[budget])[0]  # the least that does it


@settings(max_examples=50)
@given(tables())
def test_it_is_never_worse_than_one_width_for_all(problem) -> None:
    one, each = uniform_width(*problem), allocate(*problem)
    if one.status is Status.OPTIMAL:
        assert each.distortion <= one.distortion
        assert each.bound == one.bound


@settings(max_examples=50)
@given(tables(), st.integers(-300, 300), st.integers(-300, 300))
def test_units_do_not_matter(problem, distortion_power: int, cost_power: int) -> None:
    distortion, cost, budget, widths = problem
    # Powers of two only move the exponent: every sum and comparison stays the same.
    d, c = 2.0**distortion_power, 2.0**cost_power
    found, scaled = allocate(*problem), allocate(distortion * d, cost * c, budget * c, widths)
    assert scaled.bits == found.bits
    if found.bits is not None:
        assert (scaled.distortion, scaled.cost) == (found.distortion * d, found.cost * c)


@settings(max_examples=50)
@given(tables())
def test_more_budget_never_harms(problem) -> None:
    distortion, cost, budget, widths = problem
    less, more = allocate(*problem), allocate(distortion, cost, budget + 1.0, widths)
    if less.status is Status.OPTIMAL:
        assert more.distortion <= less.distortion


def test_the_order_of_the_widths_need_not_be_that_of_the_distortions() -> None:
    found = allocate([[1.0, 5.0, 2.0]], [[3.0, 1.0, 2.0]], 2.5, (2, 3, 4))
    assert (found.bits, found.distortion, found.cost) == ((4,), 2.0, 2.0)


def test_between_corners_of_the_hull_it_finds_what_greed_misses() -> None:
    # Per cost, the first layer's step is the better one; with it the second no longer fits.
    distortion, cost = [[9.0, 0.0], [10.0, 0.0]], [[0.0, 6.0], [0.0, 7.0]]
    found = allocate(distortion, cost, 7.0, (2, 4))
    assert (found.bits, found.distortion) == ((2, 4), 9.0)
    # The linear program takes the first step and a seventh of the second.
    assert found.bound == pytest.approx(10.0 * 6.0 / 7.0, rel=1e-12)


def test_what_is_infeasible_says_the_least_budget_that_would_do() -> None:
    distortion, cost = [[1.0, 2.0], [1.0, 2.0]], [[0.3, 0.1], [0.3, 0.2]]
    found = allocate(distortion, cost, 0.3, (2, 4))
    assert found.least_budget == 0.1 + 0.2  # above 0.3 by one rounding
    assert found.message == (
        "no widths keep the budget of 0.3: 0.30000000000000004 would be the least"
    )
    assert allocate(distortion, cost, found.least_budget, (2, 4)).bits == (4, 4)


def test_a_layer_without_any_width_is_named() -> None:
    found = allocate([[1.0], [math.inf]], [[1.0], [1.0]], 9.0, (2,))
    assert found.least_budget is None
    assert found.message.endswith("layer 1 has no width at all")


def test_a_hundred_layers_of_arbitrary_numbers_lie_within_the_bound() -> None:
    rng = np.random.default_rng(5)
    widths = range(2, 17)
    distortion, cost = rng.uniform(0.01, 1.0, (100, 15)), rng.uniform(0.01, 1.0, (100, 15))
    found = allocate(distortion, cost, 18.0, widths)
    assert found.cost <= 18.0
    # Mixing concerns one layer at most, and costs no more than that layer's whole spread.
    assert found.bound <= found.distortion <= found.bound + 1.0


def test_equal_layers_of_rounded_costs_do_not_multiply() -> None:
    widths = range(2, 17)
    cost = np.tile(np.array(widths) * 0.1, (60, 1))
    distortion = np.tile(1.1 * 0.5 ** np.array(widths), (60, 1))
    found = allocate(distortion, cost, 27.0, widths)
    assert sorted(set(found.bits)) == [4, 5]  # by convexity, as even as the budget allows
    assert sum(found.bits) == 270


# Tables of a tenth's multiples, whose sums depend on their order by an ulp; the budget is the sum
# of some choice in the order of the layers.
ULP_CLOSE = {
    "the budget less a cost is less than the other cost": ([[1.1], [1.1]], [[1.1], [0.4]], 1.5),
    "the promise of the best exceeds what is known": (
        [[0.1, 0.4], [0.7, 0.4], [0.3, 0.7]],
        [[1.3, 0.2], [0.3, 1.3], [0.3, 0.9]],
        3.5,
    ),
    "the bound's sum exceeds the layers'": (
        [[0.1], [0.9], [0.2]],
        [[0.6], [1.3], [1.3]],
        0.6 + 1.3 + 1.3,
    ),
    "the least costs from the last layer on exceed the budget": (
        [[1.1], [1.1], [0.1]],
        [[0.1], [0.9], [0.4]],
        0.1 + 0.9 + 0.4,
    ),
    "ten least costs in pairs exceed the budget": (
        [[1.0]] * 10,
        [[0.1]] * 10,
        float(np.cumsum([0.1] * 10)[-1]),
    ),
}


@pytest.mark.parametrize("case", ULP_CLOSE.values(), ids=ULP_CLOSE)
def test_sums_that_are_an_ulp_apart_are_told_apart_or_left_room_for(case) -> None:
    distortion, cost = np.array(case[0]), np.array(case[1])
    widths = range(1, distortion.shape[1] + 1)
    found = allocate(distortion, cost, case[2], widths)
    assert_best(found, distortion, cost, case[2], widths)


def test_too_many_sums_are_refused_rather_than_left_out() -> None:
    # Distortion that falls exactly as cost rises leaves no sum beaten: 14^6 of them here.
    rng = np.random.default_rng(6)
    cost = rng.uniform(0.1, 1.0, (30, 14))
    with pytest.raises(Unsupported, match=rf"at most {exact.SUMS_MAX} sums a layer, got "):
        allocate(1.5 - cost, cost, 12.0, range(2, 16))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distortion": [[1.0, -1.0]]}, r"distortion must hold 0, inf or numbers in .*, got -1.0"),
        ({"cost": [[1.0, math.nan]]}, r"cost must hold 0, inf or numbers in .*, got nan"),
        ({"cost": [[1.0, 1e-200]]}, r"cost must hold 0, inf or numbers in .*, got 1e-200"),
        ({"cost": [[1.0, 2.0], [1.0]]}, r"cost must be real numbers, got lists of unequal lengths"),
        ({"distortion": [["2", "1"]]}, r"distortion must be real numbers, got '2'"),
        ({"cost": [1.0, 2.0]}, r"cost must have shape \(layers, 2\), got \(2,\)"),
        ({"cost": [[1.0, 2.0]] * 2}, r"cost must have shape \(1, 2\), got \(2, 2\)"),
        ({"budget": math.inf}, r"budget must be a finite number, got inf"),
        ({"widths": (4, 2)}, r"widths must rise from one to the next, got \[4, 2\]"),
    ],
)
@pytest.mark.parametrize("solve", [allocate, uniform_width])
def test_what_is_no_table_is_refused(solve, changes: dict[str, object], message: str) -> None:
    sound = {"distortion": [[2.0, 1.0]], "cost": [[1.0, 2.0]], "budget": 2.0, "widths": (2, 4)}
    with pytest.raises(InvalidInput, match=message):
        solve(**(sound | changes))


def test_an_answer_is_whole_or_absent() -> None:
    with pytest.raises(InvalidInput, match="widths must be whole"):
        Allocation(Status.OPTIMAL, (2,), 1.0, None, 0.0, None, "")
    with pytest.raises(InvalidInput, match="widths must be whole"):
        Allocation(Status.INFEASIBLE, (2,), None, None, None, 1.0, "")

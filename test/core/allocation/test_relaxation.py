# SPDX-License-Identifier: Apache-2.0
"""The linear-programming bound against scipy's solver and against whole choices."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import linprog

from coinfer_ros.core.allocation.options import Options, front
from coinfer_ros.core.allocation.relaxation import relaxations


def random_layers(rng: np.random.Generator, layers: int, settings: int) -> list[Options]:
    found = []
    for _ in range(layers):
        cost, distortion = rng.uniform(0.1, 1.0, settings), rng.uniform(0.1, 1.0, settings)
        kept = front(cost, distortion)
        found.append(Options(kept, cost[kept], distortion[kept]))
    return found


def linear_program(layers: list[Options], budget: float) -> float:
    """Mix each layer's settings freely: shares of at least 0 that add up to 1."""
    owner = np.repeat(np.arange(len(layers)), [len(layer.cost) for layer in layers])
    shares = (owner == np.arange(len(layers))[:, None]).astype(float)
    cost = np.concatenate([layer.cost for layer in layers])
    distortion = np.concatenate([layer.distortion for layer in layers])
    found = linprog(
        distortion, A_ub=cost[None], b_ub=[budget], A_eq=shares, b_eq=np.ones(len(layers))
    )
    return found.fun if found.status == 0 else np.inf


@pytest.mark.parametrize("seed", range(5))
def test_the_lower_bound_is_the_linear_programs_optimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = random_layers(rng, 6, 5)
    budgets = np.linspace(0.0, 7.0, 30)
    found = next(relaxations(layers)).lower(budgets, slack=0.0)
    expected = [linear_program(layers, budget) for budget in budgets]
    # HiGHS keeps its constraints to 1e-7, which a slope of up to 1e2 makes 1e-5 of distortion.
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_each_corner_is_a_whole_choice_and_both_bounds_meet_there() -> None:
    layers = random_layers(np.random.default_rng(9), 4, 5)
    for count, relaxed in enumerate(reversed(list(relaxations(layers)))):
        lower, upper = relaxed.lower(relaxed.cost, 0.0), relaxed.upper(relaxed.cost, 0.0)
        np.testing.assert_array_equal(lower, upper)
        assert relaxed.cost[0] == pytest.approx(sum(x.cost[0] for x in layers[4 - count :]))
        assert relaxed.distortion[-1] == pytest.approx(
            sum(x.distortion[-1] for x in layers[4 - count :])
        )


def test_no_layer_takes_nothing() -> None:
    (nothing,) = relaxations([])
    assert nothing.lower(np.array([-1.0, 0.0, 1.0]), 0.0).tolist() == [np.inf, 0.0, 0.0]
    assert nothing.upper(np.array([-1.0, 0.0, 1.0]), 0.0).tolist() == [np.inf, 0.0, 0.0]


def test_slack_makes_the_bounds_safer() -> None:
    relaxed = next(relaxations([Options(np.arange(2), np.array([1.0, 2.0]), np.array([8.0, 4.0]))]))
    spare = np.array([0.9, 1.0, 1.5, 2.0])
    assert relaxed.lower(spare, 0.125).tolist() == pytest.approx([7.9, 7.5, 5.5, 4.0])
    assert relaxed.upper(spare, 0.125).tolist() == [np.inf, np.inf, 8.0, 8.0]


def test_edges_of_one_slope_stay_in_the_order_of_the_layers() -> None:
    # A sort that is not stable gives other sums, and so another bound, on another machine.
    rng = np.random.default_rng(3)
    sizes, slopes = rng.permutation(np.arange(1.0, 101.0)), rng.choice([1.0, 2.0], 100)
    layers = [
        Options(np.arange(2), np.array([0.0, size]), np.array([slope * size, 0.0]))
        for size, slope in zip(sizes, slopes, strict=True)
    ]
    found = next(relaxations(layers))
    steepest_first = [*sizes[slopes == 2.0], *sizes[slopes == 1.0]]
    assert found.cost.tolist() == [0.0, *np.cumsum(steepest_first)]


def test_one_at_a_time_they_take_the_memory_of_one() -> None:
    layers = random_layers(np.random.default_rng(0), 1000, 8)
    tracemalloc.start()
    try:
        count = sum(1 for _ in relaxations(layers))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 1001
    assert peak < 2000 * 1000  # bytes; all of them together are 20 MB

# SPDX-License-Identifier: Apache-2.0
"""One width for all layers is the widest that the budget pays for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core.allocation import Status, bit_costs, uniform_width


@settings(max_examples=50)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5), st.floats(0.0, 20.0))
def test_of_stored_bits_it_is_the_average_rounded_down(sizes: list[int], average: float) -> None:
    widths = range(1, 17)
    budget = average * sum(sizes)
    found = uniform_width(np.ones((len(sizes), 16)), bit_costs(sizes, widths), budget, widths)
    if budget < sum(sizes):
        assert found.status is Status.INFEASIBLE
        assert found.least_budget == sum(sizes)
        return
    widest = min(16, int(budget // sum(sizes)))
    assert found.bits == (widest,) * len(sizes)
    assert found.cost == widest * sum(sizes)


def test_a_width_that_one_layer_lacks_is_none_for_all() -> None:
    distortion = [[3.0, 2.0, 1.0], [3.0, 2.0, math.inf]]
    found = uniform_width(distortion, [[1.0, 2.0, 3.0]] * 2, 100.0, (2, 3, 4))
    assert (found.bits, found.distortion, found.cost) == ((3, 3), 4.0, 4.0)
    none = uniform_width([[1.0, math.inf], [math.inf, 1.0]], [[1.0, 1.0]] * 2, 9.0, (2, 3))
    assert none.least_budget is None
    assert none.message.endswith("no width can be had for all layers")


def test_its_sums_are_those_of_the_layers_in_order() -> None:
    cost = np.full((10, 1), 0.1)
    paid = uniform_width(np.ones((10, 1)), cost, 2.0, (2,)).cost
    assert paid == pytest.approx(1.0, rel=1e-15)
    assert paid != math.fsum([0.1] * 10)  # ten roundings: the sum that allocate works with

# SPDX-License-Identifier: Apache-2.0
"""Tables filled by law hold the paper's equations, entry by entry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.allocation import bit_costs, delay_costs_s, law_table
from coinfer_ros.core.costs import PAPER_ROBOT, Workload
from coinfer_ros.core.errors import InvalidInput

LAW = {"sizes": [10, 20], "steepness": [3.0, 0.5], "weight_rates": [4.0, 8.0], "widths": (1, 4)}


@pytest.mark.parametrize("curve", [rate_distortion.exact, rate_distortion.scalar_optimal])
def test_an_entry_is_weights_times_steepness_times_the_curve(curve) -> None:
    found = law_table(**LAW, curve=curve)
    expected = [
        [10 * 3.0 * curve(0.0, 4.0), 10 * 3.0 * curve(3.0, 4.0)],
        [20 * 0.5 * curve(0.0, 8.0), 20 * 0.5 * curve(3.0, 8.0)],
    ]
    np.testing.assert_allclose(found, expected, rtol=4 * 2.0**-53)


def test_the_paper_s_upper_bound_is_unavailable_at_one_bit() -> None:
    assert np.isinf(law_table(**LAW, curve=rate_distortion.upper)).tolist() == [[True, False]] * 2


def test_a_layer_that_moves_nothing_has_no_distortion_even_where_the_bound_is_infinite() -> None:
    law = LAW | {"steepness": [0.0, 0.5]}
    found = law_table(**law, curve=rate_distortion.upper)
    assert found[0].tolist() == [0.0, 0.0]
    assert np.isinf(found[1]).tolist() == [True, False]


def test_the_layers_delays_add_up_to_the_paper_s_of_the_whole() -> None:
    flop = np.array([1e9, 3e9])
    found = delay_costs_s(flop, (4, 8), weight_bits=16, clock_hz=1e9, flop_per_cycle=32)
    whole = Workload(robot_flop=4e9, edge_flop=1.0, weight_bits=16)
    for column, bits in enumerate((4, 8)):
        expected = PAPER_ROBOT.delay_s(whole.robot_flop_at(bits), clock_hz=1e9)
        assert found[:, column].sum() == pytest.approx(expected, rel=8 * 2.0**-53)


def test_stored_bits_count_what_does_not_depend_on_the_width() -> None:
    assert bit_costs([3], (2, 5), fixed_bits=[7]).tolist() == [[13.0, 22.0]]
    with pytest.raises(InvalidInput, match=r"fixed_bits must be a list of 3, got shape \(2,\)"):
        bit_costs([1, 2, 3], (2, 5), fixed_bits=[1, 2])
    with pytest.raises(InvalidInput, match=r"fixed_bits\[0\] must be at least 0, got -1.0"):
        bit_costs([1, 2, 3], (2, 5), fixed_bits=-1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": [10, 0]}, r"sizes\[1\] must be above 0, got 0.0"),
        ({"steepness": [1.0, -1.0]}, r"steepness\[1\] must be at least 0, got -1.0"),
        ({"weight_rates": [1.0, math.inf]}, r"weight_rates must be finite real numbers, got inf"),
        ({"weight_rates": [1.0, 1e-31]}, r"weight_rates\[1\] must be in .*, got 1e-31"),
        ({"weight_rates": [1.0]}, r"weight_rates must be a list of 2, got shape \(1,\)"),
        ({"steepness": [1.0]}, r"steepness must be a list of 2, got shape \(1,\)"),
        (
            {"sizes": [1e300, 1.0], "steepness": [1e10, 1.0]},
            "sizes times steepness over .* got inf",
        ),
        ({"widths": (0, 4)}, r"widths must be a whole number in \[1, 32\], got 0"),
    ],
)
def test_what_is_no_law_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        law_table(**(LAW | changes))


@pytest.mark.parametrize("name", ["weight_bits", "clock_hz", "flop_per_cycle"])
def test_a_processor_that_is_none_is_refused(name: str) -> None:
    sound = {"weight_bits": 16, "clock_hz": 1e9, "flop_per_cycle": 32.0}
    with pytest.raises(InvalidInput, match=rf"^{name} must be .*, got 0"):
        delay_costs_s([1.0], (4,), **(sound | {name: 0}))

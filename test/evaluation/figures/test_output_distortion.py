# SPDX-License-Identifier: Apache-2.0
"""Fig. 3's bound holds for every input, is reached, and its tables and panels show it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coinfer_ros.adapters.module_distortion import Measurement, ModuleDistortion
from coinfer_ros.core.distortion import ParameterDistortion
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.figures import output_panels
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.figures.output_distortion import Curve, curves, tables


def curve(output: np.ndarray, parameter: np.ndarray, quantizer: str = "uniform") -> Curve:
    widths = tuple(range(2, 2 + len(parameter)))
    return Curve("a model", quantizer, widths, parameter, output, norm=2.0)


HALVING = 8.0 * 0.5 ** np.arange(5)  # (B,)


@settings(max_examples=40)
@given(
    arrays(np.float64, (3, 4), elements=st.just(0.0) | st.floats(1e-6, 1e6)),
    arrays(np.float64, 4, elements=st.floats(1e-6, 1e6)),
)
def test_no_input_exceeds_the_bound_and_one_reaches_it(
    output: np.ndarray, parameter: np.ndarray
) -> None:
    found = curve(output, parameter)
    # A quotient and a product of float64 round once each.
    assert (output <= found.bound * (1 + 1e-15)).all()
    reached = found.bound - found.greatest <= 1e-15 * found.bound
    assert reached.any()
    assert (found.measured <= found.greatest * (1 + 1e-15)).all()


def test_a_bound_is_tight_from_where_it_stays_within_a_factor_of_two() -> None:
    ratios = np.array([1.0, 0.4, 0.5, 0.6, 1.0])  # output over parameter error
    found = curve(np.stack([ratios * HALVING, ratios * HALVING]), HALVING)
    assert found.coefficient == 1.0
    assert found.tight_from_bits(found.measured) == 4  # not 2: it is loose at 3 again
    loose = curve(np.array([[1.0, 1.0, 1.0, 1.0, 0.4] * HALVING]), HALVING)
    assert loose.tight_from_bits(loose.measured) is None
    always = curve(HALVING[None], HALVING)
    assert always.tight_from_bits(always.measured) == 2


def test_the_mean_and_the_worst_input_are_told_apart() -> None:
    found = curve(np.stack([HALVING, 0.2 * HALVING]), HALVING)
    np.testing.assert_allclose(found.measured, 0.6 * HALVING)
    np.testing.assert_array_equal(found.greatest, HALVING)
    shy = curve(np.stack([HALVING, *[0.2 * HALVING] * 3]), HALVING)
    assert shy.tight_from_bits(shy.measured) is None
    assert shy.tight_from_bits(shy.greatest) == 2


def measurement(quantizer: str, bits: int, error: float) -> Measurement:
    distortion = ModuleDistortion(
        ParameterDistortion(10.0 * error, 5), np.array([error, 2.0 * error]), np.array([4.0, 8.0])
    )
    return Measurement(quantizer, bits, distortion)


def test_measurements_are_sorted_by_quantizer() -> None:
    given_ = [measurement(name, bits, bits / 10) for name in ("b", "a") for bits in (2, 3)]
    first, second = curves("a model", given_)
    assert (first.quantizer, second.quantizer) == ("b", "a")
    assert first.widths == (2, 3)
    np.testing.assert_allclose(first.parameter, [2.0, 3.0])
    np.testing.assert_allclose(first.output, [[0.2, 0.3], [0.4, 0.6]])
    assert first.norm == 6.0
    with pytest.raises(InvalidInput, match="measurements must hold at least one"):
        curves("a model", [])


def test_the_tables_hold_what_is_drawn(read: Callable[[Artifact], list[dict[str, str]]]) -> None:
    found = curve(np.stack([HALVING, *[0.2 * HALVING] * 3]), 2.0 * HALVING)
    points, coefficients = map(read, tables([found]))
    assert [int(row["bits"]) for row in points] == [2, 3, 4, 5, 6]
    for name, values in {
        "parameter_l1_weight_unit": found.parameter,
        "output_l1_mean": found.measured,
        "output_l1_greatest": found.greatest,
        "bound_l1": found.bound,
        "output_l1_norm": [2.0] * 5,
    }.items():
        np.testing.assert_array_equal([float(row[name]) for row in points], values)
    (row,) = coefficients
    assert float(row["coefficient_per_weight_unit"]) == 0.5
    assert row["within_factor_2_of_mean_from_bits"] == "nan"
    assert row["within_factor_2_of_greatest_from_bits"] == "2"


@pytest.mark.slow
def test_every_quantizer_of_every_model_gets_a_panel_in_several_colours(
    colours: Callable[[Artifact, int, int], list[int]],
) -> None:
    found = [
        Curve(model, name, (2, 3, 4, 5, 6), HALVING, np.stack([HALVING, 0.3 * HALVING]), 2.0)
        for model in ("one", "other")
        for name in ("uniform", "exponential")
    ]
    assert min(colours(output_panels.picture(found), 2, 2)) >= 2

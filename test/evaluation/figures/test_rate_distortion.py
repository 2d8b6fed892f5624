# SPDX-License-Identifier: Apache-2.0
"""Fig. 4 shows the curves of core, and Blahut-Arimoto's points lie on the exact one."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from coinfer_ros.core import rate_distortion as core
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.figures import rate_distortion
from coinfer_ros.evaluation.figures.artifact import Artifact

RATES_BITS = [0.0, 0.5, 1.0, 3.0, 8.0]


@pytest.fixture(scope="module")
def made() -> dict[str, Artifact]:
    shares: list[float] = []
    found = rate_distortion.artifacts(
        rates_bits=RATES_BITS, computed_bits=(0.5, 2.0), progress=shares.append
    )
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])
    return {artifact.name: artifact for artifact in found}


def test_there_are_a_picture_and_two_tables(made: dict[str, Artifact]) -> None:
    assert list(made) == ["fig4-rate-distortion.png", "fig4-curves.csv", "fig4-blahut-arimoto.csv"]


def test_the_curves_are_those_of_core(
    made: dict[str, Artifact], read: Callable[[Artifact], list[dict[str, str]]]
) -> None:
    rows = read(made["fig4-curves.csv"])
    assert [float(row["rate_bits"]) for row in rows] == RATES_BITS
    for row in rows:
        for name in ("upper", "scalar_optimal", "exact", "lower"):
            expected = getattr(core, name)(float(row["rate_bits"]))
            assert float(row[f"{name}_times_weight_rate"]) == pytest.approx(expected, rel=1e-15)
    assert rows[0]["upper_times_weight_rate"] == "inf"


def test_the_computed_points_lie_on_the_exact_curve(
    made: dict[str, Artifact], read: Callable[[Artifact], list[dict[str, str]]]
) -> None:
    # The gap of 1e-3 bits is worth ln 2 of it in D, and the grid's step, a tenth of 1/s, moves D
    # by its square over 12 twice; both hold for a slope of -ln 2 a bit.
    allowed = math.log(2) * rate_distortion.TOLERANCE_BITS + rate_distortion.STEP**2 / 6
    for row, rate in zip(read(made["fig4-blahut-arimoto.csv"]), (0.5, 2.0), strict=True):
        assert float(row["slope"]) == 2 ** (rate + 1) - 1
        found = float(row["distortion_times_weight_rate"])
        assert found == pytest.approx(core.exact(float(row["rate_bits"])), rel=allowed)
        assert float(row["over_exact"]) == pytest.approx(1.0, rel=allowed)
        assert float(row["rate_bits"]) == pytest.approx(rate, abs=0.01)


def test_both_panels_are_drawn_in_several_colours(
    made: dict[str, Artifact], colours: Callable[[Artifact, int, int], list[int]]
) -> None:
    assert min(colours(made["fig4-rate-distortion.png"], 1, 2)) >= 4


def test_a_rate_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInput, match="rate_bits must be in"):
        rate_distortion.curves([-1.0])

# SPDX-License-Identifier: Apache-2.0
"""Fig. 2's histograms and rows are what core counts and fits, and its panels show them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from coinfer_ros.adapters.checkpoint_magnitudes import TensorMagnitudes
from coinfer_ros.core.distribution import density, fit
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.magnitudes import Magnitudes
from coinfer_ros.evaluation.figures import magnitude_panels, magnitudes
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.figures.magnitudes import Model, summarize

Read = Callable[[Artifact], list[dict[str, str]]]


def tensor(name: str, weights: np.ndarray) -> TensorMagnitudes:
    return TensorMagnitudes(name, weights.shape, "float32", Magnitudes().add(weights))


def laplace(name: str, scale: float, seed: int) -> TensorMagnitudes:
    rng = np.random.default_rng(seed)
    return tensor(name, rng.laplace(0.0, scale, (100, 200)).astype(np.float32))


@pytest.fixture(scope="module")
def model() -> Model:
    return summarize("two tensors", [laplace("a", 0.1, 0), laplace("b", 0.3, 1)])


def test_every_tensor_is_fitted_and_their_sum_is(model: Model) -> None:
    assert [one.name for one in model.tensors] == ["a", "b"]
    assert model.whole.fit == fit(model.magnitudes)
    assert model.magnitudes.count == model.whole.fit.count == 40_000
    # λ's standard error is λ/√q; 5 of them are missed once in a million times.
    for one, scale in zip(model.tensors, (0.1, 0.3), strict=True):
        law = one.fit.exponential.law
        assert law.rate == pytest.approx(1 / scale, abs=5 * law.rate_error)


def test_a_histogram_and_its_laws_hold_all_that_lies_below_its_end(model: Model) -> None:
    shown = magnitudes.histogram(model)
    widths = np.diff(shown.edges)
    mean = 1 / model.whole.fit.exponential.law.rate
    np.testing.assert_allclose(widths, magnitudes.CELL * mean, rtol=1e-9)
    assert shown.edges[-1] >= min(model.magnitudes.greatest, magnitudes.END * mean) * (1 - 1e-12)
    assert (shown.measured * widths).sum() == pytest.approx(1.0, abs=1e-12)
    for name in ("exponential", "half_normal", "gamma"):
        law = getattr(model.whole.fit, name).law
        below = float(law.cumulative(shown.edges[-1:])[0])
        assert (shown.laws[name] * widths).sum() == pytest.approx(below, abs=1e-12)


@pytest.mark.parametrize("weight", [0.013, 0.1, 0.3, 0.7, 0.9, 1.7, 1.999])
@pytest.mark.parametrize("others", [0, 1, 13])
def test_the_greatest_weights_bin_is_in_the_histogram_wherever_its_middle_lies(
    weight: float, others: int
) -> None:
    weights = np.full((10, 10), weight, np.float32)
    weights.flat[:others] /= 3
    shown = magnitudes.histogram(summarize("constant", [tensor("a", weights)]))
    assert (shown.measured * np.diff(shown.edges)).sum() == pytest.approx(1.0, rel=1e-12)


def test_far_outliers_end_the_histogram_past_twenty_means() -> None:
    weights = np.full((50, 50), 0.01, np.float32)
    weights[0, 0] = 100.0
    model = summarize("outlier", [tensor("a", weights)])
    mean = 1 / model.whole.fit.exponential.law.rate
    shown = magnitudes.histogram(model)
    assert shown.edges[-1] == pytest.approx((magnitudes.END + magnitudes.CELL) * mean)
    assert (shown.measured * np.diff(shown.edges)).sum() == pytest.approx(1 - 1 / 2500)


def test_the_tables_have_the_numbers_of_core(model: Model, read: Read) -> None:
    histograms, tensors = map(read, magnitudes.tables([model]))
    edges = [float(row["low_weight_unit"]) for row in histograms]
    edges.append(float(histograms[-1]["high_weight_unit"]))
    measured = [float(row["density_per_weight_unit"]) for row in histograms]
    np.testing.assert_array_equal(measured, density(model.magnitudes, edges))
    assert [row["tensor"] for row in tensors] == ["a", "b", "all"]
    for row, one in zip(tensors, (*model.tensors, model.whole), strict=True):
        law = one.fit.exponential.law
        assert int(row["count"]) == one.fit.count
        assert (float(row["weight_rate"]), float(row["standard_error"])) == (
            law.rate,
            law.rate_error,
        )
        assert float(row["ks_exponential"]) == one.fit.exponential.distance.middle
        assert float(row["ks_half_normal"]) == one.fit.half_normal.distance.middle
        assert one.fit.gamma is not None
        assert float(row["ks_gamma"]) == one.fit.gamma.distance.middle


def test_weights_that_have_no_gamma_law_get_no_number(read: Read) -> None:
    model = summarize("constant", [tensor("a", np.full((4, 4), 0.5, np.float32))])
    histograms, tensors = map(read, magnitudes.tables([model]))
    assert all(math.isnan(float(row["ks_gamma"])) for row in tensors)
    assert all(math.isnan(float(row["gamma_per_weight_unit"])) for row in histograms)


@pytest.mark.parametrize("tensors", [[], [tensor("a", np.zeros((2, 2), np.float32))]])
def test_nothing_but_zeros_has_no_histogram(tensors: list[TensorMagnitudes]) -> None:
    with pytest.raises(InvalidInput, match="empty one must hold a weight that is not 0"):
        summarize("empty one", tensors)


@pytest.mark.slow
def test_every_model_gets_two_panels_in_several_colours(
    model: Model, colours: Callable[[Artifact, int, int], list[int]]
) -> None:
    picture = magnitude_panels.picture([model] * 4)
    panels = colours(picture, 4, 3)
    assert min(panels[:6]) >= 3
    assert min(panels[6], panels[9]) >= 3
    # Three stand side by side; where there is no fifth and sixth, nothing is drawn.
    assert [panels[i] for i in (7, 8, 10, 11)] == [0, 0, 0, 0]

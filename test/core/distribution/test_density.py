# SPDX-License-Identifier: Apache-2.0
"""Tests of the density of counted magnitudes against a histogram of the weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from coinfer_ros.core.distribution import density
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.magnitudes import Magnitudes

SAMPLES = 100_000


def laplace(dtype: type) -> NDArray[np.floating]:
    return np.random.default_rng(5).laplace(scale=0.02, size=SAMPLES).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_density_is_that_of_a_histogram(dtype: type) -> None:
    weights = np.abs(laplace(dtype))
    # Edges where bins begin, so that float32 bins are not cut either.
    edges = np.array([0.0, 0.0078125, 0.015625, 0.02, 0.0625]).astype(np.float16)
    shares = density(Magnitudes().add(weights), edges)
    counts, _ = np.histogram(weights.astype(np.float64), bins=edges.astype(np.float64))
    assert shares == pytest.approx(counts / SAMPLES / np.diff(edges.astype(np.float64)), rel=1e-15)


def test_the_area_of_a_density_over_all_weights_is_one() -> None:
    counted = Magnitudes().add(laplace(np.float32))
    edges = np.linspace(0.0, counted.greatest * 1.01, 77)
    assert float(density(counted, edges) @ np.diff(edges)) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("edges", [[], [1.0], [0.0, math.inf], [1.0, 1.0], [2.0, 1.0], [[0, 1]]])
def test_edges_that_do_not_rise_are_refused(edges: object) -> None:
    with pytest.raises(InvalidInput, match=r"^edges must be two finite rising numbers or more"):
        density(Magnitudes().add([1.0]), edges)


@pytest.mark.parametrize("edges", [["a", "b"], [[1.0, 2.0], [3.0]], None])
def test_edges_that_are_no_numbers_are_refused(edges: object) -> None:
    with pytest.raises(InvalidInput, match=r"^edges must be real numbers, got "):
        density(Magnitudes().add([1.0]), edges)


def test_nothing_has_no_density() -> None:
    with pytest.raises(InvalidInput, match=r"^magnitudes must hold at least one weight, got"):
        density(Magnitudes(), [0.0, 1.0])

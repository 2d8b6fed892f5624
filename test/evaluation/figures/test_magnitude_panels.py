# SPDX-License-Identifier: Apache-2.0
"""A panel's title and caption hold whatever a folder is called and whatever scale weights have."""

from __future__ import annotations

import numpy as np
import pytest

from coinfer_ros.adapters.checkpoint_magnitudes import TensorMagnitudes
from coinfer_ros.core.magnitudes import Magnitudes
from coinfer_ros.evaluation.figures import magnitude_panels
from coinfer_ros.evaluation.figures.magnitudes import Model, summarize


def model(title: str, scale: float) -> Model:
    weights = np.random.default_rng(0).laplace(0.0, scale, (100, 200)).astype(np.float32)
    return summarize(
        title, [TensorMagnitudes("a", weights.shape, "float32", Magnitudes().add(weights))]
    )


@pytest.mark.slow
@pytest.mark.parametrize("title", [r"bad$\nosuch{$x", "a_b^c", "$", r"\frac{1"])
def test_a_title_is_no_formula(title: str) -> None:
    assert magnitude_panels.picture([model(title, 0.1)]).content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("scale", "line"),
    [
        (1e-4, "λ = (1.004 ± 0.007)·10^4"),
        (0.1, "λ = 10.04 ± 0.07"),
        (1e4, "λ = (1.004 ± 0.007)·10^-4"),
    ],
)
def test_a_caption_shows_the_rate_at_any_scale(scale: float, line: str) -> None:
    assert magnitude_panels._caption(model("any", scale).whole.fit).splitlines()[0] == line


def test_a_long_title_loses_its_middle() -> None:
    length = magnitude_panels.TITLE_LENGTH
    short, long = "x" * length, "a" * 20 + "/" + "b" * 20
    assert magnitude_panels._fitting(short) == short
    assert magnitude_panels._fitting(long) == "a" * (length // 2 - 1) + "…" + "b" * (length // 2)

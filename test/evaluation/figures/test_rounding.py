# SPDX-License-Identifier: Apache-2.0
"""A number and its error end at the same place, whatever their unit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.evaluation.figures.rounding import with_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (5.01, 0.0961, "5.0 ± 0.1"),
        (14.6312, 0.0119, "14.63 ± 0.01"),
        (1234.5, 119.0, "1200 ± 100"),
        (3.0, 3.0, "3 ± 3"),
        (0.00146312, 0.00000119, "(1.463 ± 0.001)·10^-3"),
        (146312.56, 119.15, "(1.463 ± 0.001)·10^5"),
    ],
)
def test_both_are_rounded_to_the_error_s_first_digit(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


@settings(max_examples=100)
@given(st.floats(1e-30, 1e30), st.floats(1e-6, 1.0))
def test_the_error_has_one_digit_and_the_number_is_within_half_of_its_place(
    value: float, share: float
) -> None:
    text = with_error(value, share * value)
    shown, error, power = re.fullmatch(r"\(?([\d.]+) ± ([\d.]+)(?:\)·10\^(-?\d+))?", text).groups()
    assert len(error.replace(".", "").strip("0")) == 1
    scale, first = 10.0 ** int(power or 0), error.replace(".", "").strip("0")
    place = float(error) / int(first) * scale
    assert float(shown) * scale == pytest.approx(value, abs=0.5 * place * (1 + 1e-6))
    assert float(error) * scale == pytest.approx(share * value, abs=0.5 * place * (1 + 1e-6))

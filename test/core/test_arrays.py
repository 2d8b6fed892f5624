# SPDX-License-Identifier: Apache-2.0
"""What is no array of real numbers is refused by name, and what came is said."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros.core import arrays
from coinfer_ros.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("values", "came"),
    [
        ([[1], [2, 3]], "lists of unequal lengths"),
        (["3", "4"], "'3'"),
        ([True, False], "True"),
        (np.array([1 + 2j]), r"\(1\+2j\)"),
        ([10**30], "1000000000000000000000000000000"),
        (None, "None"),
        (np.zeros(0, bool), "'bool'"),
    ],
)
@pytest.mark.parametrize(
    "check", [arrays.reals, arrays.finite, arrays.positive, arrays.nonnegative]
)
def test_what_is_no_real_number_is_named(check, values: object, came: str) -> None:
    with pytest.raises(InvalidInput, match=f"^sizes must be real numbers, got {came}$"):
        check("sizes", values)


def test_whole_numbers_and_halves_become_float64_apart_from_the_original() -> None:
    for kind in (np.uint8, np.int64, np.float16, np.float64):
        given = np.ones((2, 3), kind)
        found = arrays.finite("weights", given)
        assert (found.dtype, found.shape) == (np.float64, (2, 3))
        found[0, 0] = 7.0
        assert given[0, 0] == 1


def test_infinities_are_real_but_not_finite() -> None:
    assert arrays.reals("cost", [math.inf, 1.0]).tolist() == [math.inf, 1.0]
    with pytest.raises(InvalidInput, match=r"^cost must be finite real numbers, got inf$"):
        arrays.finite("cost", [1.0, math.inf])


@pytest.mark.parametrize(
    ("values", "count", "message"),
    [
        (5.0, None, r"a list of one number or more, got shape \(\)"),
        ([], None, r"a list of one number or more, got shape \(0,\)"),
        ([[1.0]], None, r"a list of one number or more, got shape \(1, 1\)"),
        ([1.0, 2.0], 3, r"a list of 3, got shape \(2,\)"),
    ],
)
@pytest.mark.parametrize("check", [arrays.positive, arrays.nonnegative])
def test_a_list_has_one_axis_and_as_many_as_asked(check, values, count, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^sizes must be {message}$"):
        check("sizes", values, count=count)


def test_the_place_that_breaks_the_rule_is_said() -> None:
    with pytest.raises(InvalidInput, match=r"^sizes\[1\] must be above 0, got 0.0$"):
        arrays.positive("sizes", [1.0, 0.0, -1.0])
    with pytest.raises(InvalidInput, match=r"^sizes\[2\] must be at least 0, got -1.0$"):
        arrays.nonnegative("sizes", [1.0, 0.0, -1.0])

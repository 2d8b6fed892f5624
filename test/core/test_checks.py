# SPDX-License-Identifier: Apache-2.0
"""Tests of what is a number, and of what is said about what is none."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput

# Python prints no whole number of more than 4300 digits, so that pytest cannot name them either.
HUGE = [10**400, -(10**400), 10**5000, Fraction(10**400), Fraction(10**5000)]


@pytest.mark.parametrize("value", [0.5, 1, Fraction(1, 4), np.float32(0.5), np.int8(1)])
def test_numbers_of_every_kind_become_floats(value: object) -> None:
    found = checks.number("share", value, low=0.0, high=1.0)
    assert type(found) is float
    assert found == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.5, True, "1", None, 1j, [1.0]])
def test_what_is_no_number_in_the_range_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^share must be in \[0.0, 1.0\], got "):
        checks.number("share", value, low=0.0, high=1.0)


@pytest.mark.parametrize("value", HUGE, ids=range(len(HUGE)))
def test_numbers_beyond_every_float_are_refused(value: object) -> None:
    for range_ in ({}, {"low": 0.0}, {"above": 0.0}, {"low": 0.0, "high": 1.0}):
        with pytest.raises(InvalidInput, match=r"^share must be .*, got "):
            checks.number("share", value, **range_)


def test_a_number_that_is_no_float_above_zero_is_not_above_zero() -> None:
    with pytest.raises(InvalidInput, match=r"^share must be above 0, got "):
        checks.number("share", Fraction(1, 10**400), above=0.0)


@pytest.mark.parametrize("value", HUGE, ids=range(len(HUGE)))
def test_huge_whole_numbers_are_refused_in_few_words(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^count must be .*, got .{1,80}$"):
        checks.whole("count", value, low=0, high=8)


@pytest.mark.parametrize("value", [-1, 9, 2.0, True, None])
def test_what_is_no_whole_number_in_the_range_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^count must be a whole number in \[0, 8\], got "):
        checks.whole("count", value, low=0, high=8)

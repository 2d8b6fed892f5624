# SPDX-License-Identifier: Apache-2.0
"""Tests of the rows that a tensor becomes."""

from __future__ import annotations

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import Granularity, PerChannel, PerGroup, PerTensor


@pytest.mark.parametrize(
    ("granularity", "shape", "rows"),
    [
        (PerTensor(), (5,), (1, 5)),
        (PerTensor(), (4, 3, 2), (1, 24)),
        (PerChannel(), (4, 3, 2), (4, 6)),
        (PerChannel(), (4, 1), (4, 1)),
        (PerGroup(3), (4, 3, 2), (8, 3)),
        (PerGroup(6), (4, 3, 2), (4, 6)),
        (PerGroup(1), (2, 2), (4, 1)),
    ],
)
def test_a_tensor_becomes_rows(
    granularity: Granularity, shape: tuple[int, ...], rows: tuple[int, int]
) -> None:
    assert granularity.rows(shape) == rows


@pytest.mark.parametrize(
    ("granularity", "shape", "rule"),
    [
        (PerTensor(), (), "^shape must have an axis or more, none empty"),
        (PerTensor(), (3, 0), "none empty"),
        (PerTensor(), None, "^shape must have an axis or more, none empty, got None"),
        (PerChannel(), (2.0, 2), r"^shape must have two axes or more, none empty, got \(2.0, 2\)"),
        (PerGroup(1), 4, "^shape must have two axes or more, none empty, got 4"),
        (PerChannel(), (3,), r"^shape must have two axes or more, none empty, got \(3,\)"),
        (PerGroup(3), (9,), "two axes"),
        (PerGroup(4), (4, 3, 2), "^size must divide the 6 of a channel, got 4"),
        (PerGroup(12), (4, 3, 2), "^size must divide"),
    ],
)
def test_a_tensor_that_has_no_such_rows_is_refused(
    granularity: Granularity, shape: tuple[int, ...], rule: str
) -> None:
    with pytest.raises(InvalidInput, match=rule):
        granularity.rows(shape)


@pytest.mark.parametrize("size", [0, -2, 2.0, True])
def test_a_group_of_no_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidInput, match=r"^size must be a whole number"):
        PerGroup(size)

# SPDX-License-Identifier: Apache-2.0
"""Torch gets its threads back on every way out."""

from __future__ import annotations

import pytest
import torch

from coinfer_ros.evaluation.one_thread import one_thread


@pytest.fixture(autouse=True)
def three_threads() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_there_is_one_thread_inside_and_as_many_as_before_outside() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_a_failure_inside_gives_the_threads_back() -> None:
    with pytest.raises(RuntimeError), one_thread():
        raise RuntimeError
    assert torch.get_num_threads() == 3

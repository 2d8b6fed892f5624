# SPDX-License-Identifier: Apache-2.0
"""Runs torch on one CPU thread for a while, so that sums are added in one order everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread inside a ``with`` block, then as many as before.

    The same seed gives the same numbers however many cores there are. It is faster, too, where
    cores are shared: a small model's threads mostly wait for one another.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

# SPDX-License-Identifier: Apache-2.0
"""Opens a clock for as long as it is looked at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from coinfer_ros import backends
from coinfer_ros.core.ports import ClockDriver


@contextlib.contextmanager
def opened(source: str, asked: backends.Asked) -> Iterator[ClockDriver]:
    """Open a clock by name, and close it where it holds something open.

    :raises CoinferError: when it cannot be had here.
    """
    driver = backends.driver(source, asked)
    try:
        yield driver
    finally:
        getattr(driver, "close", lambda: None)()

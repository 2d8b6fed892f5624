# SPDX-License-Identifier: Apache-2.0
"""Waits for what is looked at from outside, with a deadline."""

from __future__ import annotations

import time

import pytest

# Loading torch and the model and finding each other, on a machine that does other things too.
START_S = 60.0
LOOK_S = 0.002


def until(condition, *, timeout_s):
    """Return after how many seconds ``condition()`` holds."""
    begun_s = time.monotonic()
    while not condition():
        if time.monotonic() - begun_s > timeout_s:
            pytest.fail(f"not so after {timeout_s:g} s: {condition}")
        time.sleep(LOOK_S)
    return time.monotonic() - begun_s

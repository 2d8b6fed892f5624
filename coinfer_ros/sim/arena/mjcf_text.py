# SPDX-License-Identifier: Apache-2.0
"""Numbers and colours as MJCF writes them."""

from __future__ import annotations

from coinfer_ros.sim.scene import Rgb


def rgba(colour: Rgb) -> str:
    """Return linear RGB as MuJoCo draws it: it does no gamma of its own."""
    return text(*(channel ** (1 / 2.2) for channel in colour), 1.0)


def text(*values: float) -> str:
    """Return numbers, nine digits each, with blanks between."""
    return " ".join(f"{value:.9g}" for value in values)

# SPDX-License-Identifier: Apache-2.0
"""What nodes take from a plan, checked."""

from __future__ import annotations

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.wire import WIRE_BITS
from coinfer_ros.msg import Plan


def check_plan(plan: Plan, widths: tuple[int, ...]) -> None:
    """Check what a robot takes from a plan.

    :param widths: bit-widths that its half can run.
    :raises InvalidInput: naming the field, its rule and what came.
    """
    if plan.weight_bits not in widths:
        raise InvalidInput(f"weight_bits must be one of {widths}, got {plan.weight_bits}")
    if plan.wire_bits not in WIRE_BITS:
        raise InvalidInput(f"wire_bits must be one of {WIRE_BITS}, got {plan.wire_bits}")
    checks.number("predicted_delay_s", plan.predicted_delay_s, low=0.0, high=3600.0, unit="s")

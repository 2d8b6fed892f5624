# SPDX-License-Identifier: Apache-2.0
"""What was measured of one half of a model on one machine, and how a plan is made of it."""

from coinfer_ros.core.profile.belongs import check_belongs
from coinfer_ros.core.profile.costs import ComputedHalf, HalfCosts, MeasuredHalf
from coinfer_ros.core.profile.fields import Table
from coinfer_ros.core.profile.joint import Joint
from coinfer_ros.core.profile.plain import FORMAT, from_plain, plain, to_plain
from coinfer_ros.core.profile.profile import ROLES, Profile
from coinfer_ros.core.profile.records import (
    SERVED,
    Device,
    Distortion,
    Energy,
    Latency,
    Magnitudes,
    Quality,
    WireSize,
)
from coinfer_ros.core.profile.tabulated import TabulatedHalf

__all__ = [
    "FORMAT",
    "ROLES",
    "SERVED",
    "ComputedHalf",
    "Device",
    "Distortion",
    "Energy",
    "HalfCosts",
    "Joint",
    "Latency",
    "Magnitudes",
    "MeasuredHalf",
    "Profile",
    "Quality",
    "Table",
    "TabulatedHalf",
    "WireSize",
    "check_belongs",
    "from_plain",
    "plain",
    "to_plain",
]

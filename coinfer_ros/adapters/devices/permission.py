# SPDX-License-Identifier: Apache-2.0
"""Says how a user gets the permission that a sensor or a clock needs."""

from __future__ import annotations

# Written out once: every driver that raises NotPermitted ends its message with it.
REMEDY = "run once: sudo sh $(coinfer doctor --files)/permit.sh"
# NVIDIA's driver gives clocks to administrators alone: a service sets them.
NVML_REMEDY = f"{REMEDY} --service edge --nvml (on the robot: --service robot)"

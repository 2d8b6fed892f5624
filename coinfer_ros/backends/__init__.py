# SPDX-License-Identifier: Apache-2.0
"""Names to classes: what executes, measures and clocks one machine, imported when asked for."""

from coinfer_ros.backends.machine import OWNER_FOLDER, Machine, machine
from coinfer_ros.backends.parts import OWN, Asked, driver, driver_of, sensor

__all__ = ["OWN", "OWNER_FOLDER", "Asked", "Machine", "driver", "driver_of", "machine", "sensor"]

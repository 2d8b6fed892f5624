# SPDX-License-Identifier: Apache-2.0
"""Makes the message of what a machine draws and how fast it runs."""

from __future__ import annotations

import math

from coinfer_ros.backends import Machine
from coinfer_ros.core.ports import ClockReading, PowerReading, Rail, Sample
from coinfer_ros.msg import DeviceState


def measured_state(
    machine: Machine, *, before: PowerReading, now: PowerReading, clock: ClockReading
) -> DeviceState:
    """Return what is measured of a machine; who it is and what was asked of it are not filled in.

    :param before: the reading of the last state, for the means since then.
    :param clock: as it is now.
    """
    meter, sample = machine.meter, now.sample or Sample(now.at_s)
    elapsed_s = now.at_s - before.at_s
    same = elapsed_s > 0.0 and now.breaks == before.breaks
    mean_w = (now.energy_j - before.energy_j) / elapsed_s if same else math.nan
    busy = (now.busy_s - before.busy_s) / elapsed_s if same else math.nan
    alone = () if math.isnan(now.power_w) else (Rail("total", now.power_w),)
    rails = sample.rails or alone
    return DeviceState(
        source=meter.info.source,
        covers=meter.info.covers,
        simulated=machine.simulated,
        # A sensor shows its newest; where there is none, the mean says more than a moment.
        power_w=now.power_w if now.sample else mean_w,
        idle_power_w=meter.idle_power_w,
        energy_j=now.energy_j,
        energy_resolution_j=meter.info.resolution_j,
        energy_drift=meter.drift,
        sensor_period_s=meter.info.period_s,
        rails=[rail.name for rail in rails],
        rail_power_w=[rail.power_w for rail in rails],
        clock_hz=clock.hz,
        default_clock_hz=machine.clock.default_hz,
        temperature_c=sample.temperature_c,
        throttle=clock.throttle,
        load=sample.load if now.sample else min(max(busy, 0.0), 1.0),
        process_ids=[process.pid for process in sample.processes],
        process_load=[process.load for process in sample.processes],
        faults=meter.faults.total,
    )

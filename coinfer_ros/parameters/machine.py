# SPDX-License-Identifier: Apache-2.0
"""Parameters of every node that sits on a machine."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.settings import setting

BACKENDS = ("simulated", "none", "nvml", "jetson", "cpu")
METERS = ("auto", "none", "nvml", "hwmon", "tegrastats", "rapl", "battery", "replay")
CLOCKS = ("auto", "none", "nvml", "devfreq", "cpufreq")


@dataclass(frozen=True)
class MachineSettings:
    """Parameters of every node that sits on a machine: what measures it, what its clock is."""

    backend: str = setting(
        "device.backend",
        "simulated",
        "What the machine is: simulated silicon, or real (its own pace) with the meter and clock "
        "of an NVIDIA GPU, a Jetson, a CPU, or neither (docs/devices.md).",
        choices=BACKENDS,
    )
    meter: str = setting(
        "device.meter", "auto", "What measures its power; auto: the backend's own.", choices=METERS
    )
    clock: str = setting(
        "device.clock", "auto", "Which clock plans set; auto: the backend's own.", choices=CLOCKS
    )
    gpu: int = setting(
        "device.gpu", 0, "Index of the NVIDIA GPU, as nvidia-smi counts.", low=0, high=63
    )
    idle_power_w: float = setting(
        "device.idle_power_w",
        0.0,
        "What the machine draws with nothing to do, W; 0: learnt, the calmest second so far (a "
        "simulated board's is in its file).",
        low=0.0,
        high=10_000.0,
    )
    trace: str = setting(
        "device.trace", "", "Recorded power that the meter `replay` plays again (docs/devices.md)."
    )
    trace_interval_s: float = setting(
        "device.trace_interval_s",
        0.0,
        "Time between two lines of a tegrastats log, s; 0: as their dates say.",
        low=0.0,
        high=3600.0,
    )
    root: str = setting(
        "device.root", "/", "Where the system's files lie; another folder in a container."
    )
    state_dir: str = setting(
        "board.state_dir",
        "",
        "Folder of the simulated board's registers; empty: one for this user and ROS domain.",
    )

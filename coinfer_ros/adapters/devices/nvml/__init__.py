# SPDX-License-Identifier: Apache-2.0
"""NVIDIA GPUs through NVML: their power, their energy counter and their graphics clock."""

from __future__ import annotations

from coinfer_ros.adapters.devices.nvml.clock import NvmlClock
from coinfer_ros.adapters.devices.nvml.library import Gpu, gpus
from coinfer_ros.adapters.devices.nvml.period import measured_period_s
from coinfer_ros.adapters.devices.nvml.sensor import NvmlSensor

__all__ = ["Gpu", "NvmlClock", "NvmlSensor", "gpus", "measured_period_s"]

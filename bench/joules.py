# SPDX-License-Identifier: Apache-2.0
"""Joules a frame on an NVIDIA GPU, from the driver's own counter and without its package."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable

import torch

LEAST_S = 2.0  # the counter moves some ten times a second
GOOD = 0  # NVML_SUCCESS


def a_frame(work: Callable[[], object]) -> float:
    """Return the energy of one ``work``, J, idle power included; NaN where nothing counts it.

    :param work: what to repeat; it runs on the first GPU.
    """
    read = _counter()
    if read is None:
        return math.nan
    torch.cuda.synchronize()
    begun_s, before_j, rounds = time.monotonic(), read(), 0
    while time.monotonic() - begun_s < LEAST_S:
        work()
        torch.cuda.synchronize()
        rounds += 1
    return (read() - before_j) / rounds


def _counter() -> Callable[[], float] | None:
    """Return what reads the first GPU's energy since the driver was loaded, J."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    handle, counted_mj = ctypes.c_void_p(), ctypes.c_ulonglong()
    if nvml.nvmlInit_v2() != GOOD:
        return None
    if nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle)) != GOOD:
        return None

    def read() -> float:
        nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(counted_mj))
        return counted_mj.value / 1e3

    supported = nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(counted_mj)) == GOOD
    return read if supported and torch.cuda.is_available() else None

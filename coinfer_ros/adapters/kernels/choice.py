# SPDX-License-Identifier: Apache-2.0
"""Chooses the kernel: by name, or the narrowest that pays on this device and holds the codes."""

from __future__ import annotations

from functools import cache

import torch

from coinfer_ros.adapters.kernels.dense import BFloat16, Float16, Float32
from coinfer_ros.adapters.kernels.int4 import Int4
from coinfer_ros.adapters.kernels.int8_cuda import Int8Cuda
from coinfer_ros.adapters.kernels.int8_onednn import Int8OneDNN
from coinfer_ros.adapters.kernels.int8_qnnpack import Int8QNNPACK
from coinfer_ros.adapters.kernels.kernel import Kernel
from coinfer_ros.core.errors import Unsupported

AUTO = "auto"
# The narrowest first. Kernels of one name are one kernel on different devices.
KERNELS: tuple[type[Kernel], ...] = (
    Int4,
    Int8OneDNN,
    Int8QNNPACK,
    Int8Cuda,
    BFloat16,  # before float16, whose range some models' activations leave
    Float16,
    Float32,
)
NAMES = tuple(dict.fromkeys(kind.name for kind in KERNELS))


def available(device: str | torch.device) -> tuple[Kernel, ...]:
    """Return the kernels that run on ``device``, the narrowest first."""
    return _found(torch.device(device))


def kernel_for(bits: int, device: str | torch.device, preferred: str = AUTO) -> Kernel:
    """Return the kernel to run weights of ``bits`` bits on.

    :param bits: width of the weights' codes.
    :param preferred: its name; ``auto``: the narrowest of at least ``bits`` that no wider one
        outruns on this device.
    :raises Unsupported: when there is none of that name here, or it is narrower than ``bits``.
    """
    place = torch.device(device)
    there = {kernel.name: kernel for kernel in available(place)}
    if preferred == AUTO:
        return next(k for k in there.values() if k.bits >= bits and not k.lags(place))
    if preferred not in there:
        raise Unsupported(
            f"kernel must be one of {', '.join((AUTO, *there))} on {place}, "
            f"got {preferred!r}{_why(preferred, place)}"
        )
    if there[preferred].bits < bits:
        wide = [name for name, kernel in there.items() if kernel.bits >= bits]
        raise Unsupported(
            f"kernel must hold {bits} bits, as {', '.join((AUTO, *wide))} do, "
            f"got {preferred!r} with {there[preferred].bits}"
        )
    return there[preferred]


@cache
def _found(device: torch.device) -> tuple[Kernel, ...]:
    return tuple(kind(device) for kind in KERNELS if not kind.lacks(device))


def _why(name: str, device: torch.device) -> str:
    """Return why a known kernel cannot run there, after a colon."""
    reasons = dict.fromkeys(kind.lacks(device) for kind in KERNELS if kind.name == name)
    return f": {'; '.join(reasons)}" if reasons else ""

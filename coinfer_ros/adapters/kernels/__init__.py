# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers: in floating point, in 8-bit and in 4-bit integers, whichever is quick here.

``kernel_for`` chooses a kernel, the kernel packs a layer's weights, and ``SwitchableLinear`` runs
them where the layer was.
"""

from coinfer_ros.adapters.kernels.choice import AUTO, NAMES, available, kernel_for
from coinfer_ros.adapters.kernels.kernel import Int8Kernel, Kernel, PackedLinear
from coinfer_ros.adapters.kernels.switchable import SwitchableLinear

__all__ = [
    "AUTO",
    "NAMES",
    "Int8Kernel",
    "Kernel",
    "PackedLinear",
    "SwitchableLinear",
    "available",
    "kernel_for",
]

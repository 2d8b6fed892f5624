# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers: in floating point, in 8-bit and in 4-bit integers, whichever is quick here.

``kernel_for`` chooses a kernel, the kernel packs a layer's weights, and ``SwitchableLinear`` runs
them where the layer was. ``observe`` first lets layers see something typical: 8-bit kernels are
then several times as true on models with channels of very different size.
"""

from coinfer_ros.adapters.kernels.balance import observe
from coinfer_ros.adapters.kernels.choice import AUTO, NAMES, available, kernel_for
from coinfer_ros.adapters.kernels.int8 import Int8Kernel
from coinfer_ros.adapters.kernels.kernel import Kernel, PackedLinear
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
    "observe",
]

# SPDX-License-Identifier: Apache-2.0
"""Turns weights into few bits and back: five quantizers, three granularities, one stored form.

Each quantizer is three stateless verbs over rows of weights that share a scale:
``choose_qparams``, ``quantize`` and ``dequantize``. ``encode`` and ``decode`` take a whole tensor
to its packed form and back. The paper names a uniform and a power-of-two quantizer and gives no
formula for either (arXiv 2602.13052, Sec. VI-A); ``exponential`` is the one that meets its upper
bound (docs/theory.md, 2).
"""

from coinfer_ros.core.quantizers.coding import decode, encode, restored
from coinfer_ros.core.quantizers.granularity import Granularity, PerChannel, PerGroup, PerTensor
from coinfer_ros.core.quantizers.law import law_distortion
from coinfer_ros.core.quantizers.quantized import Quantized
from coinfer_ros.core.quantizers.table import QUANTIZERS, Quantizer

__all__ = [
    "QUANTIZERS",
    "Granularity",
    "PerChannel",
    "PerGroup",
    "PerTensor",
    "Quantized",
    "Quantizer",
    "decode",
    "encode",
    "law_distortion",
    "restored",
]

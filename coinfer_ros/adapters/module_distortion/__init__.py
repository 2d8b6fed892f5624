# SPDX-License-Identifier: Apache-2.0
"""Measures how quantized weights move the output of a torch module, arXiv 2602.13052, Sec. III.

Which weights are quantized is the rule of ``adapters.quantizable``: those of Linear, Conv2d and
Embedding layers, and no others; how is that of ``core.quantizers``.
"""

from coinfer_ros.adapters.module_distortion.gradient import Steepness, steepness
from coinfer_ros.adapters.module_distortion.measured import (
    Measurement,
    ModuleDistortion,
    measure,
    output_distortion,
)
from coinfer_ros.adapters.module_distortion.sensitivity import Sensitivities, sensitivities
from coinfer_ros.adapters.module_distortion.weights import quantizable, quantized_in_place

__all__ = [
    "Measurement",
    "ModuleDistortion",
    "Sensitivities",
    "Steepness",
    "measure",
    "output_distortion",
    "quantizable",
    "quantized_in_place",
    "sensitivities",
    "steepness",
]

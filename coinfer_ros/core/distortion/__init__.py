# SPDX-License-Identifier: Apache-2.0
"""Bounds the error of a model's output by the error of its weights, arXiv 2602.13052, Sec. III."""

from coinfer_ros.core.distortion.proposition import (
    MatrixNorm,
    layer_coefficients,
    proposition_bound,
)
from coinfer_ros.core.distortion.surrogate import (
    ParameterDistortion,
    empirical_constant,
    gradient_bound,
    parameter_distortion,
)

__all__ = [
    "MatrixNorm",
    "ParameterDistortion",
    "empirical_constant",
    "gradient_bound",
    "layer_coefficients",
    "parameter_distortion",
    "proposition_bound",
]

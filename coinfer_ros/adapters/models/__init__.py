# SPDX-License-Identifier: Apache-2.0
"""Opens a checkpoint folder as a robot half and an edge half, whatever its family."""

from __future__ import annotations

from pathlib import Path

from coinfer_ros.adapters.compute_device import compute_device
from coinfer_ros.adapters.kernels import AUTO
from coinfer_ros.adapters.models.head import VisionHead
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.models.tail import MAX_NEW_TOKENS, LanguageTail
from coinfer_ros.core.model import FULL_BITS, ModelInfo

__all__ = ["MAX_NEW_TOKENS", "LanguageTail", "VisionHead", "describe", "open_head", "open_tail"]

ImagePx = tuple[int, int] | None


def describe(path: str | Path, *, cut: str = "", image_px: ImagePx = None) -> ModelInfo:
    """Describe a checkpoint without loading a weight; see :func:`opening.open_model`."""
    return open_model(path, cut=cut, image_px=image_px).info()


def open_head(
    path: str | Path,
    *,
    cut: str = "",
    image_px: ImagePx = None,
    bits: int = FULL_BITS,
    device: str = "auto",
    kernel: str = AUTO,
) -> VisionHead:
    """Load the robot's half, and no other weight; see :func:`opening.open_model` and its class.

    :param device: ``cpu``, ``cuda``, or ``auto`` for whichever is there.
    """
    opened = open_model(path, cut=cut, image_px=image_px)
    return VisionHead(opened, bits=bits, device=compute_device(device), kernel=kernel)


def open_tail(
    path: str | Path,
    *,
    cut: str = "",
    image_px: ImagePx = None,
    max_new_tokens: int = MAX_NEW_TOKENS,
    device: str = "auto",
    precision: str = "float32",
) -> LanguageTail:
    """Load the edge's half, and no other weight; see :func:`opening.open_model`.

    :param max_new_tokens: an answer stops there at the latest.
    :param device: ``cpu``, ``cuda``, or ``auto`` for whichever is there.
    :param precision: type that it computes in.
    """
    opened = open_model(path, cut=cut, image_px=image_px)
    return LanguageTail(
        opened,
        max_new_tokens=max_new_tokens,
        device=compute_device(device),
        precision=precision,
    )

# SPDX-License-Identifier: Apache-2.0
"""The robot's half as a plain float32 module, to try on it what the served half does not run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from coinfer_ros.adapters.models.head import plain_head
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.module_distortion import ModuleDistortion
from coinfer_ros.adapters.module_distortion.measured import Reference
from coinfer_ros.core.quantizers import PerChannel

Images = Sequence[NDArray[np.uint8]]


class PlainHead:
    """A head that quantizers are tried on, one scale a channel each.

    :param path: the checkpoint's folder.
    :param images: what it is shown, one or more.
    :param cut: where the model is cut; empty: its own place.
    """

    def __init__(self, path: Path, images: Images, *, cut: str) -> None:
        opened = open_model(path, cut=cut)
        self._processing, self._frames = opened.processing, opened.frames
        self._module = plain_head(opened)
        self._tick: Callable[[], None] = lambda: None
        self._reference = Reference(self._module, self._embed, images)

    def distortion(self, quantizer: str, bits: int, tick: Callable[[], None]) -> ModuleDistortion:
        """Measure the weights' and the embedding's errors.

        :param quantizer: a key of ``core.quantizers.QUANTIZERS``.
        :param bits: bit-width in its range.
        :param tick: called for each image.
        """
        self._tick = tick
        return self._reference.distortion(bits, quantizer=quantizer, granularity=PerChannel())

    def _embed(self, image: NDArray[np.uint8]) -> torch.Tensor:
        """Turn RGB (H, W, 3), seen as often as a video model has frames, into (T, C)."""
        shown = np.broadcast_to(image, (self._frames, *image.shape))
        embedding: torch.Tensor = self._module(self._processing.image_inputs(shown))
        self._tick()
        return embedding

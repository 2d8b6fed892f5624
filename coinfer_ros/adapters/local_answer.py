# SPDX-License-Identifier: Apache-2.0
"""A small model that answers on the robot alone while no edge does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters import models
from coinfer_ros.core.model import FULL_BITS, Generated
from coinfer_ros.core.ports import Accelerator

MOST_TOKENS = 20


class LocalAnswer:
    """Both halves of a small model in one process.

    :param folder: its checkpoint.
    :param device: where it computes: ``auto``, ``cpu`` or ``cuda``.
    :param flop: work of one answer, FLOP; 0: counted from the model.
    :raises CoinferError: as the halves do, for a checkpoint that cannot be used.
    """

    def __init__(self, folder: Path, *, device: str, flop: float) -> None:
        self._head = models.open_head(
            folder, cut="", image_px=None, bits=FULL_BITS, device=device, kernel="auto"
        )
        self._tail = models.open_tail(
            folder,
            cut="",
            image_px=None,
            max_new_tokens=MOST_TOKENS,
            device=device,
            precision="float32",
        )
        info = self._head.info
        self._flop = flop or info.head_flop + info.tail_flop
        self.frames = self._head.frames
        self.backend = f"{folder.name} on the robot"

    def answer(self, image: NDArray[np.uint8], prompt: str, accelerator: Accelerator) -> Generated:
        """Return the model's text for an RGB image (H, W, 3), or a clip (F, H, W, 3)."""
        return accelerator.run(
            self._flop, lambda: self._tail.answer(self._head.embed(image), prompt)
        )

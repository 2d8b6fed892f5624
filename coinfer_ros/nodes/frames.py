# SPDX-License-Identifier: Apache-2.0
"""What a camera showed last: one image, or the clip that a video model looks at."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from coinfer_ros.core.clip import Clip
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.nodes.convert import image_to_rgb
from coinfer_ros.nodes.worker import Newest

AnyImage = Image | CompressedImage
# A camera that takes so long for an image is no camera.
SILENT_AFTER_S = 5.0


class Frames:
    """A queue of one in which the newest image wins, with what came before it.

    :param count: images that the model looks at together.
    :param span_s: time that they span, s.
    """

    def __init__(self, *, count: int, span_s: float) -> None:
        self._newest: Newest[AnyImage] = Newest()
        self._count, self._span_s = count, span_s
        self._since_s = time.monotonic()  # of the newest image, or the beginning
        self._changing = threading.Lock()  # images and turns come from different threads
        self.clear()

    @property
    def arrived(self) -> int:
        """Images that came."""
        return self._newest.arrived

    @property
    def replaced(self) -> int:
        """Images that a newer one replaced before their turn; a clip may still show them."""
        return self._newest.replaced

    def silence(self, now_s: float) -> str:
        """Return what to say of a camera that shows nothing; empty: it does."""
        silent_s = now_s - self._since_s
        if silent_s < SILENT_AFTER_S:
            return ""
        if self.arrived:
            return f"no image for {silent_s:.0f} s"
        return f"no image since activation ({silent_s:.0f} s)"

    def put(self, image: AnyImage) -> None:
        """Leave an image for the worker."""
        self._since_s = time.monotonic()
        with self._changing:
            self._clip.add(image, at_s=time.monotonic())
        self._newest.put(image)

    def take(self, timeout_s: float) -> list[AnyImage] | None:
        """Return the newest image and those before it, oldest first; None when none came."""
        if self._newest.take(timeout_s) is None:
            return None
        with self._changing:
            return self._clip.pick() or None

    def clear(self) -> None:
        """Forget what waits and what came before it."""
        with self._changing:
            self._clip: Clip[AnyImage] = Clip(frames=self._count, span_s=self._span_s)
        self._newest.take(0.0)


def to_rgb(frames: Sequence[AnyImage]) -> NDArray[np.uint8]:
    """Return the pixels of one image (H, W, 3), or of a clip (F, H, W, 3).

    :raises InvalidInput: for an image that is none, or frames of several sizes.
    """
    pixels = [image_to_rgb(frame) for frame in frames]
    if len(pixels) == 1:
        return pixels[0]
    shapes = {shown.shape for shown in pixels}
    if len(shapes) > 1:
        raise InvalidInput(f"images of a clip must have one size, got {sorted(shapes)}")
    return np.stack(pixels)

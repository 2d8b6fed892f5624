# SPDX-License-Identifier: Apache-2.0
"""The shipped model and an image of the shipped clip, or what the options put in their place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.options import Options
from coinfer_ros import locate
from coinfer_ros.adapters.camera import open_camera
from coinfer_ros.adapters.models import LanguageTail, VisionHead, open_head, open_tail
from coinfer_ros.core.errors import Unavailable


def head(options: Options) -> VisionHead:
    """Load the robot's half."""
    return open_head(locate.model(options.model))


def tail(options: Options) -> LanguageTail:
    """Load the edge's half, warm."""
    loaded = open_tail(locate.model(options.model))
    loaded.warm_up()
    return loaded


def image(options: Options) -> NDArray[np.uint8]:
    """Return the first image of the source, RGB (H, W, 3)."""
    source = locate.camera(options.source)
    camera = open_camera(source, loop=False)
    try:
        first = camera.read()
    finally:
        camera.close()
    if first is None:
        raise Unavailable(f"--source must hold an image, got {source!r} with none")
    return first

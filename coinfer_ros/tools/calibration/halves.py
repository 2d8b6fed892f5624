# SPDX-License-Identifier: Apache-2.0
"""Opens what a calibration needs of a model and lists its measurements."""

from __future__ import annotations

from coinfer_ros.adapters import models
from coinfer_ros.core.model import Tail
from coinfer_ros.tools.calibration import inputs
from coinfer_ros.tools.calibration.asked import Asked
from coinfer_ros.tools.calibration.bench import Bench
from coinfer_ros.tools.calibration.edge import EdgeHalf
from coinfer_ros.tools.calibration.robot import RobotHalf
from coinfer_ros.tools.calibration.steps import Step


def steps(asked: Asked, bench: Bench) -> list[Step]:
    """Return every measurement of a half, in the order to take them in.

    :param asked: what is wanted.
    :param bench: the machine.
    """
    # At the edge too: answers are as long as what is seen makes them.
    head = models.open_head(asked.folder, cut=asked.info.cut, image_px=asked.image_px)
    images = inputs.images(asked.images)

    def open_tail() -> Tail:
        return models.open_tail(asked.folder, cut=asked.info.cut, image_px=asked.image_px)

    if asked.role == "edge":
        shown = [head.embed(image) for image in images]
        return list(EdgeHalf(asked, open_tail(), embeddings=shown, bench=bench).steps())
    half = RobotHalf(
        asked,
        head,
        images=images,
        examples=inputs.examples(asked.task, asked.examples),
        open_tail=open_tail,
        bench=bench,
    )
    return list(half.steps())

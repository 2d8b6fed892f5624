# SPDX-License-Identifier: Apache-2.0
"""Parameters of the camera node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.settings import setting
from coinfer_ros.parameters.common import AUTOSTART


@dataclass(frozen=True)
class CameraSettings:
    """Parameters of the camera node."""

    autostart: bool = setting(*AUTOSTART)
    source: str = setting(
        "camera.source",
        "media/scenes.mp4",
        "Device (0, /dev/video0), URL, video file or folder; relative: here, else in the share.",
    )
    loop: bool = setting("camera.loop", True, "Begin again at the end of a file or folder.")
    rate_hz: float = setting(
        "camera.rate_hz",
        0.0,
        "Images a second; 0: the source's own pace (10 where it has none).",
        low=0.0,
        high=240.0,
        live=True,
    )
    frame_id: str = setting("camera.frame_id", "camera", "Frame of the images' headers.")

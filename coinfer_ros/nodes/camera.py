# SPDX-License-Identifier: Apache-2.0
"""Node ``camera``: publishes images from a camera, a stream, a video or a folder."""

from __future__ import annotations

import contextlib
import time

from sensor_msgs.msg import Image

from coinfer_ros import locate
from coinfer_ros.adapters.camera import open_camera
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import rgb_to_image
from coinfer_ros.nodes.worker import Worker
from coinfer_ros.parameters import CameraSettings

PACE_OF_FOLDERS_HZ = 10.0


class CameraNode(CoinferNode[CameraSettings]):
    """Reads a source at its pace in a thread of its own."""

    kind = CameraSettings

    def configure(self) -> None:
        """Take one image, so that a source without any is refused here."""
        self._source = locate.camera(self.settings.source)
        camera = open_camera(self._source, loop=self.settings.loop)
        with contextlib.closing(camera):
            if camera.read() is None:
                raise InvalidInput(
                    f"camera.source must give at least one image, got none from {self._source!r}"
                )

    def activate(self) -> None:
        """Open the source and publish."""
        self._camera = open_camera(self._source, loop=self.settings.loop)
        self.active.callback(self._camera.close)
        self._publisher = self.create_publisher(Image, "image", qos.SENSOR)
        self.active.callback(lambda: self.destroy_publisher(self._publisher))
        self._published, self._unreadable, self._ended, self._problem = 0, 0, False, ""
        self._due_s = time.monotonic()
        self._worker = Worker(self._turn, self._failed)
        self.active.callback(self._worker.close)
        self._worker.start()

    def diagnose(self) -> dict[str, object]:
        """Say how many images went out and whether the source ended."""
        values: dict[str, object] = {
            "published": self._published,
            "unreadable": self._unreadable,
            "source": self._source,
        }
        if self._ended:
            values["warning"] = self._problem or "the source has ended"
        return values

    def _turn(self) -> None:
        if self._ended:
            self._worker.sleep(1.0)
            return
        try:
            pixels = self._camera.read()
        except InvalidInput as error:
            self._unreadable += 1
            self.get_logger().error(f"left out: {error}", throttle_duration_sec=5.0)
            self._worker.sleep(1.0 / PACE_OF_FOLDERS_HZ)
            return
        if pixels is None:
            self._ended = True
            self.get_logger().warning(f"{self._source} has ended; set camera.loop to repeat it")
            return
        self._wait()
        stamp = self.get_clock().now().to_msg()
        self._publisher.publish(rgb_to_image(pixels, stamp=stamp, frame_id=self.settings.frame_id))
        self._published += 1

    def _wait(self) -> None:
        rate_hz = self.settings.rate_hz or self._camera.rate_hz
        if rate_hz == 0.0 and self._camera.live:
            return
        self._due_s += 1.0 / (rate_hz or PACE_OF_FOLDERS_HZ)
        # After a stall go on from now: a burst of old images helps nobody.
        self._due_s = max(self._due_s, time.monotonic())
        self._worker.sleep(max(self._due_s - time.monotonic(), 0.0))

    def _failed(self, error: Exception) -> None:
        self._ended, self._problem = True, str(error)
        self.get_logger().error(f"camera.source: {error}")


def main() -> None:
    """Run the node."""
    run(CameraNode, "camera")

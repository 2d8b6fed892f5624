# SPDX-License-Identifier: Apache-2.0
"""Images from a camera, a stream, a video file or a folder, through OpenCV."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

# FFmpeg and OpenCV print their own complaints; ours name the parameter.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.errors import InvalidInput, Unavailable

Image = NDArray[np.uint8]
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm")


class Camera(Protocol):
    """A source of images."""

    rate_hz: float  # its own pace; 0: as fast as it is read
    live: bool  # it paces itself and cannot be held back

    def read(self) -> Image | None:
        """Return the next RGB image (H, W, 3), None at the end."""
        ...

    def close(self) -> None:
        """Let go of the device or file."""
        ...


def open_camera(source: str, *, loop: bool) -> Camera:
    """Open ``source`` and read nothing yet.

    :param source: a device (``0`` or ``/dev/video0``), a URL, a video file or a folder of images.
    :param loop: begin again at the end of a file or folder.
    :raises Unavailable: when there is nothing to open at ``source``.
    :raises InvalidInput: when what is there cannot be read as images.
    """
    path = Path(source).expanduser()
    if not source:
        raise InvalidInput("camera.source must be a device, URL, video file or folder, got ''")
    if path.is_dir():
        return Folder(path, loop=loop)
    if is_live(source):
        return Capture(source, loop=False)
    if not path.exists():
        raise Unavailable(
            f"camera.source must be a device, URL, video file or folder, got {source!r}: "
            "no such file"
        )
    return Capture(str(path), loop=loop)


class Capture:
    """A video file, a camera device or a stream.

    :param source: what OpenCV opens.
    :param loop: begin again at the end (files only).
    """

    def __init__(self, source: str, *, loop: bool) -> None:
        self._source, self._loop = source, loop
        self.live = is_live(source)
        self._capture = self._open()
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        # A live source paces itself; a file only says how it wants to be paced.
        self.rate_hz = 0.0 if self.live or not np.isfinite(fps) else float(max(fps, 0.0))

    def _open(self) -> cv2.VideoCapture:
        if not self.live:
            capture = cv2.VideoCapture(self._source)
        elif self._source.isdigit():
            capture = cv2.VideoCapture(int(self._source))
        else:
            capture = cv2.VideoCapture(self._source)
        if not capture.isOpened():
            kind = "a camera or stream that answers" if self.live else "a video that OpenCV reads"
            raise InvalidInput(f"camera.source must be {kind}, got {self._source!r}")
        return capture

    def read(self) -> Image | None:
        """Return the next RGB image (H, W, 3), None at the end."""
        good, image = self._capture.read()
        if not good and self._loop:
            self._capture.release()
            self._capture = self._open()
            good, image = self._capture.read()
        return _rgb(image) if good else None

    def close(self) -> None:
        """Let go of the device or file."""
        self._capture.release()


class Folder:
    """The images of a folder, by name.

    :param path: the folder.
    :param loop: begin again at the end.
    """

    rate_hz = 0.0
    live = False

    def __init__(self, path: Path, *, loop: bool) -> None:
        self._paths = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
        if not self._paths:
            raise InvalidInput(
                f"camera.source must be a folder with images ({', '.join(_SUFFIXES)}), "
                f"got {str(path)!r} with none"
            )
        self._loop = loop
        self._next = self._order()

    def _order(self) -> Iterator[Path]:
        while True:
            yield from self._paths
            if not self._loop:
                return

    def read(self) -> Image | None:
        """Return the next RGB image (H, W, 3), None at the end.

        :raises InvalidInput: naming the file that is no image.
        """
        path = next(self._next, None)
        if path is None:
            return None
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise InvalidInput(f"camera.source must hold images, got {str(path)!r}")
        return _rgb(image)

    def close(self) -> None:
        """Nothing is held open."""


def is_live(source: str) -> bool:
    """Say whether a source is a device or a stream, which paces itself."""
    return source.isdigit() or source.startswith("/dev/") or "://" in source


def decode_jpeg_or_png(data: bytes) -> Image:
    """Return the RGB image (H, W, 3) of a compressed one.

    :raises InvalidInput: when OpenCV cannot decode it.
    """
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:  # refuses sizes beyond its own limit
        image = None
    if image is None:
        raise InvalidInput(f"image must be JPEG or PNG, got {len(data)} bytes that are neither")
    return _rgb(image)


def _rgb(image: object) -> Image:
    return np.ascontiguousarray(cv2.cvtColor(np.asarray(image), cv2.COLOR_BGR2RGB)).astype(
        np.uint8, copy=False
    )

# SPDX-License-Identifier: Apache-2.0
"""A camera gives RGB images from what it is pointed at, or says what is wrong with it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from coinfer_ros.adapters.camera import decode_jpeg_or_png, is_live, open_camera
from coinfer_ros.core.errors import InvalidInput, Unavailable

RED = np.zeros((16, 24, 3), np.uint8)
RED[..., 0] = 255


def save(path, rgb):
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5.0, (64, 48))
    for level in (0, 120, 240):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path


def test_a_folder_is_read_by_name_and_in_rgb(tmp_path):
    save(tmp_path / "b.png", RED[..., ::-1])
    save(tmp_path / "a.png", RED)
    (tmp_path / "notes.txt").write_text("not an image")
    camera = open_camera(str(tmp_path), loop=False)
    assert np.array_equal(camera.read(), RED)
    assert np.array_equal(camera.read(), RED[..., ::-1])
    assert camera.read() is None


def test_a_folder_in_a_loop_begins_again(tmp_path):
    save(tmp_path / "a.png", RED)
    camera = open_camera(str(tmp_path), loop=True)
    assert all(np.array_equal(camera.read(), RED) for _ in range(5))


@pytest.mark.parametrize("source", ["0", "/dev/video0", "rtsp://host/stream", "udp://@:5000"])
def test_a_source_that_paces_itself_is_known_by_its_name(source):
    assert is_live(source)


def test_a_video_has_its_own_pace_and_ends(video):
    camera = open_camera(str(video), loop=False)
    assert camera.rate_hz == 5.0
    levels = [camera.read().mean() for _ in range(3)]
    assert levels == pytest.approx([0, 120, 240], abs=3)
    assert camera.read() is None
    camera.close()


def test_a_video_in_a_loop_begins_again(video):
    camera = open_camera(str(video), loop=True)
    levels = [camera.read().mean() for _ in range(4)]
    assert levels[3] == pytest.approx(levels[0], abs=3)
    camera.close()


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("", InvalidInput, "got ''"),
        ("none.mp4", Unavailable, "no such file"),
        ("broken.mp4", InvalidInput, "a video that OpenCV reads"),
        ("empty", InvalidInput, "a folder with images"),
        ("/dev/video93", InvalidInput, "a camera or stream that answers"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path, name, error, message):
    (tmp_path / "broken.mp4").write_bytes(b"not a video at all")
    (tmp_path / "empty").mkdir()
    source = name if name in ("", "/dev/video93") else str(tmp_path / name)
    with pytest.raises(error, match=rf"camera\.source must be.*{message}"):
        open_camera(source, loop=True)


def test_a_broken_image_in_a_folder_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(InvalidInput, match=r"a\.png"):
        open_camera(str(tmp_path), loop=False).read()


def test_a_compressed_image_is_decoded_to_rgb():
    data = cv2.imencode(".png", cv2.cvtColor(RED, cv2.COLOR_RGB2BGR))[1].tobytes()
    assert np.array_equal(decode_jpeg_or_png(data), RED)
    for bad in (b"", b"no image"):
        with pytest.raises(InvalidInput, match="image must be JPEG or PNG"):
            decode_jpeg_or_png(bad)
